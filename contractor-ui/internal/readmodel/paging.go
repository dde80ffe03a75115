package readmodel

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Searched are the tables of what payments and orders are found by.
var Searched = []string{"payment_search_terms", "order_search_terms"}

// PageSize is how many rows a page of a list has.
const PageSize = 25

// Position is a place in a list, newest first: that of a row in it.
type Position struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}

// Range is where in a list a page is: at most one of the page that follows a place, or the one before it.
type Range struct{ Older, Newer *Position }

// placed is a row of a list.
type placed interface{ position() *Position }

// keyset reads a page and returns where the pages beside it begin; nil if there is none. read reads
// PageSize+1 rows beyond a place, in either direction. A page before the first one is the first one.
func keyset[T placed](r Range, read func(from *Position, newer bool) ([]T, error)) (rows []T, beside Range, err error) {
	if r.Newer != nil {
		if rows, err = read(r.Newer, true); err != nil {
			return nil, beside, err
		}
		if len(rows) > PageSize {
			rows = rows[:PageSize]
			slices.Reverse(rows)
			return rows, Range{Newer: rows[0].position(), Older: rows[len(rows)-1].position()}, nil
		}
		r = Range{}
	}
	if rows, err = read(r.Older, false); err != nil {
		return nil, beside, err
	}
	if len(rows) > PageSize {
		rows = rows[:PageSize]
		beside.Older = rows[len(rows)-1].position()
	}
	if r.Older != nil && len(rows) > 0 {
		beside.Newer = rows[0].position()
	}
	return rows, beside, nil
}

// beyond narrows to a contractor's rows beyond a place, and orders them. column is when a row began.
func beyond(db *gorm.DB, contractor, column string, from *Position, newer bool) *gorm.DB {
	order, than := column+" desc, id desc", "("+column+", id) < (?, ?)"
	if newer {
		order, than = column+", id", "("+column+", id) > (?, ?)"
	}
	db = db.Where("contractor_id = ?", contractor).Order(order).Limit(PageSize + 1)
	if from != nil {
		db = db.Where(than, from.At, from.ID)
	}
	return db
}
