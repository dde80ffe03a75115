package readmodel

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"gorm.io/gorm"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

// Searched are the tables of what payments and orders are found by.
var Searched = []string{"payment_search_terms", "order_search_terms"}

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

// OldestFirst reports whether the tab is worked through from the oldest on.
func (t Tab) OldestFirst() bool { return t == Waiting }

// TabsOf are the tabs that a payment with this decision is in.
func TabsOf(decision string) []string {
	for _, tab := range []Tab{Waiting, Accepted, Rejected} {
		if string(decisions[tab]) == decision {
			return []string{string(tab), string(All)}
		}
	}
	return []string{string(All)}
}

// Position is a place in a list: between pages, a row that need not exist any more.
type Position struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

// Query asks for one page of a list: from its beginning, or the one After or Before a position.
type Query struct {
	Tab           Tab
	Search        string
	After, Before *Position
}

// Page is one page, in the order of the list.
type Page[T any] = readmodel.Page[T]

// payments are the rows, each with what asks again for it, which is its contractor's oldest request that says
// so, and with what is under way.
func payments(db *gorm.DB) *gorm.DB {
	return db.Model(&Payment{}).Select(`payments.*, (select again.id from payments again
		where again.supersedes = payments.id and again.contractor_id = payments.contractor_id
		order by again.requested_at, again.id limit 1) as superseded_by,
		(select kind from under_way where payment_id = payments.id) as under_way`)
}

// List reads a page.
func List(ctx context.Context, db *pg.DB, q Query) (page Page[Payment], err error) {
	backwards := q.Before != nil
	ascending := q.Tab.OldestFirst() != backwards
	order := "requested_at desc, id desc"
	if ascending {
		order = "requested_at, id"
	}
	var rows []Payment
	err = db.Search(ctx, q.Search, func(db *gorm.DB) error {
		find := payments(db).Limit(PageSize + 1) // one more shows whether there is more
		if decision, ok := decisions[q.Tab]; ok {
			find = find.Where("decision = ?", decision)
		}
		if q.Search != "" {
			found, args := search.Where("payment_search_terms", q.Search)
			find = find.Where(found, args...)
		}
		if from := given(q.After, q.Before); from != nil {
			sign := "<"
			if ascending {
				sign = ">"
			}
			find = find.Where("(requested_at, id) "+sign+" (?, ?::uuid)", from.At, from.ID)
		}
		return find.Order(order).Find(&rows).Error
	})
	if err != nil {
		return page, fmt.Errorf("list payments: %w", err)
	}
	return readmodel.Cut(rows, PageSize, q.After != nil, backwards), nil
}

// given is the one of the two positions that is given.
func given(after, before *Position) *Position {
	if before != nil {
		return before
	}
	return after
}

// Find reads some payments, in no order; those that are not there are left out.
func Find(ctx context.Context, db *pg.DB, ids ...string) (rows []Payment, err error) {
	// One parameter, and so one statement, however many they are.
	if err := payments(db.Gorm(ctx)).Find(&rows, "id = any(?::uuid[])", "{"+strings.Join(ids, ",")+"}").Error; err != nil {
		return nil, fmt.Errorf("find payments: %w", err)
	}
	return rows, nil
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
func WaitingTotals(ctx context.Context, db *pg.DB) (t Totals, err error) {
	var groups []struct {
		Currency string
		Count    int
		Sum      int64
	}
	err = db.Gorm(ctx).Model(&Payment{}).Where("decision = 'requested'"). // as in the index payments_waiting
										Select("currency, count(*) as count, least(sum(amount), ?)::bigint as sum", int64(math.MaxInt64)).
										Group("currency").Order("currency").Find(&groups).Error
	if err != nil {
		return t, fmt.Errorf("add up what waits: %w", err)
	}
	for _, g := range groups {
		t.Count += g.Count
		t.Sums = append(t.Sums, money.Amount{Minor: g.Sum, Currency: g.Currency})
	}
	return t, nil
}
