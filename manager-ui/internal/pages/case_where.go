package pages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

// caseNext is what is waited for about one thing of a case.
type caseNext struct{ Name, Text string }

// casePlace is one place on the way of a case's newest event: whether it is there, and since when.
type casePlace struct {
	Name  string
	Badge web.Badge
	At    time.Time // zero where nobody knows
	Text  string
}

// addNext says what each payment and order of the case waits for.
func (h *handlers) addNext(ctx context.Context, page *casePage, found history.Case) error {
	var o order.Order
	for _, t := range found.Threads {
		if t.IsOrder() {
			o = t.Order
		}
	}
	for _, t := range found.Threads {
		switch {
		case t.Partial || len(t.Events) == 0:
		case t.IsOrder():
			page.Next = append(page.Next, caseNext{t.Name(), orderview.NextOfOrder(t.Order)})
		case t.IsPayment():
			asked, err := h.events.Asked(ctx, t.Payment.ID)
			if err != nil {
				return err
			}
			its := o
			if its.ID != t.Payment.OrderID {
				its = order.Order{}
			}
			page.Next = append(page.Next, caseNext{t.Name(), orderview.NextOf(t.Payment, its, asked)})
		}
	}
	return nil
}

// addWhere says how far the newest event has come, from who wrote it to the open pages.
func (h *handlers) addWhere(ctx context.Context, page *casePage) error {
	last := page.Steps[len(page.Steps)-1]
	at, err := h.events.Where(ctx, last.Event)
	if err != nil {
		return err
	}
	add := func(name string, is bool, when time.Time, there, not string) {
		p := casePlace{Name: name, Badge: web.Badge{Tone: web.Waiting, Text: "Waits"}, Text: not}
		if is {
			p.Badge, p.Text, p.At = web.Badge{Tone: web.Good, Text: "There"}, there, when
		}
		page.Where = append(page.Where, p)
	}
	add("Written by "+last.Lane.Writer, true, last.Time, last.Via, "")
	published := last.Log > 0 || last.Source != ownSource || !at.InOutbox
	var received time.Time
	if last.Source != ownSource {
		received = last.RecordedAt
	}
	add("Outbox of "+last.Lane.Writer, published, time.Time{}, "Kafka has acknowledged it.", "It waits for the relay, which signs and publishes it.")
	add("Topic", last.Log > 0, time.Time{}, last.Place+": topic, partition and offset.", "It has not come back from its topic.")
	text := "Recorded."
	if behind := at.Next - last.Offset - 1; behind > 0 {
		text = fmt.Sprintf("Recorded, and %s of its partition after it.", locale.Count(behind))
	}
	add("manager-ui’s consumer", last.Log > 0, received, text, "Its consumer has not received it.")
	for _, other := range receivers {
		if other != last.Lane.Writer {
			page.Where = append(page.Where, h.acted(other, last, page.Steps))
		}
	}
	switch {
	case at.InCopy:
		add("Read model", true, last.RecordedAt, "Lists and pages are as of this event.", "")
	case at.Copied:
		add("Read model", false, time.Time{}, "", "Lists are as of an event before it.")
	}
	add("Open pages", !at.Unpushed, time.Time{}, "It was sent to their sockets.", "It waits for the pusher.")
	return nil
}

// partsOf is what a case's page shows, for live updates: each payment and order at the revision of its row.
func (h *handlers) partsOf(ctx context.Context, found history.Case) (string, error) {
	var payments, orders []string
	for _, t := range found.Threads {
		switch {
		case t.IsPayment() && t.Payment.Exists():
			payments = append(payments, t.Payment.ID)
		case t.IsOrder() && t.Order.Exists():
			orders = append(orders, t.Order.ID)
		}
	}
	var parts []string
	rows, err := readmodel.Find(ctx, h.db, payments...)
	for _, row := range rows {
		parts = append(parts, fmt.Sprintf("%s@%d", payment.Stream(row.ID), row.Shown()))
	}
	ordered, errOrders := readmodel.FindOrders(ctx, h.db, orders...)
	for _, row := range ordered {
		parts = append(parts, fmt.Sprintf("%s@%d", order.Stream(row.ID), row.Shown()))
	}
	return strings.Join(parts, " "), errors.Join(err, errOrders)
}

// receivers are the services besides this one that receive payments and orders.
var receivers = []string{"contractor-ui", "payments-core", "ordering-core"}

// acted is what is known of another service: what it wrote because of the event, or since.
func (h *handlers) acted(service string, last caseStep, steps []caseStep) casePlace {
	p := casePlace{Name: service + "’s consumer", Badge: web.Badge{Tone: web.Neutral, Text: "Not known here"}, Text: "It writes events only where it acts on one."}
	wrote := slices.IndexFunc(steps, func(s caseStep) bool {
		return s.Because != nil && s.Because.Position == last.Position && s.Lane.Writer == service
	})
	if wrote >= 0 {
		p.Badge, p.At, p.Text = web.Badge{Tone: web.Good, Text: "There"}, steps[wrote].Time, "It has acted on it."
		return p
	}
	for _, s := range slices.Backward(steps) {
		if s.Because != nil && s.Lane.Writer == service {
			p.Text = fmt.Sprintf("It last acted in step %d, on step %d.", s.Number, s.Because.Number)
			p.At = s.Time
			break
		}
	}
	return p
}

// cause is a step in the tree of causes.
type cause struct {
	Step    *caseStep
	Effects []*cause
}

// deepest is how deep the tree of causes is drawn; what is deeper stands beside its cause.
const deepest = 8

// causes are the steps below what caused them.
func causes(steps []caseStep) (roots []*cause) {
	nodes, depths := make([]*cause, len(steps)), make([]int, len(steps))
	above := make([]*cause, len(steps)) // what a node stands in
	for i := range steps {
		nodes[i] = &cause{Step: &steps[i]}
	}
	for i, s := range steps {
		if s.Because == nil || s.Cause >= i { // by clocks that differ, a cause can seem later
			roots = append(roots, nodes[i])
			continue
		}
		parent := nodes[s.Cause]
		depths[i] = depths[s.Cause] + 1
		if depths[i] > deepest && above[s.Cause] != nil {
			parent, depths[i] = above[s.Cause], depths[s.Cause]
		}
		above[i] = parent
		parent.Effects = append(parent.Effects, nodes[i])
	}
	return roots
}
