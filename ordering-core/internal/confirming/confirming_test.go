package confirming_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/internal/confirming"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/cases"
	"countersign.example/pkg/event"
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

// of makes an event of a payment; its data are payments-core's, of which only a few matter.
func of(id, typ, actor string, minute int, data string) event.Event {
	return event.Event{ID: event.NewID(), Type: typ, Source: "/test", Subject: id, Time: noon.Add(time.Duration(minute) * time.Minute),
		Meta: event.Meta{Actor: actor}, Data: json.RawMessage(data)}
}

func requestedBy(contractor, id, orderID string) event.Event {
	return of(id, "payment_requested", contractor, 0, fmt.Sprintf(`{"payment_id": %q, "contractor_id": %q, "order_id": %q,
		"amount": {"amount": 1000, "currency": "EUR"}, "capture_method": "automatic", "description": "Order"}`, id, contractor, orderID))
}

func capturedOf(id string, minute int, amount money.Amount) event.Event {
	return of(id, "payment_captured", "", minute, fmt.Sprintf(`{"amount": {"amount": %d, "currency": %q}, "gateway_reference": "hold"}`, amount.Minor, amount.Currency))
}

func refundedOf(id string) event.Event {
	return of(id, "payment_refunded", "", 60, `{"gateway_reference": "hold"}`)
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

// TestExactlyTheseCommands: given what happened to an order and to a payment for it, whichever was heard first.
func TestExactlyTheseCommands(t *testing.T) {
	requested, captured := requestedBy("ada", one, orderID), capturedOf(one, 1, eur(10_00))
	const pays, refuses = order.TypePaid, order.TypePaymentRefused
	tests := map[string]struct {
		order   known
		payment []event.Event
		want    []string
	}{
		"requested":                            {submitted(), []event.Event{requested}, nil},
		"captured":                             {submitted(), []event.Event{requested, captured}, []string{pays}},
		"captured, heard twice":                {submitted(), []event.Event{requested, captured, captured}, []string{pays}},
		"captured, and paid by it already":     {paid(one), []event.Event{requested, captured}, nil},
		"captured after the order expired":     {expired(), []event.Event{requested, captured}, []string{refuses}},
		"captured after it was cancelled":      {cancelled(), []event.Event{requested, captured}, []string{refuses}},
		"expired, and refused already":         {expired().refused(one), []event.Event{requested, captured}, nil},
		"captured while a draft":               {drafted(), []event.Event{requested, captured}, []string{refuses}},
		"refused as a draft, submitted since":  {submitted().refused(one), []event.Event{requested, captured}, nil},
		"no such order":                        {nothing(), []event.Event{requested, captured}, []string{refuses}},
		"no such order, and refused already":   {nothing().refused(one), []event.Event{requested, captured}, nil},
		"paid by another payment":              {paid(two), []event.Event{requested, captured}, []string{refuses}},
		"another amount":                       {submitted(), []event.Event{requested, capturedOf(one, 1, eur(9_99))}, []string{refuses}},
		"another currency":                     {submitted(), []event.Event{requested, capturedOf(one, 1, money.Amount{Minor: 10_00, Currency: "USD"})}, []string{refuses}},
		"another contractor's":                 {submitted(), []event.Event{requestedBy("eve", one, orderID), captured}, []string{refuses}},
		"its money went back already":          {expired(), []event.Event{requested, captured, refundedOf(one)}, nil},
		"captured, but nobody has requested":   {submitted(), []event.Event{captured}, nil},
		"requested in another person's name":   {submitted(), []event.Event{of(one, "payment_requested", "eve", 0, string(requested.Data)), captured}, nil},
		"requested twice, for different order": {submitted(), []event.Event{requested, requestedBy("ada", one, two), captured}, []string{pays}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, body := range next(test.order, confirming.Fold(one, test.payment...)) {
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
	first := confirming.Fold(two, requestedBy("ada", two, orderID), capturedOf(two, 1, eur(10_00)))
	second := confirming.Fold(one, requestedBy("ada", one, orderID), capturedOf(one, 2, eur(10_00)))
	for _, payments := range [][]confirming.Payment{{first, second}, {second, first}} {
		// when both are captured
		got := next(submitted(), payments...)
		// then the one captured first pays, and the other one is refused
		if len(got) != 2 || got[0] != order.Body(order.Paid{PaymentID: two}) || got[1].(order.PaymentRefused).PaymentID != one {
			t.Errorf("wants %+v", got)
		}
	}
}

func TestCheckRefusesWhatFoldWouldSkip(t *testing.T) {
	for _, e := range []event.Event{
		requestedBy("ada", one, orderID), requestedBy("ada", one, ""), capturedOf(one, 1, eur(1)), refundedOf(one), of(one, "payment_archived", "", 0, `[]`),
	} {
		if err := confirming.Check(e); err != nil {
			t.Errorf("%s: %v", e.Type, err)
		}
	}
	for _, e := range []event.Event{
		of(one, "payment_requested", "ada", 0, `{"order_id": "x"}`), of(one, "payment_requested", "ada", 0, `{"order_id": 7}`),
		of(one, "payment_captured", "", 0, `{}`), of(one, "payment_captured", "", 0, `{"amount": "10.00"}`),
		requestedBy("ada", "pay-1", orderID), capturedOf("pay-1", 1, eur(1)), refundedOf(strings.ToUpper(one)),
		requestedBy("ada", one, "not-a-uuid"), requestedBy("ada", one, strings.ToUpper(orderID)),
	} {
		if err := confirming.Check(e); err == nil {
			t.Errorf("%s %s of %s is taken", e.Type, e.Data, e.Subject)
		}
	}
}

func TestMembers(t *testing.T) {
	own := cases.Member{Case: orderID, Stream: "order-" + orderID}
	paying := cases.Member{Case: orderID, Stream: "payment-" + one}
	for name, test := range map[string]struct {
		event  event.Event
		stream string
		want   []cases.Member
	}{
		"an order":               {expired().entries[0].Event, order.Stream(orderID), []cases.Member{own}},
		"requested for it":       {requestedBy("ada", one, orderID), confirming.Stream(one), []cases.Member{own, paying}},
		"requested for no order": {requestedBy("ada", one, ""), confirming.Stream(one), nil},
		"a product":              {catalog.New("/ordering-core", one, catalog.ProductArchived{ProductID: one}), catalog.ProductStream(one), nil},
		"another event":          {capturedOf(one, 1, eur(1)), confirming.Stream(one), nil},
	} {
		if got := confirming.Members(test.event, test.stream); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
