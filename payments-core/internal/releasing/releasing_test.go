package releasing_test

import (
	"slices"
	"testing"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/ordertest"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/processlock"
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
	mia, nobody = event.Meta{Actor: "mia", ActorName: "Mia Weber"}, event.Meta{}

	expired   = says(nobody, order.Expired{Reason: "not paid in time"})
	cancelled = says(mia, order.Cancelled{Reason: "wrong customer", By: order.ByManager})
	paidByOne = says(nobody, order.Paid{PaymentID: one})
	paidByTwo = says(nobody, order.Paid{PaymentID: two})
	refused   = says(nobody, order.PaymentRefused{PaymentID: one, Reason: "it is of 9.00 EUR, and the order of 10.00 EUR"})
)

type step func(*ordertest.History)

func says(by event.Meta, body order.Body) step {
	return func(h *ordertest.History) { h.Append(by, body) }
}

// again is the last event, received once more, and what a later version writes, and what another service
// does.
func again(h *ordertest.History) {
	last := h.Entries[len(h.Entries)-1]
	h.Entries = append(h.Entries, last)
}

func unread(h *ordertest.History) {
	h.Append(nobody, order.Expired{})
	last := &h.Entries[len(h.Entries)-1]
	last.Type, last.Data = "order_archived", []byte(`{"deep":[1]}`)
}

func forged(by step) step {
	return func(h *ordertest.History) {
		by(h)
		h.Entries[len(h.Entries)-1].Source = "/evil"
	}
}

func nothingYet(steps ...step) []order.Entry { return more(&ordertest.History{ID: orderID}, steps) }
func drafted(steps ...step) []order.Entry    { return more(ordertest.Drafted(orderID, total), steps) }
func submitted(steps ...step) []order.Entry  { return more(ordertest.Submitted(orderID, total), steps) }

func more(h *ordertest.History, steps []step) []order.Entry {
	for _, step := range steps {
		step(h)
	}
	return h.Entries
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

// TestExactlyTheseCommands: given what happened to an order and to its payment, whichever was received first.
func TestExactlyTheseCommands(t *testing.T) {
	type want struct {
		kind   releasing.Kind // "": nothing
		reason string
	}
	nothing := want{}
	alive := submitted()
	dead := submitted(expired)
	tests := map[string]struct {
		order   []order.Entry
		payment []payment.Body
		asked   bool
		want    want
	}{
		"an order not received yet":                      {nil, happened(requested, accepted, authorized, captured), false, nothing},
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
		"expired, cancelled: received again":             {dead, happened(requested, payment.Cancelled{}), false, nothing},
		"expired, nobody has requested it":               {dead, nil, false, nothing},
		"expired by a manager":                           {submitted(says(mia, order.Expired{})), happened(requested), false, want{releasing.Cancel, "order 2026/11/000042 was expired by Mia Weber"}},
		"cancelled while authorizing":                    {submitted(cancelled), happened(requested, accepted), true, nothing},
		"cancelled while authorizing, then authorized":   {submitted(cancelled), happened(requested, accepted, authorized), false, want{releasing.Release, becauseCancelled}},
		"cancelled while authorizing, then declined":     {submitted(cancelled), happened(requested, accepted, declined), false, want{releasing.Cancel, becauseCancelled}},
		"the draft was cancelled":                        {drafted(cancelled), happened(requested), false, want{releasing.Cancel, "its order was cancelled by Mia Weber: wrong customer"}},
		"paid by it":                                     {submitted(paidByOne), happened(requested, accepted, authorized, captured), false, nothing},
		"paid by it, received before its capture":        {submitted(paidByOne), happened(requested, accepted, authorized), false, nothing},
		"paid by another, captured":                      {submitted(paidByTwo), happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becausePaid}},
		"paid by another, authorized":                    {submitted(paidByTwo), happened(requested, accepted, authorized), false, want{releasing.Release, becausePaid}},
		"paid by another, requested":                     {submitted(paidByTwo), happened(requested), false, want{releasing.Cancel, becausePaid}},
		"another amount":                                 {submitted(refused), happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becauseRefused}},
		"refused, since another one has paid":            {submitted(paidByTwo, refused), happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becausePaid}},
		"refused, without an order":                      {nothingYet(says(nobody, order.PaymentRefused{PaymentID: one, Reason: "there is no such order"})), happened(requested, accepted, authorized, captured), false, want{releasing.Refund, "its order does not take it: there is no such order"}},
		"refused, and the order died":                    {submitted(refused, expired), happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becauseExpired}},
		"the same event twice":                           {submitted(again, refused, again), happened(requested, accepted, authorized, captured), false, want{releasing.Refund, becauseRefused}},
		"the first ending stands: paid":                  {submitted(paidByOne, expired), happened(requested, accepted, authorized, captured), false, nothing},
		"the first ending stands: expired":               {submitted(expired, cancelled), happened(requested), false, want{releasing.Cancel, becauseExpired}},
		"cancelled by another service":                   {submitted(forged(cancelled)), happened(requested, accepted, authorized), false, nothing},
		"expired, after an event that was not received":  {submitted(func(h *ordertest.History) { expired(h); h.Entries[len(h.Entries)-1].Sequence++ }), happened(requested), false, nothing},
		"paid before it was submitted":                   {drafted(paidByTwo), happened(requested, accepted, authorized), false, nothing},
		"an event that a later version of orders writes": {submitted(unread), happened(requested), false, nothing},
		"and what comes after it":                        {submitted(unread, expired), happened(requested), false, want{releasing.Cancel, becauseExpired}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// given
			o, p := releasing.Fold(orderID, test.order), ofPayment(one, test.payment...)
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
			case !slices.ContainsFunc(test.order, func(e order.Entry) bool { return e.ID == got[0].Cause.ID }):
				t.Errorf("is caused by %+v", got[0].Cause)
			}
		})
	}
}

func TestTwoPaymentsForOneOrder(t *testing.T) {
	first := ofPayment(one, requested, accepted, authorized, captured)
	second := ofPayment(two, requested, accepted, authorized, captured)
	third := ofPayment("0193571c-0003-7a4b-9c1d-2e3f4a5b6c7d", requested)

	got := releasing.Commands(releasing.Fold(orderID, submitted(paidByOne)), first, second, third)

	if len(got) != 2 || got[0].PaymentID != two || got[0].Kind != releasing.Refund || got[1].Kind != releasing.Cancel {
		t.Errorf("wants %+v", got)
	}
}

func TestAPaymentForAnotherOrderIsLeftAlone(t *testing.T) {
	other := requested
	other.OrderID = ""
	if got := releasing.Commands(releasing.Fold(orderID, submitted(expired)), ofPayment(one, other)); len(got) > 0 {
		t.Errorf("wants %+v", got)
	}
	if got := releasing.Commands(releasing.Order{}, ofPayment(one, other)); len(got) > 0 {
		t.Errorf("wants %+v", got)
	}
}

func TestMembers(t *testing.T) {
	forOrder, forNone := requested, requested
	forOrder.PaymentID, forNone.PaymentID, forNone.OrderID = one, one, ""
	stream := payment.Stream(one)
	own, paid := processlock.Member{Process: orderID, Stream: "order-" + orderID}, processlock.Member{Process: orderID, Stream: stream}
	for name, test := range map[string]struct {
		event  event.Event
		stream string
		want   []processlock.Member
	}{
		"an order":               {submitted(expired)[4].Event, order.Stream(orderID), []processlock.Member{own}},
		"requested for it":       {payment.New("/contractor-ui", one, forOrder), stream, []processlock.Member{own, paid}},
		"requested elsewhere":    {payment.New("/contractor-ui", one, forOrder), "another-" + one, nil},
		"requested for no order": {payment.New("/contractor-ui", one, forNone), stream, nil},
		"another event":          {payment.New("/payments-core", one, captured), stream, nil},
	} {
		if got := releasing.Members(test.event, test.stream); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
