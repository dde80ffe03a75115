package products

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/pg"
)

// MaxRows is how many rows an import may have, and maxBadRows how many wrong ones its answer lists.
const (
	MaxRows    = 5000
	maxBadRows = 100
)

// BadRow is a row of an import that cannot be taken.
type BadRow struct {
	Row    int    `json:"row"` // the first is 1
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail"`
	Now    any    `json:"now,omitempty"` // of what has changed
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

// collect reads the items of an import's n rows, or reports every row that cannot be taken.
func collect[P item](n int, read func(i int) (P, error)) ([]P, error) {
	if n == 0 || n > MaxRows {
		return nil, &Refusal{Code: Invalid, Field: "rows", Message: fmt.Sprintf("Send 1 to %s rows.", locale.Count(MaxRows))}
	}
	wanted := make([]P, 0, n)
	first := make(firstRows, n)
	var bad []BadRow
	for i := range n {
		one, err := read(i)
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			bad = append(bad, BadRow{Row: i + 1, Field: refusal.Field, Detail: refusal.Message})
			continue
		case err != nil:
			return nil, err
		}
		bad = append(bad, first.duplicate(one.key(), one, i+1)...)
		wanted = append(wanted, one)
	}
	return wanted, refused(bad, n)
}

// firstRows has the number of the first row with each key.
type firstRows map[string]int

// duplicate returns what is wrong with a row whose key an earlier row has; nothing if none has.
func (first firstRows) duplicate(key string, one item, row int) []BadRow {
	if earlier := first[key]; earlier > 0 {
		return []BadRow{{Row: row, Field: one.keyTaken().Field, Detail: fmt.Sprintf("Row %d has the same.", earlier)}}
	}
	first[key] = row
	return nil
}

// refused is the error for the bad ones of n rows; nil if there are none.
func refused(bad []BadRow, n int) error {
	if len(bad) == 0 {
		return nil
	}
	return &Refusal{Code: Invalid, Field: "rows", Rows: bad[:min(len(bad), maxBadRows)],
		Message: fmt.Sprintf("%s of %s rows cannot be taken. Nothing was imported.", locale.Count(len(bad)), locale.Count(n))}
}

// expectation is the version of each row's item that a person saw before they decided, 0 for one that was not
// there. Without any, nobody has looked.
type expectation []int64

// check returns what is wrong with row i, whose item is now as it is; nil if it was not there.
func (e expectation) check(i int, wanted, now item) []BadRow {
	if len(e) == 0 {
		return nil
	}
	bad := BadRow{Row: i + 1, Field: wanted.keyTaken().Field}
	switch {
	case now == nil && e[i] == 0, now != nil && now.row().Sequence == e[i]:
		return nil
	case now == nil:
		bad.Detail = "It was archived or is called otherwise since you looked."
	case e[i] == 0:
		bad.Detail, bad.Now = fmt.Sprintf("It was added since you looked%s: it is %s.", by(now.row()), now), now.json()
	default:
		bad.Detail, bad.Now = fmt.Sprintf("It was changed since you looked%s: it is now %s.", by(now.row()), now), now.json()
	}
	return []BadRow{bad}
}

// outdated is refused for rows that are not any more as somebody saw them.
func outdated(bad []BadRow, n int) error {
	if len(bad) == 0 {
		return nil
	}
	return &Refusal{Code: Stale, Rows: bad[:min(len(bad), maxBadRows)],
		Message: fmt.Sprintf("%s of %s rows have changed since you looked at them. Nothing was imported.", locale.Count(len(bad)), locale.Count(n))}
}

// lockImports lets one import run at a time: two that add the same keys would undo each other.
const lockImports = "select pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))"

// importAll adds the items whose keys are new, and gives the others their new values.
func importAll[T any, P itemOf[T]](ctx context.Context, s *Service, tx *pg.Tx, wanted []P, seen expectation) (done Imported, err error) {
	if len(seen) > 0 && len(seen) != len(wanted) {
		return done, &Refusal{Code: Invalid, Field: "sequences", Message: "Send a sequence for each row, or none."}
	}
	table := wanted[0].TableName()
	if _, err := tx.Exec(ctx, lockImports, table); err != nil {
		return done, fmt.Errorf("lock imports: %w", err)
	}
	storedKeys, err := identify(ctx, tx, wanted)
	if err != nil {
		return done, err
	}
	streams, err := loadStreams(ctx, s, tx, wanted)
	if err != nil {
		return done, err
	}
	// The rows are read last: they do not change any more once their streams are locked.
	existing, err := rowsByID[T, P](tx, slices.Collect(maps.Keys(storedKeys)))
	if err != nil {
		return done, fmt.Errorf("read %s: %w", table, err)
	}
	var written []P
	var changed []*journal.Stream
	var events []event.Event
	var bad []BadRow
	for i, one := range wanted {
		body := one.added()
		if now, exists := existing[one.row().ID]; !exists {
			bad = append(bad, seen.check(i, one, nil)...)
			done.Added++
		} else {
			if now.row().Archived || now.storedKey() != storedKeys[one.row().ID] {
				return done, errRaced
			}
			one.keepFrom(now)
			if one.changed() == now.changed() {
				done.Unchanged++
				continue
			}
			bad = append(bad, seen.check(i, one, now)...)
			*one.row(), body = *now.row(), one.changed()
			done.Changed++
		}
		stream := streams[one.stream()]
		written, changed = append(written, one), append(changed, &stream)
		events = append(events, s.nextEvent(ctx, one, body))
	}
	if err := outdated(bad, len(wanted)); err != nil || len(written) == 0 {
		return done, err
	}
	if err := s.journal.AppendEach(ctx, tx, changed, events); err != nil {
		return done, err
	}
	last := written[len(written)-1].row()
	done.Last = &Last{last.ID, last.Sequence}
	return done, s.save(tx, written, table)
}

// loadStreams locks and reads the items' streams.
func loadStreams[P item](ctx context.Context, s *Service, tx *pg.Tx, wanted []P) (map[string]journal.Stream, error) {
	names := pg.Column(wanted, func(one P) string { return one.stream() })
	return s.journal.Load(ctx, tx, names...)
}

// rowsByID reads the rows with ids.
func rowsByID[T any, P itemOf[T]](tx *pg.Tx, ids []string) (map[string]P, error) {
	var rows []P
	if err := tx.Gorm().Find(&rows, "id = any(?::uuid[])", uuids(ids)).Error; err != nil {
		return nil, err
	}
	byID := make(map[string]P, len(rows))
	for _, row := range rows {
		byID[row.row().ID] = row
	}
	return byID, nil
}

// identify gives each item the id of the row that has its key already, or a new id. It returns the key's
// spelling in each of these rows, by id. The database decides which keys are the same, and two items with one
// key are refused.
func identify[P item](ctx context.Context, tx *pg.Tx, wanted []P) (storedKeys map[string]string, err error) {
	keys := pg.Column(wanted, func(one P) string { return one.key() })
	ids, folded, storedKeys, err := findKeys(ctx, tx, wanted[0].identifyQuery(), keys)
	if err != nil {
		return nil, fmt.Errorf("look for what is there: %w", err)
	}
	first := make(firstRows, len(wanted))
	var bad []BadRow
	for i, one := range wanted {
		if one.row().ID = ids[keys[i]]; one.row().ID == "" {
			one.row().ID = uuid.NewString()
		}
		bad = append(bad, first.duplicate(folded[keys[i]], one, i+1)...)
	}
	return storedKeys, refused(bad, len(wanted))
}

// findKeys runs an identifyQuery: it returns the ids of the rows that have keys, the keys as the database
// folds them, and by id the key as it is stored.
func findKeys(ctx context.Context, tx *pg.Tx, query string, keys []string) (ids, folded, stored map[string]string, err error) {
	ids, folded, stored = map[string]string{}, make(map[string]string, len(keys)), map[string]string{}
	var key, fold, id, storedKey string
	err = pg.ForEach(ctx, tx, []any{&key, &fold, &id, &storedKey}, func() {
		folded[key] = fold
		if id != "" {
			ids[key], stored[id] = id, storedKey
		}
	}, query, keys)
	return ids, folded, stored, err
}

// uuids is an array as one parameter, so that the statement is the same for any number of them.
func uuids(texts []string) string { return "{" + strings.Join(texts, ",") + "}" }
