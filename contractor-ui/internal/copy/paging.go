package copy

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// PageSize is how many rows a page of a list has.
const PageSize = 25

// Position is a place in a list, newest first: that of a row in it.
type Position struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}

// Range says where in a list a page is: at most one of the page that follows a place, or the one before it.
type Range struct{ Older, Newer *Position }

// placed is a row of a list.
type placed interface{ position() *Position }

// keyset reads a page and says where the pages beside it begin; nil if there is none. read reads
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
	db = db.Session(&gorm.Session{QueryFields: true}) // not the column of words
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

// search narrows to a contractor's rows that have all words of a text, or an id that begins with it.
func search(db *gorm.DB, contractor, text string) *gorm.DB {
	// The contractor's lexeme is taken as it is; what was typed goes through the parser that the rows' texts went through.
	match := "words @@ cast(? as tsquery) and words @@ to_tsquery('simple', ?)"
	args := []any{lexeme("@" + contractor), beginnings(text)}
	if low, high, ok := idRange(text); ok {
		return db.Where("("+match+") or id between ? and ?", append(args, low, high)...)
	}
	return db.Where(match, args...)
}

// beginnings is the query for rows that have, for every word of a text, one that begins with it.
func beginnings(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", " "), " ")
	typed := make([]string, 0, 4)
	for _, word := range strings.FieldsFunc(text, splitsWords) {
		typed = append(typed, lexeme(word)+":*")
	}
	return strings.Join(typed, " & ")
}

// splitsWords is true for what stands between words: space, and what the column of words does without.
func splitsWords(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("<>/-.@_&:+=%~?#", r)
}

// lexeme quotes a text for a tsquery.
func lexeme(text string) string {
	return "'" + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(text) + "'"
}

// idRange is the ids that begin with text, which must have eight digits of one.
func idRange(text string) (low, high uuid.UUID, ok bool) {
	digits := strings.ReplaceAll(strings.TrimSpace(text), "-", "")
	if len(digits) < 8 || len(digits) > 32 {
		return low, high, false
	}
	low, err := uuid.Parse(digits + strings.Repeat("0", 32-len(digits)))
	high, errHigh := uuid.Parse(digits + strings.Repeat("f", 32-len(digits)))
	return low, high, err == nil && errHigh == nil
}
