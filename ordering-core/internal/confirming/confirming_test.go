package confirming_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/internal/confirming"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/money"
)

const (
	orderID = "0193571c-0000-7a4b-9c1d-2e3f4a5b6c7d"
	one     = "0193571c-0001-7a4b-9c1d-2e3f4a5b6c7d"
	two     = "0193571c-0002-7a4b-9c1d-2e3f4a5b6c7d"
	apple   = "0193571c-0003-7a4b-9c1d-2e3f4a5b6c7d"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

// known is an order as its events have it.
type known struct {
	order   order.Order
	entries []order.Entry
}

func (k known) and(b order.Body, err error) known {
	if err != nil {
		panic(err)
	}
	e := order.New("/ordering-core", orderID, b)
	e.Time, e.Sequence, e.Meta = noon, int64(len(k.entries)+1), event.Meta{Actor: "ada", ActorName: "Ada Nowak"}
	k.entries = append(slices.Clone(k.entries), order.Entry{Event: e, Confirmed: true})
	k.order, _ = order.Fold(k.entries)
	return k
}

// What happened to the order.
func nothing() known { return known{} }

func drafted() known {
	k := nothing().and(order.Draft(orderID, "ada"), nil)
	k = k.and(k.order.Add(order.Product{ID: apple, SKU: "A-1", Name: "Apple", Price: eur(5_00)}, 2))
	return k.and(k.order.ChooseCustomer(apple, "Meyer", false))
}

func submitted() known {
	k := drafted()
	return k.and(k.order.Submit(order.Submission{
		Sequence: k.order.Sequence, Total: eur(10_00), Number: "2026/11/000042", ExpiresAt: noon.Add(time.Hour),
		Current: map[string]order.Product{apple: {ID: apple, SKU: "A-1", Name: "Apple", Price: eur(5_00)}},
	}))
}

func expired() known { k := submitted(); return k.and(k.order.Expire("not paid in time")) }
func cancelled() known {
	k := submitted()
	return k.and(k.order.Cancel("no longer wanted", "contractor"))
}
func paid(by string) known {
	k := submitted()
	return k.and(k.order.Pay(by, eur(10_00), "ada"))
}

func (k known) refused(payment string) known { return k.and(k.order.RefusePayment(payment, "not now")) }

// of makes an event of a payment, as its writer does.
func of(id, actor string, minute int, b payment.Body) event.Event {
	e := payment.New(payment.Writer(b.EventType()), id, b)
	e.Time, e.Meta = noon.Add(time.Duration(minute)*time.Minute), event.Meta{Actor: actor}
	return e
}

func requestedBy(contractor, id, orderID string) event.Event {
	return of(id, contractor, 0, payment.Requested{PaymentID: id, ContractorID: contractor, OrderID: orderID, Amount: eur(10_00),
		Description: "Order", CaptureMethod: payment.Automatic})
}

// held are a payment's events until its amount is on hold.
func held(id, orderID string) []event.Event {
	return []event.Event{requestedBy("ada", id, orderID), acceptedBy("mia", id), of(id, "", 1, payment.Authorized{GatewayReference: "hold"})}
}

func acceptedBy(who, id string) event.Event { return of(id, who, 0, payment.Accepted{}) }

func capturedOf(id string, minute int, amount money.Amount) event.Event {
	return of(id, "", minute, payment.Captured{Amount: amount, GatewayReference: "hold"})
}

func refundedOf(id string) event.Event {
	return of(id, "", 60, payment.Refunded{GatewayReference: "hold"})
}

func changed(e event.Event, change func(*event.Event)) event.Event {
	change(&e)
	return e
}

func fold(events ...event.Event) confirming.Payment {
	var entries []payment.Entry
	for _, e := range events {
		entries = append(entries, payment.Entry{Event: e, Confirmed: true})
	}
	return confirming.Fold(entries)
}

// next plays what is wanted until nothing is.
func next(k known, payments ...confirming.Payment) (wanted []order.Body) {
	for range 10 {
		command, is := confirming.Next(k.order, payments...)
		if !is {
			return wanted
		}
		wanted = append(wanted, command.Body)
		k = k.and(command.Body, nil)
	}
	panic("it never ends")
}

// TestExactlyTheseCommands: given what happened to an order and to a payment for it, whichever was received
// first.
func TestExactlyTheseCommands(t *testing.T) {
	requested, accepted, authorized := requestedBy("ada", one, orderID), acceptedBy("mia", one), held(one, orderID)[2]
	captured := capturedOf(one, 1, eur(10_00))
	until := func(events ...event.Event) []event.Event {
		return append([]event.Event{requested, accepted, authorized}, events...)
	}
	forged := func(e event.Event) event.Event { return changed(e, func(e *event.Event) { e.Source = "/evil" }) }
	const pays, refuses = order.TypePaid, order.TypePaymentRefused
	tests := map[string]struct {
		order   known
		payment []event.Event
		want    []string
	}{
		"requested":                           {submitted(), []event.Event{requested}, nil},
		"on hold":                             {submitted(), until(), nil},
		"captured":                            {submitted(), until(captured), []string{pays}},
		"captured, received twice":            {submitted(), until(captured, captured), []string{pays}},
		"captured, and paid by it already":    {paid(one), until(captured), nil},
		"captured after the order expired":    {expired(), until(captured), []string{refuses}},
		"captured after it was cancelled":     {cancelled(), until(captured), []string{refuses}},
		"expired, and refused already":        {expired().refused(one), until(captured), nil},
		"captured while a draft":              {drafted(), until(captured), []string{refuses}},
		"refused as a draft, submitted since": {submitted().refused(one), until(captured), nil},
		"no such order":                       {nothing(), until(captured), []string{refuses}},
		"no such order, and refused already":  {nothing().refused(one), until(captured), nil},
		"paid by another payment":             {paid(two), until(captured), []string{refuses}},
		"another amount":                      {submitted(), until(capturedOf(one, 1, eur(9_99))), []string{refuses}},
		"another contractor's":                {submitted(), []event.Event{requestedBy("eve", one, orderID), accepted, authorized, captured}, []string{refuses}},
		"its money went back already":         {expired(), until(captured, refundedOf(one)), nil},
		"captured, but nobody has requested":  {submitted(), []event.Event{accepted, authorized, captured}, nil},
		"captured, but nobody has accepted":   {submitted(), []event.Event{requested, authorized, captured}, nil},
		"captured, but not on hold":           {submitted(), []event.Event{requested, accepted, captured}, nil},
		"more than is on hold":                {submitted(), until(capturedOf(one, 1, eur(10_01))), nil},
		"another currency than is on hold":    {submitted(), until(capturedOf(one, 1, money.Amount{Minor: 10_00, Currency: "USD"})), nil},
		"less than nothing": {submitted(), until(changed(captured, func(e *event.Event) {
			e.Data = json.RawMessage(`{"amount":{"amount":-1000,"currency":"EUR"},"gateway_reference":"r"}`)
		})), nil},
		"captured, says another service":       {submitted(), until(forged(captured)), nil},
		"accepted, says another service":       {submitted(), []event.Event{requested, forged(accepted), authorized, captured}, nil},
		"refunded, says another service":       {submitted(), until(captured, forged(refundedOf(one))), []string{pays}},
		"accepted by the contractor":           {submitted(), []event.Event{requested, acceptedBy("ada", one), authorized, captured}, nil},
		"requested in another person's name":   {submitted(), []event.Event{changed(requested, func(e *event.Event) { e.Actor = "eve" }), accepted, authorized, captured}, nil},
		"requested twice, for different order": {submitted(), []event.Event{requested, requestedBy("ada", one, two), accepted, authorized, captured}, []string{pays}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, body := range next(test.order, fold(test.payment...)) {
				got = append(got, body.EventType())
				if refused, is := body.(order.PaymentRefused); is && (refused.PaymentID != one || refused.Reason == "") {
					t.Errorf("refuses %+v", refused)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("wants %v, not %v", got, test.want)
			}
		})
	}
}

func TestTheFirstOfTwoPaymentsPays(t *testing.T) {
	// given two payments for an order, in whatever order they are met
	first := fold(append(held(two, orderID), capturedOf(two, 1, eur(10_00)))...)
	second := fold(append(held(one, orderID), capturedOf(one, 2, eur(10_00)))...)
	for _, payments := range [][]confirming.Payment{{first, second}, {second, first}} {
		// when both are captured
		got := next(submitted(), payments...)
		// then the one captured first pays, and the other one is refused
		if len(got) != 2 || got[0] != order.Body(order.Paid{PaymentID: two}) || got[1].(order.PaymentRefused).PaymentID != one {
			t.Errorf("wants %+v", got)
		}
	}
}

func TestMembers(t *testing.T) {
	own := processlock.Member{Process: orderID, Stream: "order-" + orderID}
	paying := processlock.Member{Process: orderID, Stream: "payment-" + one}
	for name, test := range map[string]struct {
		event  event.Event
		stream string
		want   []processlock.Member
	}{
		"an order":                {expired().entries[0].Event, order.Stream(orderID), []processlock.Member{own}},
		"requested for it":        {requestedBy("ada", one, orderID), payment.Stream(one), []processlock.Member{own, paying}},
		"requested for no order":  {requestedBy("ada", one, ""), payment.Stream(one), nil},
		"a product":               {catalog.New("/ordering-core", one, catalog.ProductArchived{ProductID: one}), catalog.ProductStream(one), nil},
		"requested elsewhere":     {requestedBy("ada", one, orderID), "another-" + one, nil},
		"requested with no sense": {changed(requestedBy("ada", one, orderID), func(e *event.Event) { e.Data = json.RawMessage(`{"order_id": "x"}`) }), payment.Stream(one), nil},
		"another event":           {capturedOf(one, 1, eur(1)), payment.Stream(one), nil},
	} {
		if got := confirming.Members(test.event, test.stream); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
