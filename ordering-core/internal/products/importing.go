package products

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// MaxRows is how many rows an import may have; maxBad is of how many it says what is wrong.
const (
	MaxRows = 5000
	maxBad  = 100
)

// Bad is a row of an import that cannot be taken.
type Bad struct {
	Row    int    `json:"row"` // the first is 1
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail"`
}

// Imported is what an import did.
type Imported struct {
	Added     int   `json:"added"`
	Changed   int   `json:"changed"`
	Unchanged int   `json:"unchanged"`
	Last      *Last `json:"last,omitempty"` // of what was written; nothing if nothing was
}

// Last names what was written last, to wait for it.
type Last struct {
	ID       string `json:"id"`
	Sequence int64  `json:"sequence"`
}

// collect makes items of an import's rows, or says of all of them what is wrong.
func collect[P item](n int, read func(i int) (P, error)) ([]P, error) {
	if n == 0 || n > MaxRows {
		return nil, &Refusal{Code: Invalid, Field: "rows", Message: fmt.Sprintf("Send 1 to %d rows.", MaxRows)}
	}
	wanted := make([]P, 0, n)
	var bad []Bad
	first := make(map[string]int, n)
	for i := range n {
		one, err := read(i)
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			bad = append(bad, Bad{Row: i + 1, Field: refusal.Field, Detail: refusal.Message})
			continue
		case err != nil:
			return nil, err
		}
		if key := one.key(); first[key] > 0 {
			bad = append(bad, same(one, i, first[key]))
		} else {
			first[key] = i + 1
		}
		wanted = append(wanted, one)
	}
	return wanted, refused(bad, n)
}

// same says that the item of index i has the key of an earlier row.
func same(one item, i, earlier int) Bad {
	return Bad{Row: i + 1, Field: one.taken().Field, Detail: fmt.Sprintf("Row %d has the same.", earlier)}
}

// refused is the error for the bad of n rows; nil if none is.
func refused(bad []Bad, n int) error {
	if len(bad) == 0 {
		return nil
	}
	return &Refusal{Code: Invalid, Field: "rows", Rows: bad[:min(len(bad), maxBad)],
		Message: fmt.Sprintf("%d of %d rows cannot be taken. Nothing was imported.", len(bad), n)}
}

// lockImports has imports go one after another: two that add the same keys would undo each other.
const lockImports = "select pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))"

// importAll adds the items whose keys are new, and gives the others their new values.
func importAll[T any, P shown[T]](ctx context.Context, d *Desk, tx *pg.Tx, wanted []P) (done Imported, err error) {
	table := wanted[0].TableName()
	if _, err := tx.Exec(ctx, lockImports, table); err != nil {
		return done, fmt.Errorf("lock imports: %w", err)
	}
	known, err := identify(ctx, tx, wanted)
	if err != nil {
		return done, err
	}
	ids := slices.Collect(maps.Keys(known))
	streams, names := make([]*journal.Stream, 0, len(wanted)), make([]string, len(wanted))
	for i, one := range wanted {
		names[i] = one.stream()
	}
	loaded, err := d.journal.Load(ctx, tx, names...)
	if err != nil {
		return done, err
	}
	// Only now, under the locks of their streams, do the rows hold still.
	var rows []P
	if err := tx.Gorm().Find(&rows, "id = any(?::uuid[])", uuids(ids)).Error; err != nil {
		return done, fmt.Errorf("read %s: %w", table, err)
	}
	there := make(map[string]P, len(rows))
	for _, r := range rows {
		there[r.row().ID] = r
	}
	var written []P
	var events []event.Event
	for _, one := range wanted {
		now, isThere := there[one.row().ID]
		body := one.added()
		if isThere {
			if now.row().Archived || now.has() != known[one.row().ID] {
				return done, errRaced
			}
			one.keeps(now)
			if one.same(now) {
				done.Unchanged++
				continue
			}
			*one.row(), body = *now.row(), one.changed()
			done.Changed++
		} else {
			done.Added++
		}
		stream := loaded[one.stream()]
		streams, written = append(streams, &stream), append(written, one)
		events = append(events, d.next(ctx, one, body))
	}
	if len(written) == 0 {
		return done, nil
	}
	if err := d.journal.AppendEach(ctx, tx, streams, events); err != nil {
		return done, err
	}
	last := written[len(written)-1].row()
	done.Last = &Last{last.ID, last.Sequence}
	return done, d.save(tx, written, table)
}

// identify gives each item the id of what has its key already, or a new one, and returns by which text each of those that are known
// has it. What is one key the database says: two items of one key are refused.
func identify[P item](ctx context.Context, tx *pg.Tx, wanted []P) (known map[string]string, err error) {
	keys := make([]string, len(wanted))
	for i, one := range wanted {
		keys[i] = one.key()
	}
	known = make(map[string]string, len(wanted))
	found, folds := make(map[string]string, len(wanted)), make(map[string]string, len(wanted))
	rows, err := tx.Query(ctx, wanted[0].identified(), keys)
	if err != nil {
		return nil, fmt.Errorf("look for what is there: %w", err)
	}
	var key, fold, id, has string
	if _, err := pgx.ForEachRow(rows, []any{&key, &fold, &id, &has}, func() error {
		folds[key] = fold
		if id != "" {
			found[key], known[id] = id, has
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("look for what is there: %w", err)
	}
	var bad []Bad
	first := make(map[string]int, len(wanted))
	for i, one := range wanted {
		if one.row().ID = found[keys[i]]; one.row().ID == "" {
			one.row().ID = uuid.NewString()
		}
		if fold := folds[keys[i]]; first[fold] > 0 {
			bad = append(bad, same(one, i, first[fold]))
		} else {
			first[fold] = i + 1
		}
	}
	return known, refused(bad, len(wanted))
}

// uuids is an array as one parameter, and so one statement, however many they are.
func uuids(texts []string) string { return "{" + strings.Join(texts, ",") + "}" }
