// Package readmodel is the tables that a service folds from its journal: how their rows are written, found,
// listed in pages and counted. What tables and lists differ in is data: a column is a field of the row's
// type, and a list is a [Query].
//
// Invariants:
//   - However many rows a batch has, they are one parameter, and so one statement with one plan.
//   - A row is written under its stream's lock: the last one to be written is the newest.
//   - A page is one or two statements, by keyset: page 10,000 costs what page 2 costs.
package readmodel

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"gorm.io/gorm"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Row is a row of a table. The JSON names of its fields are the columns; "-" is no column, or one that only
// Select reads.
type Row interface {
	// Place is where the row is in a list.
	Place(Sort) Place
}

// Table is a table whose column id is its key.
type Table[T Row] struct {
	name, upsert string
	terms        string
	selected     func(*gorm.DB) *gorm.DB
}

// NewTable returns a table. Its rows are searched for in the table terms, which an Indexer of package search
// indexes, or if terms is "" in their own column found.
func NewTable[T Row](name, terms string) Table[T] {
	var columns, set []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		column := field.Tag.Get("json")
		if field.Anonymous || column == "-" {
			continue
		}
		columns = append(columns, column)
		if column != "id" {
			set = append(set, column+" = excluded."+column)
		}
	}
	upsert := fmt.Sprintf("insert into %[1]s (%[2]s) select %[2]s from json_populate_recordset(null::%[1]s, $1) "+
		"on conflict (id) do update set %[3]s", name, strings.Join(columns, ", "), strings.Join(set, ", "))
	return Table[T]{name: name, upsert: upsert, terms: terms}
}

// Select makes every read add what selected joins from other tables.
func (t Table[T]) Select(selected func(*gorm.DB) *gorm.DB) Table[T] {
	t.selected = selected
	return t
}

// Queue has rows written with the next round trip of the transaction.
func (t Table[T]) Queue(tx *pg.Tx, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	data, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("encode rows of %s: %w", t.name, err)
	}
	tx.Queue(t.upsert, string(data))
	return nil
}

// Find reads the rows that have one of ids in a column, in no order.
func (t Table[T]) Find(ctx context.Context, db *pg.DB, column string, ids ...string) ([]T, error) {
	return t.FindSorted(ctx, db, "", column, ids...)
}

// FindSorted is Find in an order, as SQL has it.
func (t Table[T]) FindSorted(ctx context.Context, db *pg.DB, order, column string, ids ...string) (rows []T, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	find := t.rows(db.Gorm(ctx))
	if order != "" {
		find = find.Order(order)
	}
	// One parameter, and so one statement, however many they are.
	if err := find.Find(&rows, column+" = any(?::uuid[])", "{"+strings.Join(ids, ",")+"}").Error; err != nil {
		return nil, fmt.Errorf("find %s: %w", t.name, err)
	}
	return rows, nil
}

// Some reads so many rows at most that a condition selects, in no order: an order would have the planner walk
// through its index for what the condition's index has.
func (t Table[T]) Some(ctx context.Context, db *pg.DB, where Condition, limit int) (rows []T, err error) {
	if err := t.rows(db.Gorm(ctx)).Where(where.SQL, where.Args...).Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look up %s: %w", t.name, err)
	}
	return rows, nil
}

// rows reads the columns that T has, and not the indexes of words beside them.
func (t Table[T]) rows(db *gorm.DB) *gorm.DB {
	db = db.Table(t.name).Session(&gorm.Session{QueryFields: true})
	if t.selected != nil {
		return t.selected(db)
	}
	return db
}

// Fold returns the rows of those streams that are of a kind, which is how their names begin. A stream that
// row makes nothing of has none.
func Fold[T any](streams []journal.Stream, prefix string, row func(journal.Stream) (T, bool)) (rows []T) {
	for _, s := range streams {
		if !strings.HasPrefix(s.ID, prefix) {
			continue
		}
		if r, ok := row(s); ok {
			rows = append(rows, r)
		}
	}
	return rows
}

// Events returns the events of a stream that has one writer, in their order.
func Events(s journal.Stream) []event.Event {
	events := make([]event.Event, len(s.Records))
	for i, r := range s.Records {
		events[i] = r.Event
	}
	return events
}

// sortLength is how much of a name lists are ordered by, in characters: what fits into a page's address.
const sortLength = 40

// SortName returns what a name is ordered by.
func SortName(name string) string {
	runes := []rune(strings.ToLower(name))
	return string(runes[:min(len(runes), sortLength)])
}

// Optional is nil for a text that is not there.
func Optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// OptionalTime is a time as it is stored, nil for one that has not come.
func OptionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = event.Kept(t)
	return &t
}
