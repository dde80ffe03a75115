// Package products keeps the products and the customers as they are now: what can be ordered, and for whom.
//
// Invariants:
//   - A row, its event on the topic catalog and the event's outbox row are one transaction, under the lock of
//     its stream.
//   - The events of a product or customer are counted 1, 2, 3 ... in ce_sequence, and its row has the last
//     one's count. A change that expects another count is refused, with what is there now.
//   - Of what is not archived, no two products have one SKU and no two customers one e-mail address, in small
//     letters.
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

// Service takes commands about products and customers.
type Service struct {
	db      *pg.DB
	journal *journal.Journal
}

// NewService returns a service.
func NewService(db *pg.DB, j *journal.Journal) *Service { return &Service{db: db, journal: j} }

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
	key() string          // unique among what is not archived
	keyCondition() string // the SQL condition for the key ?
	// identifyQuery is the SQL query that returns for each of the keys $1: the key, the key as the database
	// folds it, and the id and storedKey of the row that has the key, both "" if none has. Of two rows with
	// one key the right one comes last.
	identifyQuery() string
	storedKey() string      // the key as the row spells it
	keepFrom(existing item) // copies what a change leaves as it is
	json() any              // as the API shows it
	added() catalog.Body
	changed() catalog.Body
	archived() catalog.Body
	keyTaken() *Refusal // because another one has the key
	String() string     // within a sentence
}

// Code is why a command was refused, for programs.
type Code string

// The codes.
const (
	Invalid  Code = "invalid"       // the input; Field says which
	Exists   Code = "exists"        // there is one with this id
	Taken    Code = "taken"         // another one has the key; Field says which
	Stale    Code = "stale_version" // changed since the person saw it
	Archived Code = "archived"
)

// Refusal is why a command was refused. Its message is fit for a person.
type Refusal struct {
	Code    Code
	Field   string
	Message string
	Now     any      // as it is, where it differs from what the person saw
	Rows    []BadRow // of an import
}

func (r *Refusal) Error() string { return r.Message }

// invalid is the first of what is wrong with an input.
func invalid(wrong []catalog.Problem) error {
	if len(wrong) == 0 {
		return nil
	}
	return &Refusal{Code: Invalid, Field: wrong[0].Field, Message: wrong[0].Message}
}

// ErrNotFound means that there is no such product or customer.
var ErrNotFound = errors.New("products: there is none with this id")

// errRaced undoes a transaction because another one has just taken the same key. A retry finds who was first.
var errRaced = errors.New("products: another command has just taken this key")

// add records a new item.
func (s *Service) add(ctx context.Context, tx *pg.Tx, wanted, existing item) error {
	stream, err := s.load(ctx, tx, wanted)
	if err != nil {
		return err
	}
	if len(stream.Records) > 0 {
		if err := s.readRow(tx, wanted.row().ID, existing); err != nil {
			return err
		}
		if stream.Did(ctx) {
			*wanted.row() = *existing.row()
			return nil
		}
		message := fmt.Sprintf("This has been added before: it is now %s.", existing)
		return &Refusal{Code: Exists, Message: message, Now: existing.json()}
	}
	if err := s.checkKeyFree(tx, wanted); err != nil {
		return err
	}
	return s.write(ctx, tx, &stream, wanted, wanted.added())
}

// change gives an item the values of wanted, if it is still at the sequence that the person saw. existing is
// filled with what it was.
func (s *Service) change(ctx context.Context, tx *pg.Tx, wanted, existing item, seen int64) error {
	stream, err := s.load(ctx, tx, wanted)
	if err != nil {
		return err
	}
	if err := s.readRow(tx, wanted.row().ID, existing); err != nil {
		return err
	}
	now := existing.row()
	switch {
	case stream.Did(ctx):
		*wanted.row() = *now
		return nil
	case now.Archived:
		message := fmt.Sprintf("It was archived%s and cannot be changed any more.", by(now))
		return &Refusal{Code: Archived, Message: message, Now: existing.json()}
	case wanted.changed() == existing.changed(): // apart from the Row
		*wanted.row() = *now
		return nil
	case now.Sequence != seen:
		message := fmt.Sprintf("It was changed meanwhile%s: it is now %s.", by(now), existing)
		return &Refusal{Code: Stale, Message: message, Now: existing.json()}
	}
	if wanted.key() != existing.key() {
		if err := s.checkKeyFree(tx, wanted); err != nil {
			return err
		}
	}
	wanted.keepFrom(existing)
	*wanted.row() = *now
	return s.write(ctx, tx, &stream, wanted, wanted.changed())
}

// archive archives the item with the id of existing, and fills existing with what it is then.
func (s *Service) archive(ctx context.Context, tx *pg.Tx, existing item) error {
	stream, err := s.load(ctx, tx, existing)
	if err != nil {
		return err
	}
	if err := s.readRow(tx, existing.row().ID, existing); err != nil || existing.row().Archived {
		return err // twice is once
	}
	existing.row().Archived = true
	return s.write(ctx, tx, &stream, existing, existing.archived())
}

func by(r *Row) string {
	if r.ChangedByName == "" {
		return ""
	}
	return " by " + r.ChangedByName
}

func (s *Service) load(ctx context.Context, tx *pg.Tx, i item) (journal.Stream, error) {
	streams, err := s.journal.Load(ctx, tx, i.stream())
	return streams[i.stream()], err
}

// readRow reads the row of an id.
func (s *Service) readRow(tx *pg.Tx, id string, into item) error {
	err := tx.Gorm().Where("id = ?", id).Take(into).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return ErrNotFound
	case err != nil:
		return fmt.Errorf("read %s: %w", into.stream(), err)
	}
	return nil
}

// checkKeyFree refuses a key that another item has.
func (s *Service) checkKeyFree(tx *pg.Tx, wanted item) error {
	var others int64
	condition := wanted.keyCondition() + " and not archived and id <> ?"
	err := tx.Gorm().Model(wanted).Where(condition, wanted.key(), wanted.row().ID).Count(&others).Error
	switch {
	case err != nil:
		return fmt.Errorf("look for another one with the key of %s: %w", wanted.stream(), err)
	case others > 0:
		return wanted.keyTaken()
	}
	return nil
}

// write stores a changed item: its event, the outbox row and its row.
func (s *Service) write(ctx context.Context, tx *pg.Tx, stream *journal.Stream, i item, body catalog.Body) error {
	e := s.nextEvent(ctx, i, body)
	if err := s.journal.Append(ctx, tx, stream, e); err != nil {
		return err
	}
	return s.save(tx, i, i.stream())
}

// nextEvent raises the sequence of an item, and returns the event with it.
func (s *Service) nextEvent(ctx context.Context, i item, body catalog.Body) event.Event {
	r, meta := i.row(), event.MetaFrom(ctx)
	e := catalog.New(s.journal.Source(), r.ID, body)
	r.Sequence++
	r.ChangedAt, r.ChangedByName = time.Now().UTC().Truncate(time.Microsecond), meta.ActorName
	e.Time, e.Meta, e.Sequence = r.ChangedAt, meta, r.Sequence
	return e
}

// save writes one row, or several of a slice.
func (s *Service) save(tx *pg.Tx, rows any, what string) error {
	err := tx.Gorm().Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(rows, 500).Error
	switch {
	case pg.IsUnique(err, "products_sku"), pg.IsUnique(err, "products_sku_folded"), pg.IsUnique(err, "customers_email"):
		return errRaced
	case err != nil:
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}
