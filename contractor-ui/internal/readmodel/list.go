package readmodel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/search"
)

// Query selects which of a contractor's payments to list, newest first.
type Query struct {
	Contractor string
	Decision   payment.Decision // none: all of them
	Search     string           // words or beginnings of words, or of the payment's id
	Range
}

// Page is a page of a list, and where those beside it begin.
type Page struct {
	Payments []Payment
	Range
}

// payments are the rows, each with what asks again for it.
func payments(db *gorm.DB) *gorm.DB {
	return db.Select("payments.*, superseded_by").Joins("left join supersessions on superseded = id")
}

// List reads a page.
func List(ctx context.Context, db *pg.DB, q Query) (page Page, err error) {
	page.Payments, page.Range, err = keyset(q.Range, func(from *Position, newer bool) (rows []Payment, err error) {
		return rows, db.Search(ctx, q.Search, func(db *gorm.DB) error {
			find := beyond(payments(db), q.Contractor, "requested_at", from, newer)
			if q.Decision != payment.DecisionNone {
				find = find.Where("decision = ?", q.Decision)
			}
			if q.Search != "" {
				found, args := search.Where("payment_search_terms", q.Search, search.Mark(q.Contractor))
				find = find.Where(found, args...)
			}
			return find.Find(&rows).Error
		})
	})
	if err != nil {
		return Page{}, fmt.Errorf("list payments: %w", err)
	}
	return page, nil
}

func (p Payment) position() *Position { return &Position{At: event.Kept(p.RequestedAt), ID: p.ID} }

// Find returns the rows of the payments that are in the read model.
func Find(ctx context.Context, db *pg.DB, ids []uuid.UUID) (rows []Payment, err error) {
	if err := among(payments(db.Gorm(ctx)), "id", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find payments: %w", err)
	}
	return rows, nil
}

// among narrows to rows by ids, as one parameter and so one statement, however many they are.
func among(db *gorm.DB, column string, ids []uuid.UUID) *gorm.DB {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return db.Session(&gorm.Session{QueryFields: true}).Where(column+" = any(?::uuid[])", "{"+strings.Join(texts, ",")+"}")
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
