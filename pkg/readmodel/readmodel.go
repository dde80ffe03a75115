// Package readmodel writes the tables that a service folds from its journal, and cuts what is read of them
// into pages.
//
// Invariants:
//   - However many rows a batch has, they are one parameter, and so one statement with one plan.
//   - A row is written under its stream's lock: the last one to be written is the newest.
package readmodel

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Table is a table whose column id is its key.
type Table struct{ name, upsert string }

// NewTable returns the table with these columns beside id.
func NewTable(name string, columns ...string) Table {
	set := make([]string, len(columns))
	for i, column := range columns {
		set[i] = column + " = excluded." + column
	}
	all := "id, " + strings.Join(columns, ", ")
	return Table{name, fmt.Sprintf("insert into %[1]s (%[2]s) select %[2]s from json_populate_recordset(null::%[1]s, $1) "+
		"on conflict (id) do update set %[3]s", name, all, strings.Join(set, ", "))}
}

// Queue has rows written with the next round trip of the transaction. Their JSON names are the columns'.
func Queue[T any](tx *pg.Tx, t Table, rows []T) error {
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

// Page is a page of a list.
type Page[T any] struct {
	Rows           []T
	Earlier, Later bool // whether there are rows before the first and after the last of these
}

// Cut makes a page of rows that were read from its beginning, or backwards from its end: one more than a page
// has if there are more. After tells whether the page follows another one.
func Cut[T any](rows []T, size int, after, backwards bool) Page[T] {
	more := len(rows) > size
	if more {
		rows = rows[:size]
	}
	if backwards {
		slices.Reverse(rows)
		return Page[T]{rows, more, true}
	}
	return Page[T]{rows, after, more}
}
