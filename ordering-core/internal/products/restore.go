package products

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// restoreBatch is how many streams are read at once.
const restoreBatch = 200

// Restore brings the rows of products and customers to what the journal says of streams: after a restore from a backup, when the
// journal has got back what it lacked. It says what it did.
func (d *Desk) Restore(ctx context.Context, tx *pg.Tx, streams []string, say func(string)) error {
	products, err := restore(ctx, d, tx, streams, catalog.ProductStream(""), func(events []event.Event) (*Product, bool) {
		p := catalog.FoldProduct(events)
		return &Product{Row: Row{ID: p.ID, Archived: p.Archived, Sequence: p.Sequence, ChangedAt: p.UpdatedAt},
			SKU: p.SKU, SKUKey: catalog.Key(p.SKU), Name: p.Name, Price: p.Price.Minor, Currency: p.Price.Currency}, p.Sequence > 0
	})
	if err != nil {
		return err
	}
	customers, err := restore(ctx, d, tx, streams, catalog.CustomerStream(""), func(events []event.Event) (*Customer, bool) {
		c := catalog.FoldCustomer(events)
		return &Customer{Row: Row{ID: c.ID, Archived: c.Archived, Sequence: c.Sequence, ChangedAt: c.UpdatedAt},
			Name: c.Name, Email: c.Email, EmailKey: catalog.Key(c.Email)}, c.Sequence > 0
	})
	if err == nil && products+customers > 0 {
		say(fmt.Sprintf("the catalog has %d products and %d customers as they were last", products, customers))
	}
	return err
}

// restore writes the rows of the streams with a prefix.
func restore[T any, P shown[T]](ctx context.Context, d *Desk, tx *pg.Tx, streams []string, prefix string, fold func([]event.Event) (P, bool)) (int, error) {
	var rows []P
	var ids []string
	own := slices.DeleteFunc(slices.Clone(streams), func(stream string) bool { return !strings.HasPrefix(stream, prefix) })
	for chunk := range slices.Chunk(own, restoreBatch) {
		loaded, err := d.journal.Load(ctx, tx, chunk...)
		if err != nil {
			return 0, err
		}
		for _, stream := range chunk {
			events := eventsOf(loaded[stream])
			one, is := fold(events)
			if !is {
				continue
			}
			for _, e := range events {
				if e.Sequence == one.row().Sequence {
					one.row().ChangedByName = e.ActorName
				}
			}
			rows, ids = append(rows, one), append(ids, one.row().ID)
		}
	}
	if len(rows) == 0 {
		return 0, nil
	}
	// First they all let go of their keys: one may have taken the key that another one had.
	table := rows[0].TableName()
	if _, err := tx.Exec(ctx, "update "+table+" set archived = true where id = any($1::uuid[])", uuids(ids)); err != nil {
		return 0, fmt.Errorf("restore %s: %w", table, err)
	}
	return len(rows), d.save(tx, rows, table)
}

func eventsOf(s journal.Stream) []event.Event {
	events := make([]event.Event, len(s.Records))
	for i, record := range s.Records {
		events[i] = record.Event
	}
	return events
}
