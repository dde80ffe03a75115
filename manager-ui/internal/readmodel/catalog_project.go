package readmodel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/search"
)

// sortLength is how much of a name lists are ordered by, in characters: what fits into a page's address.
const sortLength = 40

const upsertProducts = `insert into products (id, revision, sequence, sku, sku_key, name, price, currency, archived, updated_at, sort, words)
	select id, revision, sequence, sku, sku_key, name, price, currency, archived, updated_at, sort, words
	from json_populate_recordset(null::products, $1)
	on conflict (id) do update set revision = excluded.revision, sequence = excluded.sequence, sku = excluded.sku,
	sku_key = excluded.sku_key, name = excluded.name, price = excluded.price, currency = excluded.currency,
	archived = excluded.archived, updated_at = excluded.updated_at, sort = excluded.sort, words = excluded.words`

const upsertCustomers = `insert into customers (id, revision, sequence, name, email, email_key, archived, updated_at, sort, words)
	select id, revision, sequence, name, email, email_key, archived, updated_at, sort, words
	from json_populate_recordset(null::customers, $1)
	on conflict (id) do update set revision = excluded.revision, sequence = excluded.sequence, name = excluded.name,
	email = excluded.email, email_key = excluded.email_key, archived = excluded.archived, updated_at = excluded.updated_at,
	sort = excluded.sort, words = excluded.words`

// ProjectCatalog is a journal.Projector: it folds the changed streams of products and customers and writes
// their rows.
func ProjectCatalog(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	var products []Product
	var customers []Customer
	for _, s := range streams {
		switch {
		case strings.HasPrefix(s.ID, catalog.ProductStream("")):
			if p := catalog.FoldProduct(written(s)); p.ID != "" {
				products = append(products, productOf(p, s))
			}
		case strings.HasPrefix(s.ID, catalog.CustomerStream("")):
			if c := catalog.FoldCustomer(written(s)); c.ID != "" {
				customers = append(customers, customerOf(c, s))
			}
		}
	}
	return errors.Join(queueRows(tx, upsertProducts, products), queueRows(tx, upsertCustomers, customers))
}

func productOf(p catalog.Product, s journal.Stream) Product {
	return Product{
		ID: p.ID, Revision: s.Revision(), Sequence: p.Sequence, SKU: p.SKU, SKUKey: catalog.Key(p.SKU), Name: p.Name,
		Minor: p.Price.Minor, Currency: p.Price.Currency, Archived: p.Archived, UpdatedAt: stored(p.UpdatedAt),
		Sort: sortOf(p.Name), Words: search.Join(p.Name + " " + p.SKU),
	}
}

func customerOf(c catalog.Customer, s journal.Stream) Customer {
	return Customer{
		ID: c.ID, Revision: s.Revision(), Sequence: c.Sequence, Name: c.Name, Email: c.Email, EmailKey: catalog.Key(c.Email),
		Archived: c.Archived, UpdatedAt: stored(c.UpdatedAt), Sort: sortOf(c.Name), Words: search.Join(c.Name + " " + c.Email),
	}
}

// written are the events of a stream that has one writer, in their order.
func written(s journal.Stream) []event.Event {
	events := make([]event.Event, len(s.Records))
	for i, r := range s.Records {
		events[i] = r.Event
	}
	return events
}

// sortOf is what a name is ordered by.
func sortOf(name string) string {
	runes := []rune(strings.ToLower(name))
	return string(runes[:min(len(runes), sortLength)])
}

// queueRows has rows written with the next round trip.
func queueRows[T any](tx *pg.Tx, upsert string, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	data, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("encode rows: %w", err)
	}
	tx.Queue(upsert, string(data))
	return nil
}
