package readmodel_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/migrations"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	list "countersign.example/pkg/readmodel"
)

// topics is a copy with its journal, that events come to by hand.
type topics struct {
	*testing.T
	db      *pg.DB
	journal *journal.Journal
	offset  int64
}

func newTopics(t *testing.T) *topics {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	return &topics{T: t, db: db, journal: journal.New(db, "/manager-ui")}
}

// receive records events of orders and payments, and returns the streams that changed.
func (t *topics) receive(events ...event.Event) (changed []journal.Stream) {
	t.Helper()
	received := make([]journal.Received, len(events))
	for i, e := range events {
		t.offset++
		received[i] = journal.Received{Event: e, Stream: payment.Stream(e.Subject), Topic: payment.Topic, Offset: t.offset}
		if strings.HasPrefix(e.Type, "order_") {
			received[i].Stream, received[i].Topic = order.Stream(e.Subject), order.Topic
		}
	}
	if err := t.db.InTx(t.Context(), func(tx *pg.Tx) (err error) {
		if changed, _, err = t.journal.Receive(t.Context(), tx, received); err != nil {
			return err
		}
		if err := readmodel.Project(t.Context(), tx, changed); err != nil {
			return err
		}
		return readmodel.ProjectOrders(t.Context(), tx, changed)
	}); err != nil {
		t.Fatal(err)
	}
	return changed
}

// find is an order as the copy has it.
func (t *topics) find(id string) readmodel.Order {
	t.Helper()
	rows, err := readmodel.FindOrders(t.Context(), t.db, id)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows[0]
}

// said is an event of ordering-core's.
func said(id string, sequence int64, by event.Meta, body order.Body, minute int) event.Event {
	e := order.New(order.Source, id, body)
	e.Meta, e.Sequence, e.Time = by, sequence, time.Date(2026, 11, 23, 12, minute, 0, 123456789, time.UTC)
	return e
}

func TestTheCopyOfAnOrderEqualsItsFold(t *testing.T) {
	c := newTopics(t)
	id, product, hotel := uuid.NewString(), uuid.NewString(), uuid.NewString()
	price := money.Amount{Minor: 1250, Currency: "EUR"}
	subtotal, total := money.Amount{Minor: 2500, Currency: "EUR"}, money.Amount{Minor: 2250, Currency: "EUR"}
	lines := []order.Line{{ProductID: product, SKU: "T-1", Name: `Tiles ’ \ "x"`, Price: price, Quantity: 2, Total: subtotal}}
	for i, body := range []order.Body{
		order.Drafted{OrderID: id, ContractorID: ada.Actor},
		order.ItemAdded{ProductID: product, SKU: "T-1", Name: lines[0].Name, Price: price, Quantity: 3},
		order.ItemRemoved{ProductID: product, Quantity: 1},
		order.CustomerChosen{CustomerID: hotel, Name: "Hotel Sonne"},
		order.ItemRemoved{ProductID: product, Quantity: 9}, // without effect
		order.DiscountSet{BasisPoints: 1000},
		order.Submitted{Number: "2026/11/000042", ContractorID: ada.Actor, CustomerID: hotel, CustomerName: "Hotel Sonne", Lines: lines, BasisPoints: 1000,
			Subtotal: subtotal, Total: total, ExpiresAt: time.Date(2026, 11, 24, 12, 0, 0, 987654321, time.UTC)},
		order.PaymentRefused{PaymentID: uuid.NewString(), Reason: "another amount"},
		order.Expired{Reason: "not paid in time"},
		order.Cancelled{Reason: "No", By: order.ByManager}, // too late
	} {
		stream := c.receive(said(id, int64(i+1), ada, body, i))[0]
		o, _ := orderview.Fold(stream)
		row := c.find(id)
		customer := ""
		if row.CustomerID != nil {
			customer = *row.CustomerID
		}
		if row.State != o.State || row.Sequence != o.Sequence || row.Sequence != int64(i+1) || row.Revision != stream.Revision() || row.Shown() != row.Revision ||
			row.Number != o.Number || row.ContractorID != o.ContractorID || row.ContractorName != o.ContractorName || customer != o.CustomerID ||
			row.CustomerName != o.CustomerName || *cmp.Or(row.Total(), &money.Amount{}) != o.Total || !row.DraftedAt.Equal(o.Drafted.At.Truncate(time.Microsecond)) ||
			!row.UpdatedAt.Equal(o.UpdatedAt.Truncate(time.Microsecond)) ||
			!reflect.DeepEqual(at(row.SubmittedAt), o.Submitted.At.UTC().Truncate(time.Microsecond)) ||
			!reflect.DeepEqual(at(row.ExpiresAt), o.ExpiresAt.UTC().Truncate(time.Microsecond)) {
			t.Errorf("after %s the copy is\n%+v\nand the fold\n%+v", body.EventType(), row, o)
		}
	}
	if row := c.find(id); row.State != "expired" || *row.Total() != total || !strings.Contains(row.SearchTerms, "42") || !strings.Contains(row.SearchTerms, "tiles") {
		t.Errorf("at last %+v", row)
	}
}

// What changes in a draft is in no index: a row that is written again stays within its page, and no index is
// written.
func TestAnItemOfADraftWritesNoIndex(t *testing.T) {
	c := newTopics(t)
	id := uuid.NewString()
	c.receive(said(id, 1, ada, order.Drafted{OrderID: id, ContractorID: ada.Actor}, 0))
	for i := range 3 {
		e := said(id, int64(i+2), ada, order.ItemAdded{ProductID: uuid.NewString(), SKU: "T-1", Name: "Tiles", Price: money.Amount{Minor: 5, Currency: "EUR"}, Quantity: 1}, i)
		c.offset++
		const updated = "select pg_stat_get_xact_tuples_hot_updated('order_rows'::regclass)"
		var before, after int
		if err := c.db.InTx(t.Context(), func(tx *pg.Tx) error {
			if err := tx.QueryRow(t.Context(), updated).Scan(&before); err != nil {
				return err
			}
			changed, _, err := c.journal.Receive(t.Context(), tx, []journal.Received{{Event: e, Stream: order.Stream(id), Topic: order.Topic, Offset: c.offset}})
			if err == nil {
				err = readmodel.ProjectOrders(t.Context(), tx, changed)
			}
			if err != nil {
				return err
			}
			return tx.QueryRow(t.Context(), updated).Scan(&after)
		}); err != nil {
			t.Fatal(err)
		}
		if after != before+1 {
			t.Errorf("the row with %d items was written %d times in its place", i+1, after-before)
		}
	}
	if row := c.find(id); row.Total() == nil || row.Total().Minor != 15 {
		t.Errorf("it comes to %v", row.Total())
	}
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func TestNobodysOrderHasNoRow(t *testing.T) {
	c := newTopics(t)
	id := uuid.NewString()
	c.receive(said(id, 1, mia, order.Cancelled{Reason: "No", By: order.ByManager}, 0))
	if rows, err := readmodel.FindOrders(t.Context(), c.db, id); err != nil || len(rows) != 0 {
		t.Errorf("found %+v, %v", rows, err)
	}
}

func TestOrdersHaveTheirContractorsPayments(t *testing.T) {
	c := newTopics(t)
	id := uuid.NewString()
	asked := func(by event.Meta, minute int) event.Event {
		payID := uuid.NewString()
		return written(payID, by, payment.Requested{PaymentID: payID, ContractorID: by.Actor, OrderID: id, Description: "x",
			Amount: money.Amount{Minor: 1, Currency: "EUR"}, CaptureMethod: payment.Automatic}, minute)
	}
	second, first, foreign := asked(ada, 9), asked(ada, 8), asked(event.Meta{Actor: "jon-park", ActorName: "Jon Park"}, 7)
	c.receive(second, foreign) // before the order is known
	c.receive(said(id, 1, ada, order.Drafted{OrderID: id, ContractorID: ada.Actor}, 0), first)
	row := c.find(id)
	if len(row.Payments) != 2 || row.Payments[0].ID != first.Subject || row.Payments[1].ID != second.Subject {
		t.Fatalf("its payments are %+v", row.Payments)
	}
	before := row.Shown()
	c.receive(written(first.Subject, ada, payment.Withdrawn{}, 10))
	if after := c.find(id).Shown(); after <= before {
		t.Errorf("shown %d, then %d", before, after)
	}
}

func TestListOrders(t *testing.T) {
	c := newTopics(t)
	jon := event.Meta{Actor: "jon-park", ActorName: "Jon Park"}
	hotel := uuid.NewString()
	const all = readmodel.PageSize*2 + 5
	var want []readmodel.Order
	var events []event.Event
	for i := range all {
		id, by := uuid.NewString(), ada
		if i%5 == 0 {
			by = jon
		}
		events = append(events, said(id, 1, by, order.Drafted{OrderID: id, ContractorID: by.Actor}, i/3)) // several at one time
		want = append(want, readmodel.Order{Row: orderview.Row{ID: id, ContractorID: by.Actor, DraftedAt: events[len(events)-1].Time}})
		if i%10 == 0 {
			events = append(events, said(id, 2, by, order.CustomerChosen{CustomerID: hotel, Name: "Hotel Sonne"}, i))
		}
		if i%7 == 0 {
			events = append(events, said(id, events[len(events)-1].Sequence+1, by, order.Cancelled{By: order.ByContractor}, i))
		}
	}
	c.receive(events...)
	number := map[string]int{}
	for i, o := range want {
		number[o.ID] = i
	}
	slices.SortFunc(want, func(a, b readmodel.Order) int {
		if !a.DraftedAt.Equal(b.DraftedAt) {
			return b.DraftedAt.Compare(a.DraftedAt)
		}
		return strings.Compare(b.ID, a.ID)
	})
	for name, test := range map[string]struct {
		query readmodel.OrderQuery
		has   func(i int) bool
	}{
		"all":                      {readmodel.OrderQuery{}, func(int) bool { return true }},
		"drafts":                   {readmodel.OrderQuery{State: order.StateDraft}, func(i int) bool { return i%7 != 0 }},
		"cancelled":                {readmodel.OrderQuery{State: order.StateCancelled}, func(i int) bool { return i%7 == 0 }},
		"a contractor's":           {readmodel.OrderQuery{Query: narrowed(readmodel.OfContractor("ada-nowak"))}, func(i int) bool { return i%5 != 0 }},
		"a customer's":             {readmodel.OrderQuery{Query: narrowed(readmodel.ForCustomer(hotel))}, func(i int) bool { return i%10 == 0 }},
		"by words":                 {readmodel.OrderQuery{Query: searched("park JON")}, func(i int) bool { return i%5 == 0 }},
		"by words and state":       {readmodel.OrderQuery{Query: searched("sonne"), State: order.StateDraft}, func(i int) bool { return i%10 == 0 && i%7 != 0 }},
		"a contractor's, by words": {readmodel.OrderQuery{Query: list.Query{Search: "sonne", Where: narrowed(readmodel.OfContractor("ada-nowak")).Where, Narrowed: true}}, func(int) bool { return false }},
		"by id":                    {readmodel.OrderQuery{Query: searched(want[3].ID)}, func(i int) bool { return i == number[want[3].ID] }},
		"by punctuation":           {readmodel.OrderQuery{Query: searched("!?")}, func(int) bool { return false }},
	} {
		var wanted []string
		for _, o := range want {
			if test.has(number[o.ID]) {
				wanted = append(wanted, o.ID)
			}
		}
		got, pages := walk(t, c.db, test.query)
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: %d rows in %d pages, want %d, or in another order", name, len(got), pages, len(wanted))
		}
	}
	counts, err := readmodel.CountOrders(t.Context(), c.db)
	if drafts := all - (all+6)/7; err != nil || counts[order.StateDraft].Count != drafts || counts[order.StateSubmitted].Count != 0 {
		t.Errorf("%v, %v, want %d drafts", counts, err, drafts)
	}
	buyers, err := readmodel.Contractors(t.Context(), c.db, "")
	if got := fmt.Sprint(buyers); err != nil || got != "[{ada-nowak Ada Nowak} {jon-park Jon Park}]" {
		t.Errorf("contractors %s, %v", got, err)
	}
}

func TestContractorsToFilterBy(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	// given more contractors than are offered, who have changed their names
	if _, err := db.Pool().Exec(t.Context(), `insert into order_rows (id, revision, sequence, number, contractor_id, contractor_name, customer_name, total, currency, state, drafted_at, updated_at, words)
		select gen_random_uuid(), 1, 1, '', 'c' || lpad(n::text, 3, '0'), 'Name ' || year || ' of ' || n, '', 0, '', 'draft', make_date(year, 1, 1), now(), ''
		from generate_series(1, 300) n, generate_series(2020, 2026) year`); err != nil {
		t.Fatal(err)
	}
	for _, chosen := range []string{"", "c001", "c300", "nobody"} {
		// when they are listed
		buyers, err := readmodel.Contractors(t.Context(), db, chosen)
		if err != nil {
			t.Fatal(err)
		}
		// then there are as many as are offered, under their newest names, and the one that is chosen
		want := readmodel.MaxContractors
		if chosen == "c001" {
			want++
		}
		if len(buyers) != want {
			t.Errorf("%q: %d contractors, want %d", chosen, len(buyers), want)
		}
		seen := map[string]bool{}
		for _, b := range buyers {
			if !strings.HasPrefix(b.Name, "Name 2026 of ") || seen[b.ID] {
				t.Errorf("%q: %+v", chosen, b)
			}
			seen[b.ID] = true
		}
		if chosen != "" && chosen != "nobody" && !seen[chosen] {
			t.Errorf("%q is not there", chosen)
		}
	}
}

func searched(text string) list.Query { return list.Query{Search: text} }

func narrowed(to list.Condition) list.Query {
	return list.Query{Where: []list.Condition{to}, Narrowed: true}
}

// walk reads every page forwards, and checks that backwards they are the same.
func walk(t *testing.T, db *pg.DB, q readmodel.OrderQuery) (ids []string, pages int) {
	t.Helper()
	read := func(q readmodel.OrderQuery) list.Page[readmodel.Order] {
		page, err := readmodel.ListOrders(t.Context(), db, q)
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	var before []list.Page[readmodel.Order]
	for {
		page := read(q)
		if (page.Before != nil) != (len(before) > 0) {
			t.Errorf("page %d says that there are earlier ones: %v", len(before), page.Before)
		}
		before = append(before, page)
		for _, o := range page.Rows {
			ids = append(ids, o.ID)
		}
		if page.After == nil {
			break
		}
		q.After = page.After
	}
	q.After = nil
	for i := len(before) - 1; i > 0; i-- {
		q.Before = before[i].Before
		if page := read(q); !reflect.DeepEqual(page.Rows, before[i-1].Rows) || page.After == nil || (page.Before != nil) != (i > 1) {
			t.Errorf("page %d differs backwards", i-1)
		}
	}
	return ids, len(before)
}
