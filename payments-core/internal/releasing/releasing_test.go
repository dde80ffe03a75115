package releasing_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/cases"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

const (
	orderID = "0193571c-0000-7a4b-9c1d-2e3f4a5b6c7d"
	one     = "0193571c-0001-7a4b-9c1d-2e3f4a5b6c7d"
	two     = "0193571c-0002-7a4b-9c1d-2e3f4a5b6c7d"
)

var total = money.Amount{Minor: 10_00, Currency: "EUR"}

// What happened to the order.
var (
	submitted = ofOrder("order_submitted", `{"number": "2026/11/000042", "total": {"amount": 1000, "currency": "EUR"}, "lines": []}`, "Ada Nowak")
	expired   = ofOrder("order_expired", `{"reason": "not paid in time"}`, "")
	cancelled = ofOrder("order_cancelled", `{"reason": "wrong customer", "by": "manager"}`, "Mia Weber")
	paidByOne = ofOrder("order_paid", `{"payment_id": "`+one+`"}`, "")
	paidByTwo = ofOrder("order_paid", `{"payment_id": "`+two+`"}`, "")
	refused   = ofOrder("order_payment_refused", `{"payment_id": "`+one+`", "reason": "it is of 9.00 EUR, and the order of 10.00 EUR"}`, "")
	unread    = ofOrder("order_archived", `[]`, "")
)

func ofOrder(typ, data, actor string) event.Event {
	return event.Event{ID: event.NewID(), Type: typ, Source: "/ordering-core", Subject: orderID, Data: json.RawMessage(data),
		Meta: event.Meta{ActorName: actor}}
}

// What happened to the payment.
var (
	requested  = payment.Requested{ContractorID: "ada", Amount: total, Description: "Order 2026/11/000042", OrderID: orderID, CaptureMethod: payment.Automatic}
	withdrawn  = payment.Withdrawn{}
	rejected   = payment.Rejected{Reason: "no"}
	accepted   = payment.Accepted{}
	authorized = payment.Authorized{GatewayReference: "hold"}
	declined   = payment.Declined{Code: "insufficient_funds"}
	finally    = payment.Declined{Code: "do_not_honor", Final: true}
	captured   = payment.Captured{Amount: total, GatewayReference: "hold"}
	released   = payment.Released{}
	refunded   = payment.Refunded{GatewayReference: "hold"}
)

func ofPayment(id string, bodies ...payment.Body) releasing.Payment {
	var entries []payment.Entry
	for _, b := range bodies {
		actor := "mia"
		switch body := b.(type) {
		case payment.Requested:
			body.PaymentID, actor = id, "ada"
			b = body
		case payment.Withdrawn:
			actor = "ada"
		}
		e := payment.New(payment.Writer(b.EventType()), id, b)
		e.Time, e.Meta = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), event.Meta{Actor: actor}
		entries = append(entries, payment.Entry{Event: e, Confirmed: true})
	}
	p, _ := payment.Fold(entries)
	return releasing.Payment{Payment: p}
}

func happened(bodies ...payment.Body) []payment.Body { return bodies }

const (
	becauseExpired   = "order 2026/11/000042 expired: not paid in time"
	becauseCancelled = "order 2026/11/000042 was cancelled by Mia Weber: wrong customer"
	becausePaid      = "order 2026/11/000042 was paid by another payment"
	becauseRefused   = "order 2026/11/000042 does not take it: it is of 9.00 EUR, and the order of 10.00 EUR"
)

// TestExactlyTheseCommands: given what happened to an order and to its payment, whichever was heard first.
func TestExactlyTheseCommands(t *testing.T) {
	type want struct {
		kind   releasing.Kind // "": nothing
		reason string
	}
	nothing := want{}
	alive := []event.Event{submitted}
	dead := []event.Event{submitted, expired}
	tests := map[string]struct {
		order   []event.Event
		payment []payment.Body
		asked   bool
		want    want
	}{
		"an order not heard of yet":                      {nil, happened(requested, accepted, authorized, captured), false, nothing},
		"the order lives, requested":                     {alive, happened(requested), false, nothing},
		"the order lives, captured":                      {alive, happened(requested, accepted, authorized, captured), false, nothing},
		"expired, requested":                             {dead, happened(requested), false, want{releasing.Cancel, becauseExpired}},
		"expired, accepted":                              {dead, happened(requested, accepted), false, want{releasing.Cancel, becauseExpired}},
		"expired, accepted, being authorized":            {dead, happened(requested, accepted), true, nothing},
		"expired, then authorized":                       {dead, happened(requested, accepted, authorized), false, want{releasing.Release, becauseExpired}},
		"expired, authorized, being captured":            {dead, happened(requested, accepted, authorized), true, nothing},
		"expired, then captured":                         {dead, happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becauseExpired}},
		"expired, being refunded":                        {dead, happened(requested, accepted, authorized, captured), true, nothing},
		"expired, declined and to be tried again":        {dead, happened(requested, accepted, declined), false, want{releasing.Cancel, becauseExpired}},
		"expired, declined for good":                     {dead, happened(requested, accepted, finally), false, nothing},
		"expired, withdrawn":                             {dead, happened(requested, withdrawn), false, nothing},
		"expired, rejected":                              {dead, happened(requested, rejected), false, nothing},
		"expired, released":                              {dead, happened(requested, accepted, authorized, released), false, nothing},
		"expired, refunded":                              {dead, happened(requested, accepted, authorized, captured, refunded), false, nothing},
		"expired, cancelled: heard again":                {dead, happened(requested, payment.Cancelled{}), false, nothing},
		"expired, nobody has requested it":               {dead, nil, false, nothing},
		"expired by a manager":                           {[]event.Event{submitted, ofOrder("order_expired", `{}`, "Mia Weber")}, happened(requested), false, want{releasing.Cancel, "order 2026/11/000042 was expired by Mia Weber"}},
		"cancelled while authorizing":                    {[]event.Event{submitted, cancelled}, happened(requested, accepted), true, nothing},
		"cancelled while authorizing, then authorized":   {[]event.Event{submitted, cancelled}, happened(requested, accepted, authorized), false, want{releasing.Release, becauseCancelled}},
		"cancelled while authorizing, then declined":     {[]event.Event{submitted, cancelled}, happened(requested, accepted, declined), false, want{releasing.Cancel, becauseCancelled}},
		"the draft was cancelled":                        {[]event.Event{cancelled}, happened(requested), false, want{releasing.Cancel, "its order was cancelled by Mia Weber: wrong customer"}},
		"paid by it":                                     {[]event.Event{submitted, paidByOne}, happened(requested, accepted, authorized, captured), false, nothing},
		"paid by it, heard before its capture":           {[]event.Event{submitted, paidByOne}, happened(requested, accepted, authorized), false, nothing},
		"paid by another, captured":                      {[]event.Event{submitted, paidByTwo}, happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becausePaid}},
		"paid by another, authorized":                    {[]event.Event{submitted, paidByTwo}, happened(requested, accepted, authorized), false, want{releasing.Release, becausePaid}},
		"paid by another, requested":                     {[]event.Event{submitted, paidByTwo}, happened(requested), false, want{releasing.Cancel, becausePaid}},
		"another amount":                                 {[]event.Event{submitted, refused}, happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becauseRefused}},
		"refused, since another one has paid":            {[]event.Event{submitted, paidByTwo, refused}, happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becausePaid}},
		"refused, without an order":                      {[]event.Event{ofOrder("order_payment_refused", `{"payment_id": "`+one+`", "reason": "there is no such order"}`, "")}, happened(requested, accepted, authorized, captured), false, want{releasing.Refund, "its order does not take it: there is no such order"}},
		"refused, and the order died":                    {[]event.Event{submitted, refused, expired}, happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becauseExpired}},
		"the same event twice":                           {[]event.Event{submitted, submitted, refused, refused}, happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becauseRefused}},
		"the first ending stands: paid":                  {[]event.Event{submitted, paidByOne, expired}, happened(requested, accepted, authorized, captured), false, nothing},
		"the first ending stands: expired":               {[]event.Event{submitted, expired, cancelled}, happened(requested), false, want{releasing.Cancel, becauseExpired}},
		"an event that a later version of orders writes": {[]event.Event{submitted, unread}, happened(requested), false, nothing},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// given
			o, p := releasing.Fold(orderID, test.order...), ofPayment(one, test.payment...)
			p.Asked = test.asked
			// when
			got := releasing.Commands(o, p)
			// then
			switch {
			case test.want == nothing && len(got) > 0:
				t.Fatalf("wants %+v", got)
			case test.want == nothing:
			case len(got) != 1 || got[0].Kind != test.want.kind || got[0].Reason != test.want.reason || got[0].PaymentID != one:
				t.Fatalf("wants %+v, not %+v", got, test.want)
			case !slices.ContainsFunc(test.order, func(e event.Event) bool { return e.ID == got[0].Cause.ID }):
				t.Errorf("is caused by %+v", got[0].Cause)
			}
		})
	}
}

func TestTwoPaymentsForOneOrder(t *testing.T) {
	first := ofPayment(one, requested, accepted, authorized, captured)
	second := ofPayment(two, requested, accepted, authorized, captured)
	third := ofPayment("0193571c-0003-7a4b-9c1d-2e3f4a5b6c7d", requested)

	got := releasing.Commands(releasing.Fold(orderID, submitted, paidByOne), first, second, third)

	if len(got) != 2 || got[0].PaymentID != two || got[0].Kind != releasing.Refund || got[1].Kind != releasing.Cancel {
		t.Errorf("wants %+v", got)
	}
}

func TestAPaymentForAnotherOrderIsLeftAlone(t *testing.T) {
	other := requested
	other.OrderID = ""
	if got := releasing.Commands(releasing.Fold(orderID, submitted, expired), ofPayment(one, other)); len(got) > 0 {
		t.Errorf("wants %+v", got)
	}
	if got := releasing.Commands(releasing.Order{}, ofPayment(one, other)); len(got) > 0 {
		t.Errorf("wants %+v", got)
	}
}

func TestCheckRefusesWhatFoldWouldSkip(t *testing.T) {
	for _, e := range []event.Event{submitted, expired, cancelled, paidByOne, refused, unread} {
		if err := releasing.Check(e); err != nil {
			t.Errorf("%s: %v", e.Type, err)
		}
	}
	for _, e := range []event.Event{
		ofOrder("order_paid", `{}`, ""), ofOrder("order_payment_refused", `{"reason": "no"}`, ""), ofOrder("order_expired", `[]`, ""),
		ofOrder("order_submitted", `{"number": 7}`, ""),
	} {
		if err := releasing.Check(e); err == nil {
			t.Errorf("%s %s is taken", e.Type, e.Data)
		}
	}
}

func TestMembers(t *testing.T) {
	forOrder, forNone := requested, requested
	forOrder.PaymentID, forNone.PaymentID, forNone.OrderID = one, one, ""
	stream := payment.Stream(one)
	own, paid := cases.Member{Case: orderID, Stream: "order-" + orderID}, cases.Member{Case: orderID, Stream: stream}
	for name, test := range map[string]struct {
		event  event.Event
		stream string
		want   []cases.Member
	}{
		"an order":               {expired, releasing.Stream(orderID), []cases.Member{own}},
		"requested for it":       {payment.New("/contractor-ui", one, forOrder), stream, []cases.Member{own, paid}},
		"requested for no order": {payment.New("/contractor-ui", one, forNone), stream, nil},
		"another event":          {payment.New("/payments-core", one, captured), stream, nil},
	} {
		if got := releasing.Members(test.event, test.stream); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
