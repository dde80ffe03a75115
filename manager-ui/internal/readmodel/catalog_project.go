package readmodel

import (
	"context"
	"errors"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

var productsTable = readmodel.NewTable("products",
	"revision", "sequence", "sku", "sku_key", "name", "price", "currency", "archived", "updated_at", "sort",
	"words")

var customersTable = readmodel.NewTable("customers",
	"revision", "sequence", "name", "email", "email_key", "archived", "updated_at", "sort", "words")

// ProjectCatalog is a journal.Projector: it folds the changed streams of products and customers and writes
// their rows.
func ProjectCatalog(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	products := readmodel.Fold(streams, catalog.ProductStream(""), func(s journal.Stream) (Product, bool) {
		p := catalog.FoldProduct(readmodel.Events(s))
		if p.ID == "" {
			return Product{}, false
		}
		return productOf(p, s), true
	})
	customers := readmodel.Fold(streams, catalog.CustomerStream(""), func(s journal.Stream) (Customer, bool) {
		c := catalog.FoldCustomer(readmodel.Events(s))
		if c.ID == "" {
			return Customer{}, false
		}
		return customerOf(c, s), true
	})
	return errors.Join(readmodel.Queue(tx, productsTable, products), readmodel.Queue(tx, customersTable, customers))
}

func productOf(p catalog.Product, s journal.Stream) Product {
	return Product{
		ID: p.ID, Revision: s.Revision(), Sequence: p.Sequence, SKU: p.SKU, SKUKey: catalog.Key(p.SKU), Name: p.Name,
		Minor: p.Price.Minor, Currency: p.Price.Currency, Archived: p.Archived, UpdatedAt: stored(p.UpdatedAt),
		Sort: readmodel.SortName(p.Name), SearchTerms: search.Join(p.Name + " " + p.SKU),
	}
}

func customerOf(c catalog.Customer, s journal.Stream) Customer {
	return Customer{
		ID: c.ID, Revision: s.Revision(), Sequence: c.Sequence, Name: c.Name, Email: c.Email, EmailKey: catalog.Key(c.Email),
		Archived: c.Archived, UpdatedAt: stored(c.UpdatedAt), Sort: readmodel.SortName(c.Name), SearchTerms: search.Join(c.Name + " " + c.Email),
	}
}
