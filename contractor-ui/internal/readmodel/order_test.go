package readmodel_test

import (
	"cmp"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	list "countersign.example/pkg/readmodel"
)

// orders records events about an order as the consumer does, the first with sequence from.
func (d *fixture) orders(id string, by event.Meta, from int64, at time.Time, bodies ...order.Body) {
	d.t.Helper()
	var received []journal.Received
	for i, body := range bodies {
		e := order.New("/ordering-core", id, body)
		e.Meta, e.Time, e.Sequence = by, at.Add(time.Duration(i)*time.Minute), from+int64(i)
		d.offset++
		received = append(received, journal.Received{Event: e, Stream: order.Stream(id), Topic: order.Topic, Offset: d.offset})
	}
	err := d.db.InTx(d.t.Context(), func(tx *pg.Tx) error {
		streams, _, err := d.journal.Receive(d.t.Context(), tx, received)
		if err != nil {
			return err
		}
		return readmodel.ProjectOrders(d.t.Context(), tx, streams)
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

var drill = order.ItemAdded{ProductID: uuid.NewString(), SKU: "DR-18", Name: "Cordless drill", Price: eur(12900), Quantity: 2}

// submittedAs is a whole order up to its submission.
func submittedAs(number, id, customer string) []order.Body {
	line := order.Line{ProductID: drill.ProductID, SKU: drill.SKU, Name: drill.Name, Price: drill.Price, Quantity: 2, Total: eur(25800)}
	customerID := uuid.NewString()
	return []order.Body{order.Drafted{OrderID: id, ContractorID: ada.Actor}, drill, order.CustomerChosen{CustomerID: customerID, Name: customer},
		order.Submitted{Number: number, ContractorID: ada.Actor, CustomerID: customerID, CustomerName: customer,
			Lines: []order.Line{line}, Subtotal: eur(25800), Total: eur(25800), ExpiresAt: t0.Add(24 * time.Hour)}}
}

func (d *fixture) order(id string) *readmodel.Order {
	d.t.Helper()
	rows, err := readmodel.FindOrders(d.t.Context(), d.db, id)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(rows) == 0 {
		return nil
	}
	return &rows[0]
}

// agreesOn checks that an order's row is the fold of its stream.
func (d *fixture) agreesOn(id string) {
	d.t.Helper()
	s, err := d.journal.Read(d.t.Context(), order.Stream(id))
	if err != nil {
		d.t.Fatal(err)
	}
	o, _ := orderview.Fold(s)
	row := d.order(id)
	if row == nil {
		d.t.Fatalf("no row of %s", id)
	}
	got := []any{row.ContractorID, row.Number, row.CustomerName, row.Lines, cmp.Or(row.Total(), &money.Amount{}), row.State, row.DraftedAt.UTC(), row.UpdatedAt.UTC(),
		row.Sequence, row.Revision, row.ExpiresAt == nil}
	want := []any{o.ContractorID, o.Number, o.CustomerName, len(o.Lines), &o.Total, o.State, o.Drafted.At, o.UpdatedAt,
		o.Sequence, s.Revision(), o.ExpiresAt.IsZero()}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Errorf("row %v\nfold %v", got, want)
	}
}

func TestOrderRowEqualsFold(t *testing.T) {
	id := uuid.NewString()
	d := newFixture(t)
	bodies := append(submittedAs("2026/11/000042", id, "Hofmann"), order.Cancelled{Reason: "changed my mind", By: "contractor"})
	for n, body := range bodies {
		d.orders(id, ada, int64(n+1), t0.Add(time.Duration(n)*time.Hour), body)
		d.agreesOn(id)
	}
	if row := d.order(id); row.State != order.StateCancelled || row.Sequence != int64(len(bodies)) {
		t.Errorf("%+v", row)
	}
}

func TestOrderEventsBeforeTheDraftMakeNoRow(t *testing.T) {
	d, id := newFixture(t), uuid.NewString()
	d.orders(id, ada, 2, t0, drill)
	if row := d.order(id); row != nil {
		t.Errorf("%+v", row)
	}
}

func TestOrdersAreFound(t *testing.T) {
	// given Ada's order
	d, id := newFixture(t), uuid.NewString()
	d.orders(id, ada, 1, t0, submittedAs("2026/11/000042", id, "Hofmann & Söhne GmbH")...)
	for text, want := range map[string]bool{
		"2026/11/000042": true, "42": true, "000042": true, "43": false, "hofm": true, "söhne": true, "cordless": true, "dr-18": true, id: true,
		"drill hofmann": true, "drill meier": false, "' | \\": false, "@jon-park": false,
	} {
		for contractor, found := range map[string]bool{ada.Actor: want, "jon-park": false} {
			page, err := readmodel.ListOrders(t.Context(), d.db, readmodel.Query{Contractor: contractor, Tab: string(order.StateSubmitted), Query: list.Query{Search: text}})
			if err != nil || (len(page.Rows) == 1) != found {
				t.Errorf("%q by %s finds %d, %v", text, contractor, len(page.Rows), err)
			}
		}
	}
	counts, err := readmodel.CountOrders(t.Context(), d.db, ada.Actor)
	if err != nil || counts[order.StateSubmitted].Count != 1 || counts[order.StateDraft].Count != 0 {
		t.Errorf("%v, %v", counts, err)
	}
}

func TestOrderPagesByKeyset(t *testing.T) {
	// given 30 drafts, some of which began at the same moment
	d := newFixture(t)
	for n := range 30 {
		id := event.NewID().String()
		d.orders(id, ada, 1, t0.Add(time.Duration(n/4)*time.Second), order.Drafted{OrderID: id, ContractorID: ada.Actor})
	}
	read := func(q list.Query) list.Page[readmodel.Order] {
		page, err := readmodel.ListOrders(t.Context(), d.db, readmodel.Query{Contractor: ada.Actor, Tab: string(order.StateDraft), Query: q})
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	first := read(list.Query{})
	second := read(list.Query{After: first.After})
	if len(first.Rows) != readmodel.PageSize || len(second.Rows) != 5 || second.After != nil || first.Before != nil {
		t.Fatalf("%d and %d orders", len(first.Rows), len(second.Rows))
	}
	for i, rows := 1, append(first.Rows, second.Rows...); i < len(rows); i++ {
		if rows[i].Place(orderview.Newest).Key+rows[i].ID >= rows[i-1].Place(orderview.Newest).Key+rows[i-1].ID {
			t.Errorf("%s is not older than %s", rows[i].Place(orderview.Newest).Key+rows[i].ID, rows[i-1].Place(orderview.Newest).Key+rows[i-1].ID)
		}
	}
	if back := read(list.Query{Before: second.Before}); !reflect.DeepEqual(back.Rows, first.Rows) {
		t.Error("the way back shows another page")
	}
}

func TestAnOrderHasItsContractorsPayments(t *testing.T) {
	// given an order, and two payments that name it
	d, id := newFixture(t), uuid.NewString()
	d.orders(id, ada, 1, t0, submittedAs("2026/11/000042", id, "Hofmann")...)
	before := d.order(id).Shown()
	own, forged := uuid.NewString(), uuid.NewString()
	ask := func(requested, contractor string) event.Event {
		return about(requested, event.Meta{Actor: contractor}, t0, payment.Requested{PaymentID: requested, ContractorID: contractor,
			Amount: eur(25800), Description: "Order 2026/11/000042", OrderID: id, CaptureMethod: payment.Automatic})
	}
	d.mustReceive(ask(forged, "jon-park"), ask(own, ada.Actor))
	// then it has its contractor's, and counts its changes
	row := d.order(id)
	if len(row.Payments) != 1 || row.Payments[0].ID != own || row.Shown() <= before {
		t.Errorf("%+v", row)
	}
	ids, err := orderview.PaymentsOf(t.Context(), d.db.Pool(), id, ada.Actor)
	if err != nil || fmt.Sprint(ids) != fmt.Sprint([]string{own}) {
		t.Errorf("%v, %v", ids, err)
	}
}
