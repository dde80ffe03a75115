package history

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/web"
)

// CaseKind is what a case is about.
type CaseKind string

// A case is a payment, an order, or all that began with one request.
const (
	OfPayment     CaseKind = "payment"
	OfOrder       CaseKind = "order"
	OfCorrelation CaseKind = "correlation"
)

const (
	// stepsAtMost bounds how many events a case shows, and streamsAtMost of how many streams.
	stepsAtMost   = 500
	streamsAtMost = 50
)

// Case is what happened to things that belong together: an order with the payments for it, or what began with
// one request.
type Case struct {
	Kind    CaseKind
	ID      string
	Threads []Thread // one for each stream, the main one first
	Steps   []Step   // of all streams, by time
	Older   int      // events from before the first step that are left out, or more
	Looked  int      // of a correlation: how many events were looked through, where that is not all

	shown func(Event) []byte
}

// Thread is one stream of a case.
type Thread struct {
	Stream  string
	Events  []Event // in fold order
	Partial bool    // older events are not among them, so that they are not folded
	Payment payment.Payment
	Order   order.Order
	steps   []Step
}

// Step is an event of a case with what it meant.
type Step struct {
	Event
	Text   string // a sentence without its full stop
	Effect bool
	Cause  int // the index of the step whose event caused it; -1 where none of the case did
}

// Case reads a case; ErrNone where nothing is known of it. Shown is an event's data for who looks, as in
// Query: what the events meant is said of that.
func (r *Reader) Case(ctx context.Context, kind CaseKind, id string, shown func(Event) []byte) (c Case, err error) {
	c = Case{Kind: kind, ID: id, shown: shown}
	switch kind {
	case OfPayment:
		err = r.readPaymentCase(ctx, &c)
	case OfOrder:
		err = r.readOrderCase(ctx, &c, id)
	case OfCorrelation:
		err = r.readCorrelation(ctx, &c)
	default:
		return c, ErrNone
	}
	if err != nil {
		return c, err
	}
	c.arrange()
	if len(c.Steps) == 0 {
		return c, ErrNone
	}
	return c, nil
}

// readPaymentCase adds the payment, the order that it is for, and the other payments for that.
func (r *Reader) readPaymentCase(ctx context.Context, c *Case) error {
	if err := r.addThreads(ctx, c, payment.Stream(c.ID)); err != nil {
		return err
	}
	if id := c.Threads[0].Payment.OrderID; id != "" {
		return r.readOrderCase(ctx, c, id)
	}
	return nil
}

// readOrderCase adds an order, and its contractor's payments for it.
func (r *Reader) readOrderCase(ctx context.Context, c *Case, id string) error {
	if err := r.addThreads(ctx, c, order.Stream(id)); err != nil {
		return err
	}
	contractor := c.Threads[len(c.Threads)-1].Order.ContractorID
	ids, err := orderview.PaymentsOf(ctx, r.db.Pool(), id, contractor)
	if err != nil {
		return err
	}
	var streams []string
	for _, id := range ids[max(0, len(ids)-streamsAtMost):] {
		if stream := payment.Stream(id); stream != c.Threads[0].Stream {
			streams = append(streams, stream)
		}
	}
	return r.addThreads(ctx, c, streams...)
}

// readCorrelation adds the events of a correlation, and reads their streams for what they meant.
func (r *Reader) readCorrelation(ctx context.Context, c *Case) error {
	page, err := r.List(ctx, Query{Correlation: c.ID, Limit: stepsAtMost})
	if err != nil {
		return err
	}
	c.Looked = page.Looked
	belongs, streams := map[int64]bool{}, []string{}
	for _, e := range page.Events {
		belongs[e.Position] = true
		if !slices.Contains(streams, e.Stream) && len(streams) < streamsAtMost {
			streams = append(streams, e.Stream)
		}
	}
	slices.Reverse(streams) // the list has the newest first
	if err := r.addThreads(ctx, c, streams...); err != nil {
		return err
	}
	for i := range c.Threads {
		t := &c.Threads[i]
		t.steps = slices.DeleteFunc(t.steps, func(s Step) bool { return !belongs[s.Position] })
	}
	return nil
}

// newestOf are the newest positions of streams, so many of each.
const newestOf = `position = any (array(select e.position from unnest($1::text[]) s
	cross join lateral (select position from journal where stream = s order by version desc limit $2) e))`

// addThreads reads streams, and says in words what their events meant.
func (r *Reader) addThreads(ctx context.Context, c *Case, streams ...string) error {
	events, err := r.journal.ReadWhere(ctx, r.db.Pool(), newestOf, streams, stepsAtMost+1)
	if err != nil {
		return err
	}
	byStream := map[string][]Event{}
	for _, e := range events {
		if c.shown != nil {
			e.Data = c.shown(e)
		}
		byStream[e.Stream] = append(byStream[e.Stream], e)
	}
	for _, stream := range streams {
		c.Threads = append(c.Threads, newThread(stream, byStream[stream]))
	}
	return nil
}

func newThread(stream string, events []Event) Thread {
	sortFolded(events)
	t := Thread{Stream: stream, Events: events}
	if t.Partial = len(events) > stepsAtMost; t.Partial {
		t.Events = events[1:]
	}
	t.read()
	return t
}

// arrange puts the steps of all threads in one order, cuts it, and finds what caused what.
func (c *Case) arrange() {
	threads := make([][]Step, len(c.Threads))
	for i, t := range c.Threads {
		threads[i] = t.steps
		if t.Partial {
			c.Older++
		}
	}
	c.Steps = web.MergeByTime(func(s Step) time.Time { return s.Time }, threads...)
	if more := len(c.Steps) - stepsAtMost; more > 0 {
		c.Steps, c.Older = c.Steps[more:], c.Older+more
	}
	places := make(map[string]int, len(c.Steps))
	for i, s := range c.Steps {
		places[s.ID.String()] = i
	}
	for i, s := range c.Steps {
		c.Steps[i].Cause = -1
		if cause, known := places[s.CausationID]; known && cause != i {
			c.Steps[i].Cause = cause
		}
	}
}

// Name is what people call a stream's aggregate.
func (t Thread) Name() string {
	switch {
	case t.Payment.Reference != "":
		return "Payment " + t.Payment.Reference
	case t.Order.Number != "":
		return "Order " + t.Order.Number
	}
	kind, id, _ := strings.Cut(t.Stream, "-")
	if len(id) > 8 {
		id = id[:8] + "…"
	}
	return strings.ToUpper(kind[:min(1, len(kind))]) + kind[min(1, len(kind)):] + " " + id
}

// Via says who or what brought a step about: a person, a process manager, or a service by itself. cause is
// the event that caused it, nil where the case has none.
func (s Step) Via(cause *Step) string {
	who := s.ActorName
	if who == "" {
		who = s.Actor
	}
	writer := strings.TrimPrefix(s.Source, "/")
	switch {
	case cause == nil && who != "":
		return who + ", in " + asker(s, writer)
	case cause == nil && s.Type == order.TypeExpired:
		return "ordering-core, which watches the time"
	case cause == nil:
		return writer
	}
	_, ofOrder := order.Decode(cause.Type, cause.Data)
	_, ofPayment := payment.Decode(cause.Type, cause.Data)
	switch {
	case s.Source == "/payments-core" && ofOrder == nil:
		return "the process manager of payments-core, which gives back what an order cannot use"
	case s.Source == "/payments-core" && who != "":
		return who + ", by a command to payments-core"
	case s.Source == "/payments-core":
		return "payments-core, with the gateway"
	case s.Source == order.Source && ofPayment == nil:
		return "the process manager of ordering-core, which confirms orders"
	}
	return writer
}

// asker is the app in which somebody did something, where a command to its service says so.
func asker(s Step, writer string) string {
	if caller, _, ok := strings.Cut(s.CausationID, ":"); ok && caller != "" {
		return caller + ", by a command to " + writer
	}
	return writer
}
