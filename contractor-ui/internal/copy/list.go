package copy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/pg"
)

// PageSize is how many payments a page of a list has.
const PageSize = 25

// Position is a place in a list: that of a payment in it.
type Position struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}

// Query says which of a contractor's payments to list, newest first.
type Query struct {
	Contractor string
	Decision   payment.Decision // none: all of them
	Search     string           // words or beginnings of words, or of the payment's id
	// At most one of these: the page that follows a place, or the one before it.
	Older, Newer *Position
}

// Page is a page of a list. Older and Newer say where the pages beside it begin; nil if there is none.
type Page struct {
	Payments     []Payment
	Older, Newer *Position
}

// List reads a page. A page before the first one is the first one.
func List(ctx context.Context, db *pg.DB, q Query) (Page, error) {
	if q.Newer == nil {
		rows, more, err := q.read(db.Gorm(ctx), q.Older, false)
		if err != nil {
			return Page{}, err
		}
		page := Page{Payments: rows}
		if more {
			page.Older = positionOf(rows[len(rows)-1])
		}
		if q.Older != nil && len(rows) > 0 {
			page.Newer = positionOf(rows[0])
		}
		return page, nil
	}
	rows, more, err := q.read(db.Gorm(ctx), q.Newer, true)
	if err != nil {
		return Page{}, err
	}
	if !more {
		q.Newer = nil
		return List(ctx, db, q)
	}
	slices.Reverse(rows)
	return Page{Payments: rows, Newer: positionOf(rows[0]), Older: positionOf(rows[len(rows)-1])}, nil
}

func positionOf(p Payment) *Position { return &Position{At: p.RequestedAt.UTC(), ID: p.ID} }

// read reads a page's rows beyond a place, in either direction, and tells whether there are more.
func (q Query) read(db *gorm.DB, from *Position, newer bool) (rows []Payment, more bool, err error) {
	db = db.Limit(PageSize + 1)
	order, beyond := "requested_at desc, id desc", "(requested_at, id) < (?, ?)"
	if newer {
		order, beyond = "requested_at, id", "(requested_at, id) > (?, ?)"
	}
	db = db.Where("contractor_id = ?", q.Contractor).Order(order)
	if q.Decision != payment.DecisionNone {
		db = db.Where("decision = ?", q.Decision)
	}
	if from != nil {
		db = db.Where(beyond, from.At, from.ID)
	}
	if q.Search != "" {
		db = q.search(db)
	}
	if err := db.Find(&rows).Error; err != nil {
		return nil, false, fmt.Errorf("list payments: %w", err)
	}
	if more = len(rows) > PageSize; more {
		rows = rows[:PageSize]
	}
	return rows, more, nil
}

// search narrows to the payments that have all words of the search, or an id that begins with it.
func (q Query) search(db *gorm.DB) *gorm.DB {
	text := strings.ToValidUTF8(strings.ReplaceAll(q.Search, "\x00", " "), " ")
	typed := make([]string, 0, 4)
	for _, word := range strings.FieldsFunc(text, splitsWords) {
		typed = append(typed, lexeme(word)+":*")
	}
	// The contractor's lexeme is taken as it is; what was typed goes through the parser that the descriptions went through.
	match := `id in (select payment_id from payment_words
		where words @@ cast(? as tsquery) and words @@ to_tsquery('simple', ?))`
	args := []any{lexeme("@" + q.Contractor), strings.Join(typed, " & ")}
	if low, high, ok := idRange(text); ok {
		return db.Where("("+match+") or id between ? and ?", append(args, low, high)...)
	}
	return db.Where(match, args...)
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

// Find returns the rows of the payments that are in the copy.
func Find(ctx context.Context, db *pg.DB, ids []uuid.UUID) (rows []Payment, err error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	// One parameter, and so one statement, however many they are.
	list := "{" + strings.Join(texts, ",") + "}"
	if err := db.Gorm(ctx).Where("id = any(?::uuid[])", list).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find payments: %w", err)
	}
	return rows, nil
}

// rowQuerier is a pool or a transaction.
type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// SupersededBy returns the payment that asks again for this one, or "".
func SupersededBy(ctx context.Context, db rowQuerier, id string) (string, error) {
	var by uuid.UUID
	err := db.QueryRow(ctx, "select superseded_by from supersessions where superseded = $1", id).Scan(&by)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find what supersedes a payment: %w", err)
	}
	return by.String(), nil
}
