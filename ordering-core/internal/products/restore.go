package products

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// restoreBatch is how many streams are read at once.
const restoreBatch = 200

// Restore brings the rows of products and customers to what the journal has in streams, after a restore from
// a backup and once the journal has the events again that it lacked. It reports what it did.
func (s *Service) Restore(ctx context.Context, tx *pg.Tx, streams []string, report func(string)) error {
	products, err := restore(ctx, s, tx, streams, catalog.ProductStream(""), func(events []event.Event) (*Product, bool) {
		p := catalog.FoldProduct(events)
		return &Product{Row: Row{ID: p.ID, Archived: p.Archived, Sequence: p.Sequence, ChangedAt: p.UpdatedAt},
			SKU: p.SKU, SKUKey: strings.ToLower(p.SKU), Name: p.Name, Price: p.Price.Minor, Currency: p.Price.Currency}, p.ID != ""
	}, markDoubled)
	if err != nil {
		return err
	}
	customers, err := restore(ctx, s, tx, streams, catalog.CustomerStream(""), func(events []event.Event) (*Customer, bool) {
		c := catalog.FoldCustomer(events)
		return &Customer{Row: Row{ID: c.ID, Archived: c.Archived, Sequence: c.Sequence, ChangedAt: c.UpdatedAt},
			Name: c.Name, Email: c.Email, EmailKey: catalog.Key(c.Email)}, c.ID != ""
	}, nil)
	if err == nil && products+customers > 0 {
		report(fmt.Sprintf("the catalog has %d products and %d customers as they were last", products, customers))
	}
	return err
}

// restore writes the rows of the streams with a prefix; prepare (may be nil) sees them first.
func restore[T any, P itemOf[T]](ctx context.Context, s *Service, tx *pg.Tx, streams []string, prefix string,
	fold func([]event.Event) (P, bool), prepare func(context.Context, *pg.Tx, []P) error,
) (int, error) {
	var rows []P
	var ids []string
	own := slices.DeleteFunc(slices.Clone(streams), func(stream string) bool { return !strings.HasPrefix(stream, prefix) })
	for chunk := range slices.Chunk(own, restoreBatch) {
		loaded, err := s.journal.Load(ctx, tx, chunk...)
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
	// First they all release their keys, since one may have the key now that another one had.
	table := rows[0].TableName()
	archive := "update " + table + " set archived = true where id = any($1::uuid[])"
	if _, err := tx.Exec(ctx, archive, uuids(ids)); err != nil {
		return 0, fmt.Errorf("restore %s: %w", table, err)
	}
	if prepare != nil {
		if err := prepare(ctx, tx, rows); err != nil {
			return 0, err
		}
	}
	return len(rows), s.save(tx, rows, table)
}

// markDoubled marks the products that have the SKU of another one. They are older than the comparison by
// catalog.Key.
func markDoubled(ctx context.Context, tx *pg.Tx, rows []*Product) error {
	keys := pg.Column(rows, (*Product).key)
	others, err := pg.Rows(ctx, tx, pgx.RowTo[string], `select k.key from unnest($1::text[]) as k (key)
		join products p on fold_sku(p.sku) = fold_sku(k.key) and not p.archived and not p.doubled`, keys)
	if err != nil {
		return fmt.Errorf("look for SKUs that are taken: %w", err)
	}
	taken := map[string]bool{}
	for _, key := range others {
		taken[key] = true
	}
	slices.SortFunc(rows, func(a, b *Product) int {
		return cmp.Or(a.ChangedAt.Compare(b.ChangedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, p := range rows {
		if !p.Archived {
			p.Doubled, taken[p.key()] = taken[p.key()], true
		}
	}
	return nil
}

func eventsOf(s journal.Stream) []event.Event {
	events := make([]event.Event, len(s.Records))
	for i, record := range s.Records {
		events[i] = record.Event
	}
	return events
}
