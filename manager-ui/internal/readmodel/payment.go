// Package readmodel is the managers' read model of the payments, the orders and the catalog: what their lists
// show, folded from the journal.
package readmodel

import (
	"cmp"
	"context"
	"iter"
	"slices"

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
	Minor        int64   `gorm:"column:amount" json:"amount"`
	SupersededBy *string `gorm:"->" json:"-"` // what asks again for it; see payments
	UnderWay     *string `gorm:"->" json:"-"` // "capture" or "release", from when payments-core has taken it
	SearchTerms  string  `gorm:"column:words" json:"words"`
	Acceptance   *string `json:"acceptance"` // the event's id; nil while it is not accepted
}

// Searched are the tables of what payments and orders are found by.
var Searched = []string{paymentTerms, orderTerms}

const (
	paymentTerms = "payment_search_terms"
	orderTerms   = "order_search_terms"
)

// payments are the rows, each with what asks again for it, which is its contractor's oldest request that says
// so, and with what is under way. What says so is found before it is put in order: with both in one, the
// planner walks through all that the contractor has ever asked for, in that order.
var payments = readmodel.NewTable[Payment]("payment_rows", paymentTerms).Select(func(db *gorm.DB) *gorm.DB {
	return db.Select(`payment_rows.*, (select again.id from (select id, contractor_id, requested_at from payment_rows later
			where later.supersedes = payment_rows.id offset 0) as again
		where again.contractor_id = payment_rows.contractor_id order by again.requested_at, again.id limit 1) as superseded_by,
		(select kind from under_way where payment_id = payment_rows.id) as under_way`)
})

// paymentsAlone are the rows of the table, as orders show them.
var paymentsAlone = payments.Select(func(db *gorm.DB) *gorm.DB { return db.Select("payment_rows.*") })

// Shown counts every change of what is shown of the payment: those of its stream, that it is asked for again,
// and that it is to be captured or released.
func (p Payment) Shown() int64 {
	shown := p.Revision
	for _, beside := range []*string{p.SupersededBy, p.UnderWay} {
		if beside != nil {
			shown++
		}
	}
	return shown
}

// Amount is what was asked for.
func (p Payment) Amount() money.Amount { return money.Amount{Minor: p.Minor, Currency: p.Currency} }

func paymentOf(s journal.Stream) (Payment, bool) {
	row, p, ok := paymentview.RowOf(s)
	if !ok {
		return Payment{}, false
	}
	terms := search.Later("", p.Reference, p.ContractorName, p.Description, p.Amount.Decimal(), p.Amount.String())
	made := Payment{Row: row, Minor: p.Amount.Minor, SearchTerms: terms}
	if p.Decision == payment.DecisionAccepted {
		made.Acceptance = readmodel.Optional(p.Decided.EventID.String())
	}
	return made, true
}

// Project is a journal.Projector: it folds changed streams and writes their rows, a batch at a time.
func Project(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	var askedAgain []string
	rows := readmodel.Fold(streams, payment.Stream(""), func(s journal.Stream) (Payment, bool) {
		row, ok := paymentOf(s)
		if ok && row.Supersedes != nil && requestedNow(s) {
			askedAgain = append(askedAgain, payment.Stream(*row.Supersedes))
		}
		return row, ok
	})
	if err := payments.Queue(tx, rows); err != nil {
		return err
	}
	if len(askedAgain) > 0 { // the open pages of what is asked for again show it
		tx.Queue("insert into unpushed (stream) select unnest($1::text[])", askedAgain)
	}
	return nil
}

// requestedNow reports whether the payment's request is among what has changed its stream.
func requestedNow(s journal.Stream) bool {
	return slices.ContainsFunc(s.Records, func(r journal.Record) bool {
		return r.Type == payment.TypeRequested && slices.Contains(s.New, r.ID)
	})
}

// PageSize is how many rows a page has.
const PageSize = 25

// Tab is a part of the list.
type Tab string

// The tabs. What was withdrawn or cancelled is in All only.
const (
	Waiting  Tab = "waiting"
	Accepted Tab = "accepted"
	Rejected Tab = "rejected"
	All      Tab = "all"
)

// decisions are what the tabs show; All has no line.
var decisions = map[Tab]payment.Decision{
	Waiting: payment.DecisionRequested, Accepted: payment.DecisionAccepted, Rejected: payment.DecisionRejected,
}

// ByAmount and ByContractor are other orders of a list of payments.
var (
	ByAmount     = readmodel.ByMoney("amount", "currency", "amount")
	ByContractor = readmodel.ByText("contractor", "contractor_name")
)

// Place is where the row is in a list.
func (p Payment) Place(s readmodel.Sort) readmodel.Place {
	switch s.Name {
	case ByAmount.Name:
		return readmodel.Place{Key: readmodel.MoneyKey(p.Amount()), ID: p.ID}
	case ByContractor.Name:
		return readmodel.Place{Key: readmodel.TextKey(p.ContractorName), ID: p.ID}
	}
	return p.Row.Place(s)
}

// Sort is the tab's order. Waiting is worked through from the oldest on.
func (t Tab) Sort() readmodel.Sort {
	if t == Waiting {
		return paymentview.Oldest
	}
	return paymentview.Newest
}

// TabsOf are the tabs that a payment with this decision is in.
func TabsOf(decision payment.Decision) []string {
	for _, tab := range []Tab{Waiting, Accepted, Rejected} {
		if decisions[tab] == decision {
			return []string{string(tab), string(All)}
		}
	}
	return []string{string(All)}
}

// query asks for rows of a tab.
func (t Tab) query(q readmodel.Query) readmodel.Query {
	if q.Sort.SQL == "" {
		q.Sort = t.Sort()
	}
	q.Limit, q.Search = cmp.Or(q.Limit, PageSize), paymentview.Sought(q.Search)
	if decision, ok := decisions[t]; ok {
		q.Where = append(slices.Clip(q.Where), readmodel.Where("decision = ?", decision).On(readmodel.InTab))
	}
	return q
}

// List reads a page of a tab.
func List(ctx context.Context, db *pg.DB, tab Tab, q readmodel.Query) (readmodel.Page[Payment], error) {
	return payments.Page(ctx, db, tab.query(q))
}

// ListWhole reads all of a list in a tab.
func ListWhole(ctx context.Context, db *pg.DB, tab Tab, q readmodel.Query) iter.Seq2[Payment, error] {
	return paymentsAlone.All(ctx, db, tab.query(q))
}

// AddUp counts and adds up what a narrowed list has in a tab, and counts what of it waits.
func AddUp(ctx context.Context, db *pg.DB, tab Tab, q readmodel.Query) (sums, waiting readmodel.Sums, err error) {
	sums, counts, err := payments.AddUp(ctx, db, tab.query(q), "currency", "amount", readmodel.Where("decision = ?", payment.DecisionRequested))
	if err != nil {
		return sums, waiting, err
	}
	return sums, counts[0], nil
}

// Find reads some payments, in no order; those that are not there are left out.
func Find(ctx context.Context, db *pg.DB, ids ...string) ([]Payment, error) {
	return payments.Find(ctx, db, "id", ids...)
}

// FindReferred returns some of the payments that have a reference: one, unless somebody forged it.
func FindReferred(ctx context.Context, db *pg.DB, reference string) ([]Payment, error) {
	return payments.Some(ctx, db, readmodel.Where("reference = ?", reference), 2)
}

// SupersededBy returns the id of the payment that asks for this one again, "" if none does.
func SupersededBy(ctx context.Context, db *pg.DB, id string) (string, error) {
	rows, err := Find(ctx, db, id)
	if err != nil || len(rows) == 0 || rows[0].SupersededBy == nil {
		return "", err
	}
	return *rows[0].SupersededBy, nil
}

// Totals is what waits for a decision.
type Totals struct {
	Count int
	Sums  []money.Amount // one for each currency, by its code
}

// WaitingTotals counts and adds up what waits.
func WaitingTotals(ctx context.Context, db *pg.DB) (Totals, error) {
	parts, err := readmodel.KeptSums(ctx, db, "payments", "")
	waiting := parts[string(payment.DecisionRequested)]
	return Totals{Count: waiting.Count, Sums: waiting.Amounts}, err
}
