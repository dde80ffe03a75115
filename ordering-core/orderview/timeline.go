package orderview

import (
	"cmp"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/web"
)

// Timeline is what happened to an order and its payments, in one: by time, and within each in the order of
// the log, which their clocks need not agree with. paid is the text of a payment's step.
func Timeline(o History, paid func(payment.Step) string) []web.Step {
	threads := make([][]web.Step, 1, 1+len(o.Payments))
	names := map[string]string{}
	for i, p := range o.Payments {
		names[p.ID] = PaymentName(p.Reference, i, len(o.Payments))
		var thread []web.Step
		for _, s := range p.Steps {
			shown := web.StepOf(paid(s), s.Entry, s.Effect)
			shown.Of, shown.Href = names[p.ID], paymentPath(p.ID)
			thread = append(thread, shown)
		}
		threads = append(threads, thread)
	}
	for _, s := range Condense(o.Steps) {
		shown := web.StepOf(StepText(s), s.Entry, s.Effect)
		if refused, ok := s.Body.(order.PaymentRefused); ok && names[refused.PaymentID] != "" {
			shown.Of, shown.Href = names[refused.PaymentID], paymentPath(refused.PaymentID)
		}
		threads[0] = append(threads[0], shown)
	}
	return web.MergeByTime(func(s web.Step) time.Time { return s.At }, threads...)
}

// paymentPath is a payment's page in both apps.
func paymentPath(id string) string { return "/payments/" + id }

// PaidWith links the payment that paid the order; nil while none has.
func (o History) PaidWith() *web.Link {
	if o.PaidBy == "" {
		return nil
	}
	paid := &web.Link{Label: "its payment", Href: paymentPath(o.PaidBy)}
	for _, p := range o.Payments {
		if p.ID == o.PaidBy {
			paid.Label = cmp.Or(p.Reference, paid.Label)
		}
	}
	return paid
}

// Refused is why a payment could not pay the order; "" if it is not known to be so.
func (o History) Refused(paymentID string) (why string) {
	for _, s := range o.Steps {
		if refused, ok := s.Body.(order.PaymentRefused); ok && s.Effect && refused.PaymentID == paymentID {
			why = StepText(s)
		}
	}
	return why
}

// StateBadge is an order's state in words and colour.
func StateBadge(s order.State) web.Badge {
	tone := map[order.State]web.Tone{
		order.StateSubmitted: web.Waiting, order.StatePaid: web.Good, order.StateExpired: web.Warning, order.StateCancelled: web.Bad,
	}[s]
	if tone == "" {
		tone = web.Neutral
	}
	return web.Badge{Tone: tone, Text: StateLabel(s)}
}

// Tabs are the parts of a list of orders, by their states. Counted are those that wait for something.
var Tabs = []Tab{
	{"All", order.StateNone, false}, {"Drafts", order.StateDraft, true}, {"Submitted", order.StateSubmitted, true},
	{"Paid", order.StatePaid, false}, {"Expired", order.StateExpired, false}, {"Cancelled", order.StateCancelled, false},
}

// Tab is a part of a list of orders. In addresses it is called as the state is.
type Tab struct {
	Label   string
	State   order.State
	Counted bool
}

// Fragment is the live fragment beside a counted tab.
func (t Tab) Fragment() string { return "orders-" + string(t.State) }

// TabOf reads the tab that an address names; false if there is none.
func TabOf(name string) (order.State, bool) {
	for _, t := range Tabs {
		if string(t.State) == name {
			return t.State, true
		}
	}
	return "", false
}

// TabsOf are the tabs above a list of which current is shown. Those of a list that somebody narrowed have its
// own counts. Drafts are not sorted by total.
func TabsOf(l web.List, current order.State, counts map[order.State]readmodel.Sums) (tabs web.Tabs) {
	for _, t := range Tabs {
		tab := web.Tab{Label: t.Label, Href: l.Address("tab", string(t.State)), Current: t.State == current}
		if t.State == order.StateDraft && l.Sort.Name == totalSort {
			tab.Href = l.Address("tab", string(t.State), "sort", "")
		}
		if t.Counted {
			tab.Fragment, tab.Narrowed = t.Fragment(), l.IsNarrowed()
			tab.Count, tab.More = counts[t.State].Count, counts[t.State].More
		}
		tabs = append(tabs, tab)
	}
	return tabs
}
