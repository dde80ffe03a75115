// Package products keeps the products and the customers as they are now: what can be ordered, and for whom.
//
// Invariants:
//   - A row, its event on the topic catalog and the event's outbox row are one transaction, under the lock of its stream.
//   - The events of a product or customer are counted 1, 2, 3 ... in ce_sequence, and its row has the last one's count. A
//     change that expects another count is refused, with what is there now.
//   - Of what is not archived, no two products have one SKU and no two customers one e-mail address, in small letters.
//   - An import is done whole or not at all.
package products

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Desk takes commands about products and customers.
type Desk struct {
	db      *pg.DB
	journal *journal.Journal
}

// NewDesk returns a desk.
func NewDesk(db *pg.DB, j *journal.Journal) *Desk { return &Desk{db: db, journal: j} }

// Row is what products and customers have in common: columns of either table.
type Row struct {
	ID            string `gorm:"primaryKey"`
	Archived      bool
	Sequence      int64
	ChangedAt     time.Time
	ChangedByName string
}

func (r *Row) row() *Row { return r }

// item is a product or a customer.
type item interface {
	TableName() string
	row() *Row
	stream() string
	key() string   // what no two share that are not archived
	keyed() string // the SQL condition for the key ?
	// identified is the SQL query for each of the keys $1, for the same as the database folds it, and for the id of what has it and
	// the text by which that has it, "" for nothing; of two with one key the right one comes last.
	identified() string
	has() string      // that text
	keeps(there item) // takes over what a change leaves as it was
	same(item) bool   // but for the Row
	shown() any       // as the API shows it
	added() catalog.Body
	changed() catalog.Body
	archived() catalog.Body
	taken() *Refusal // for the key that another one has
	String() string  // in a sentence
}

// Code says why a command was refused, for programs.
type Code string

// The codes.
const (
	Invalid  Code = "invalid"       // the input; Field says which
	Exists   Code = "exists"        // there is one with this id
	Taken    Code = "taken"         // another one has the key; Field says which
	Stale    Code = "stale_version" // changed since the person saw it
	Archived Code = "archived"
)

// Refusal is why a command was not taken, in words for a person.
type Refusal struct {
	Code    Code
	Field   string
	Message string
	Now     any   // as it is, where it differs from what the person saw
	Rows    []Bad // of an import
}

func (r *Refusal) Error() string { return r.Message }

// invalid is the first of what is wrong with an input.
func invalid(wrong []catalog.Problem) error {
	if len(wrong) == 0 {
		return nil
	}
	return &Refusal{Code: Invalid, Field: wrong[0].Field, Message: wrong[0].Message}
}

// ErrNone says that there is no such product or customer.
var ErrNone = errors.New("products: there is none with this id")

// errRaced undoes a transaction that met another one for the same key. Trying again shows who was first.
var errRaced = errors.New("products: another command has just taken this key")

// add records a new item.
func (d *Desk) add(ctx context.Context, tx *pg.Tx, wanted, there item) error {
	stream, err := d.load(ctx, tx, wanted)
	if err != nil {
		return err
	}
	if len(stream.Records) > 0 {
		if err := d.take(tx, wanted.row().ID, there); err != nil {
			return err
		}
		return &Refusal{Code: Exists, Message: fmt.Sprintf("This has been added before: it is now %s.", there), Now: there.shown()}
	}
	if err := d.free(tx, wanted); err != nil {
		return err
	}
	return d.write(ctx, tx, &stream, wanted, wanted.added())
}

// change gives an item that the person saw at a sequence the values of wanted. there is filled with what it was.
func (d *Desk) change(ctx context.Context, tx *pg.Tx, wanted, there item, seen int64) error {
	stream, err := d.load(ctx, tx, wanted)
	if err != nil {
		return err
	}
	if err := d.take(tx, wanted.row().ID, there); err != nil {
		return err
	}
	now := there.row()
	switch {
	case now.Archived:
		return &Refusal{Code: Archived, Message: fmt.Sprintf("It was archived%s and cannot be changed any more.", by(now)), Now: there.shown()}
	case wanted.same(there):
		*wanted.row() = *now
		return nil
	case now.Sequence != seen:
		return &Refusal{Code: Stale, Message: fmt.Sprintf("It was changed meanwhile%s: it is now %s.", by(now), there), Now: there.shown()}
	}
	if wanted.key() != there.key() {
		if err := d.free(tx, wanted); err != nil {
			return err
		}
	}
	wanted.keeps(there)
	*wanted.row() = *now
	return d.write(ctx, tx, &stream, wanted, wanted.changed())
}

// archive takes an item, of which only the id is known, out of what can be chosen.
func (d *Desk) archive(ctx context.Context, tx *pg.Tx, there item) error {
	stream, err := d.load(ctx, tx, there)
	if err != nil {
		return err
	}
	if err := d.take(tx, there.row().ID, there); err != nil || there.row().Archived {
		return err // twice is once
	}
	there.row().Archived = true
	return d.write(ctx, tx, &stream, there, there.archived())
}

func by(r *Row) string {
	if r.ChangedByName == "" {
		return ""
	}
	return " by " + r.ChangedByName
}

func (d *Desk) load(ctx context.Context, tx *pg.Tx, i item) (journal.Stream, error) {
	streams, err := d.journal.Load(ctx, tx, i.stream())
	return streams[i.stream()], err
}

// take reads the row of an id.
func (d *Desk) take(tx *pg.Tx, id string, into item) error {
	err := tx.Gorm().Where("id = ?", id).Take(into).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return ErrNone
	case err != nil:
		return fmt.Errorf("read %s: %w", into.stream(), err)
	}
	return nil
}

// free refuses the key that another item has.
func (d *Desk) free(tx *pg.Tx, wanted item) error {
	var others int64
	err := tx.Gorm().Model(wanted).Where(wanted.keyed()+" and not archived and id <> ?", wanted.key(), wanted.row().ID).Count(&others).Error
	switch {
	case err != nil:
		return fmt.Errorf("look for another one with the key of %s: %w", wanted.stream(), err)
	case others > 0:
		return wanted.taken()
	}
	return nil
}

// write records what became of an item: event, outbox and row.
func (d *Desk) write(ctx context.Context, tx *pg.Tx, stream *journal.Stream, i item, body catalog.Body) error {
	e := d.next(ctx, i, body)
	if err := d.journal.Append(ctx, tx, stream, e); err != nil {
		return err
	}
	return d.save(tx, i, i.stream())
}

// next counts the item on, and makes the event that says so.
func (d *Desk) next(ctx context.Context, i item, body catalog.Body) event.Event {
	r, meta := i.row(), event.MetaFrom(ctx)
	e := catalog.New(d.journal.Source(), r.ID, body)
	r.Sequence++
	r.ChangedAt, r.ChangedByName = time.Now().UTC().Truncate(time.Microsecond), meta.ActorName
	e.Time, e.Meta, e.Sequence = r.ChangedAt, meta, r.Sequence
	return e
}

// save writes one row, or several of a slice.
func (d *Desk) save(tx *pg.Tx, rows any, what string) error {
	err := tx.Gorm().Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(rows, 500).Error
	switch {
	case pg.IsUnique(err, "products_sku"), pg.IsUnique(err, "products_sku_folded"), pg.IsUnique(err, "customers_email"):
		return errRaced
	case err != nil:
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}
