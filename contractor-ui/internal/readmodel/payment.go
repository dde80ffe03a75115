// Package readmodel is contractor-ui's read model of the payments and the orders: one row for each, written
// from the journal and read by lists, totals and live updates.
//
// Invariants:
//   - A payment is superseded once: the first to do so stays, in the order of recording.
//   - Every list is of one contractor's.
package readmodel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

// Payment is a row of the table payment_rows.
type Payment struct {
	paymentview.Row
	Minor        int64   `gorm:"column:amount_minor" json:"amount_minor"`
	SupersededBy *string `gorm:"->" json:"-"`               // what asks again for it: another payment's claim
	SearchTerms  string  `gorm:"column:words" json:"words"` // to be found by
}

// Searched are the tables of what payments and orders are found by.
var Searched = []string{paymentTerms, orderTerms}

const (
	paymentTerms = "payment_search_terms"
	orderTerms   = "order_search_terms"
)

// payments are the rows, each with what asks again for it.
var payments = readmodel.NewTable[Payment]("payment_rows", paymentTerms).Select(func(db *gorm.DB) *gorm.DB {
	return db.Select("payment_rows.*, superseded_by").Joins("left join supersessions on superseded = id")
})

// ByAmount and ByDescription are other orders of a list of payments.
var (
	ByAmount      = readmodel.ByMoney("amount", "currency", "amount_minor")
	ByDescription = readmodel.ByText("for", "description")
)

// Place is where the row is in a list.
func (p Payment) Place(s readmodel.Sort) readmodel.Place {
	switch s.Name {
	case ByAmount.Name:
		return readmodel.Place{Key: readmodel.MoneyKey(p.Amount()), ID: p.ID}
	case ByDescription.Name:
		return readmodel.Place{Key: readmodel.TextKey(p.Description), ID: p.ID}
	}
	return p.Row.Place(s)
}

// Amount is what was asked for.
func (p Payment) Amount() money.Amount { return money.Amount{Minor: p.Minor, Currency: p.Currency} }

// Shown is the revision for open pages: the stream's, and one more once another payment supersedes this one.
func (p Payment) Shown() int64 {
	if p.SupersededBy != nil {
		return p.Revision + 1
	}
	return p.Revision
}

func paymentOf(s journal.Stream) (Payment, bool) {
	row, p, ok := paymentview.RowOf(s)
	return Payment{Row: row, Minor: p.Amount.Minor, SearchTerms: search.Later(search.Mark(p.ContractorID), p.Reference, p.Description, p.Amount.Decimal(), p.Amount.String())}, ok
}

// PageSize is how many rows a page of a list has.
const PageSize = 25

// Query selects which of a contractor's payments or orders to list, newest first.
type Query struct {
	readmodel.Query
	Contractor string
	Tab        string // a decision or an order's state; "": all of them
}

// query asks for a contractor's rows; tab is the column that says in which tab a row is.
func query(sort readmodel.Sort, tab string, q Query) readmodel.Query {
	if q.Sort.SQL == "" {
		q.Sort = sort
	}
	q.Limit = cmp.Or(q.Limit, PageSize)
	q.Marks = []string{search.Mark(q.Contractor)}
	q.Where = append(slices.Clip(q.Where), readmodel.Where("contractor_id = ?", q.Contractor))
	if q.Tab != "" {
		q.Where = append(q.Where, readmodel.Where(tab+" = ?", q.Tab).On(readmodel.InTab))
	}
	return q.Query
}

// paymentQuery asks for a contractor's payments.
func paymentQuery(q Query) readmodel.Query {
	q.Search = paymentview.Sought(q.Search)
	return query(paymentview.Newest, "decision", q)
}

// List reads a page of payments.
func List(ctx context.Context, db *pg.DB, q Query) (readmodel.Page[Payment], error) {
	return payments.Page(ctx, db, paymentQuery(q))
}

// ListWhole reads all of a list.
func ListWhole(ctx context.Context, db *pg.DB, q Query) iter.Seq2[Payment, error] {
	alone := payments.Select(func(db *gorm.DB) *gorm.DB { return db.Select("payment_rows.*") })
	return alone.All(ctx, db, paymentQuery(q))
}

// AddUp counts and adds up what a narrowed list has, and counts what of it waits.
func AddUp(ctx context.Context, db *pg.DB, q Query) (sums, waiting readmodel.Sums, err error) {
	sums, counts, err := payments.AddUp(ctx, db, paymentQuery(q), "currency", "amount_minor", readmodel.Where("decision = ?", payment.DecisionRequested))
	if err != nil {
		return sums, waiting, err
	}
	return sums, counts[0], nil
}

// Find returns the rows of the payments that are in the read model.
func Find(ctx context.Context, db *pg.DB, ids ...string) ([]Payment, error) {
	return payments.Find(ctx, db, "id", ids...)
}

// FindReferred returns some of a contractor's payments that have a reference: one, unless somebody forged it.
func FindReferred(ctx context.Context, db *pg.DB, contractor, reference string) ([]Payment, error) {
	has := readmodel.Where("length(reference) = length(?::text) and reference = ? and contractor_id = ?", reference, reference, contractor)
	return payments.Some(ctx, db, has, 2)
}

// ErrSuperseded means that another payment asks again for the same one already.
var ErrSuperseded = errors.New("this payment has been asked for again already")

// Save writes the row of one stream after the app has appended to it, in the same transaction. It fails with
// ErrSuperseded where the payment supersedes what another one has superseded.
func Save(ctx context.Context, tx *pg.Tx, s journal.Stream) error {
	row, ok := paymentOf(s)
	if !ok {
		return nil
	}
	if err := payments.Queue(tx, []Payment{row}); err != nil || row.Supersedes == nil {
		return err
	}
	const insert = `insert into supersessions as s (superseded, superseded_by) values ($1, $2)
		on conflict (superseded) do update set superseded_by = s.superseded_by returning superseded_by::text`
	var first string
	if err := tx.QueryRow(ctx, insert, *row.Supersedes, row.ID).Scan(&first); err != nil {
		return fmt.Errorf("note what is superseded: %w", err)
	}
	if first != row.ID {
		return ErrSuperseded
	}
	tx.Queue("insert into unpushed (stream) values ($1)", payment.Stream(*row.Supersedes))
	return nil
}

// claims of one payment are taken in the order of recording, and not of somebody else's payment: a forged
// event must not block "Ask again". Those of several are sorted, so that two batches do not wait for each
// other. A payment that is not here yet may be in another partition, behind. "on conflict" names no column,
// since both columns are unique and neither conflict may stop the consumer. The open pages of what is claimed
// show it.
const claims = `with claimed as (insert into supersessions (superseded, superseded_by)
		select c.superseded, c.superseded_by
		from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality as c (superseded, superseded_by, contractor_id, place)
		where not exists (select from payment_rows p where p.id = c.superseded and p.contractor_id <> c.contractor_id)
		order by c.superseded, c.place on conflict do nothing returning superseded)
	insert into unpushed (stream) select 'payment-' || superseded from claimed`

// Project writes the rows of the payments among streams that the consumer has received, in the round trip of
// the commit. It is a journal.Projector. A second payment that supersedes the same one keeps its row and
// loses nothing but the claim: what is in the log cannot be refused here.
func Project(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	rows := readmodel.Fold(streams, payment.Stream(""), paymentOf)
	if err := payments.Queue(tx, rows); err != nil {
		return err
	}
	var superseded, by, contractors []string
	for _, row := range rows {
		if row.Supersedes != nil {
			superseded, by, contractors = append(superseded, *row.Supersedes), append(by, row.ID), append(contractors, row.ContractorID)
		}
	}
	if len(superseded) > 0 {
		tx.Queue(claims, superseded, by, contractors)
	}
	return nil
}

// rowQuerier is a pool or a transaction.
type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// SupersededBy returns the payment that asks again for this one, or "".
func SupersededBy(ctx context.Context, db rowQuerier, id string) (by string, err error) {
	err = db.QueryRow(ctx, "select superseded_by::text from supersessions where superseded = $1", id).Scan(&by)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("find what supersedes a payment: %w", err)
	}
	return by, nil
}
