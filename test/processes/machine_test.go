// Package processes plays both cores' process managers against each other, in memory: random people, a random
// gateway, and every order of arrival. What must always hold is in check_test.go.
package processes

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	orderingtest "countersign.example/ordering-core/coretest"
	"countersign.example/ordering-core/order"
	paymentstest "countersign.example/payments-core/coretest"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// consumer is a core, with what it has written and not published, and how far it has received each key.
type consumer struct {
	name    string
	receive func(event.Event)
	written func() []event.Event
	outbox  []event.Event
	cursor  map[string]int
}

// world is both cores and what is between them.
type world struct {
	ordering *orderingtest.Core
	core     *paymentstest.Core
	cores    []*consumer
	log      map[string][]event.Event // by key: all that a topic promises
	keys     []string                 // of the log, in order of appearance
	orders   []string
	payments []string
	total    map[string]money.Amount // of each payment, as requested
	refusals int                     // of refunds and releases, before the gateway gives in
}

var (
	contractors = []string{"ada", "jon"}
	apple       = order.Product{ID: id(1), SKU: "A-1", Name: "Apple", Price: money.Amount{Minor: 5_00, Currency: "EUR"}}
)

// id is made up, but the same in every run.
func id(n int) string { return fmt.Sprintf("0193571c-0000-7000-8000-%012d", n) }

func newWorld() *world {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	w := &world{ordering: orderingtest.New(now), core: paymentstest.New(now), log: map[string][]event.Event{}, total: map[string]money.Amount{}, refusals: 3}
	w.cores = []*consumer{
		{name: "ordering-core", receive: w.ordering.Receive, written: w.ordering.Outbox, cursor: map[string]int{}},
		{name: "payments-core", receive: w.core.Receive, written: w.core.Outbox, cursor: map[string]int{}},
	}
	return w
}

func TestEveryOrderOfArrivalEndsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.core.Rules.Grace = rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t, "grace")
		t.Repeat(map[string]func(*rapid.T){
			"order":          w.order,
			"end an order":   w.endOrder,
			"request":        w.request,
			"decide":         w.decide,
			"undo":           w.undo,
			"time":           func(*rapid.T) { w.core.Wait() },
			"publish":        w.publish,
			"deliver":        w.deliver,
			"deliver many":   w.deliverMany,
			"deliver again":  w.deliverAgain,
			"gateway":        w.answer,
			"operator":       w.operate,
			"manager's hand": w.command,
			"forge":          w.forge,
			"":               w.check,
		})
		w.drain(t)
		w.check(t)
		w.checkDrained(t)
	})
}

// order drafts an order, and mostly submits it. There are few, so that much happens to each.
func (w *world) order(t *rapid.T) {
	if len(w.orders) > 2 {
		t.Skip("orders enough")
	}
	id := id(1000 + len(w.orders))
	contractor := rapid.SampledFrom(contractors).Draw(t, "contractor")
	w.orders = append(w.orders, id)
	w.ordering.Do(id, contractor, func(order.Order) (order.Body, error) { return order.Draft(id, contractor), nil })
	w.ordering.Do(id, contractor, func(o order.Order) (order.Body, error) { return o.Add(apple, 2) })
	w.ordering.Do(id, contractor, func(o order.Order) (order.Body, error) { return o.ChooseCustomer(apple.ID, "Meyer", false) })
	if rapid.IntRange(0, 4).Draw(t, "submits") > 0 {
		w.ordering.Do(id, contractor, w.submission(len(w.orders)))
	}
}

func (w *world) submission(number int) func(order.Order) (order.Body, error) {
	return func(o order.Order) (order.Body, error) {
		return o.Submit(order.Submission{Sequence: o.Sequence, Total: o.Total, Current: map[string]order.Product{apple.ID: apple},
			Number: fmt.Sprintf("2026/11/%06d", number), ExpiresAt: w.ordering.Now.Add(24 * time.Hour)})
	}
}

func (w *world) endOrder(t *rapid.T) {
	if len(w.orders) == 0 {
		t.Skip("no orders")
	}
	n := rapid.IntRange(0, len(w.orders)-1).Draw(t, "order")
	switch rapid.IntRange(0, 2).Draw(t, "end") {
	case 0:
		w.ordering.Do(w.orders[n], "", func(o order.Order) (order.Body, error) { return o.Expire("not paid in time") })
	case 1:
		w.ordering.Do(w.orders[n], "mia", func(o order.Order) (order.Body, error) { return o.Cancel("no longer wanted", "manager") })
	default: // a draft goes on
		w.ordering.Do(w.orders[n], "ada", w.submission(n+1))
	}
}

// request asks for a payment: of an order, of one that there is not (yet), by somebody else, of another
// amount.
func (w *world) request(t *rapid.T) {
	orderID := id(1000 + rapid.IntRange(0, len(w.orders)).Draw(t, "order"))
	b := payment.Requested{
		PaymentID: w.fresh(), OrderID: orderID, Description: "Order", Amount: money.Amount{Minor: 10_00, Currency: "EUR"},
		ContractorID:  w.ordering.Order(orderID).ContractorID,
		CaptureMethod: rapid.SampledFrom([]payment.CaptureMethod{payment.Automatic, payment.Automatic, payment.Manual}).Draw(t, "capture"),
	}
	odd := rapid.IntRange(0, 9).Draw(t, "odd")
	switch odd {
	case 0:
		b.Amount.Minor = 9_00
	case 1:
		b.Amount.Currency = "USD"
	}
	if odd == 2 || b.ContractorID == "" {
		b.ContractorID = "eve"
	}
	w.payments = append(w.payments, b.PaymentID)
	w.total[b.PaymentID] = b.Amount
	w.write("/contractor-ui", b.ContractorID, b.PaymentID, b)
	if rapid.Bool().Draw(t, "accepted at once") {
		w.write("/manager-ui", "mia", b.PaymentID, payment.Accepted{})
	}
}

// fresh is the id of a payment that nobody has asked for, in whoever's name.
func (w *world) fresh() string {
	n := 2000
	for slices.Contains(w.payments, id(n)) {
		n++
	}
	return id(n)
}

// decide writes what a web app might, which may be too late.
func (w *world) decide(t *rapid.T) {
	id := w.some(t)
	contractor := w.payment(t, id).ContractorID
	switch rapid.IntRange(0, 5).Draw(t, "decision") {
	case 0:
		w.write("/contractor-ui", contractor, id, payment.Withdrawn{})
	case 1:
		w.write("/manager-ui", "mia", id, payment.Rejected{Reason: "no"})
	default:
		w.write("/manager-ui", "mia", id, payment.Accepted{})
	}
}

// undo takes an acceptance back, or comes too late for it.
func (w *world) undo(t *rapid.T) { w.core.Reopen(w.some(t), "mia") }

func (w *world) write(source, actor, id string, b payment.Body) {
	e := payment.New(source, id, b)
	e.Time, e.Meta = w.core.Now, event.Meta{Actor: actor}
	w.append(e)
}

func (w *world) append(e event.Event) {
	if len(w.log[e.Subject]) == 0 {
		w.keys = append(w.keys, e.Subject)
	}
	w.log[e.Subject] = append(w.log[e.Subject], e)
}

func (w *world) some(t *rapid.T) string {
	if len(w.payments) == 0 {
		t.Skip("no payments")
	}
	return rapid.SampledFrom(w.payments).Draw(t, "payment")
}

// publish is a relay's turn.
func (w *world) publish(t *rapid.T) {
	c := rapid.SampledFrom(w.cores).Draw(t, "core")
	if !w.relay(c) {
		t.Skip("nothing to publish")
	}
}

func (w *world) relay(c *consumer) bool {
	c.outbox = append(c.outbox, c.written()...)
	if len(c.outbox) == 0 {
		return false
	}
	w.append(c.outbox[0])
	c.outbox = c.outbox[1:]
	return true
}

// deliver has a core receive the next event of a key: within one the order is the log's, among them it is
// any.
func (w *world) deliver(t *rapid.T) {
	if !w.deliverOne(t) {
		t.Skip("everything received")
	}
}

func (w *world) deliverOne(t *rapid.T) bool {
	c := rapid.SampledFrom(w.cores).Draw(t, "core")
	behind := w.behind(c)
	if len(behind) == 0 {
		return false
	}
	key := rapid.SampledFrom(behind).Draw(t, "key")
	c.receive(w.log[key][c.cursor[key]])
	c.cursor[key]++
	return true
}

// behind are the keys of which a core has more to receive.
func (w *world) behind(c *consumer) (keys []string) {
	for _, key := range w.keys {
		if c.cursor[key] < len(w.log[key]) {
			keys = append(keys, key)
		}
	}
	return keys
}

// deliverMany is what a busy consumer does.
func (w *world) deliverMany(t *rapid.T) {
	for range rapid.IntRange(2, 20).Draw(t, "many") {
		w.relay(rapid.SampledFrom(w.cores).Draw(t, "relay"))
		w.deliverOne(t)
	}
}

// deliverAgain has a core receive what it has received before, as after a rebalance.
func (w *world) deliverAgain(t *rapid.T) {
	c := rapid.SampledFrom(w.cores).Draw(t, "core")
	for _, key := range w.keys {
		for _, e := range w.log[key][:c.cursor[key]] {
			c.receive(e)
		}
	}
}

// answer has the gateway answer.
func (w *world) answer(t *rapid.T) {
	var asked []string
	for _, id := range w.payments {
		if w.core.Asked(id) != payment.NoOperation {
			asked = append(asked, id)
		}
	}
	if len(asked) == 0 {
		t.Skip("nothing asked")
	}
	w.reply(t, rapid.SampledFrom(asked).Draw(t, "asked"))
}

// operate has an operator look at what is stuck.
func (w *world) operate(t *rapid.T) {
	var stuck []string
	for _, id := range w.payments {
		if w.core.Stuck(id) {
			stuck = append(stuck, id)
		}
	}
	if len(stuck) == 0 {
		t.Skip("nothing is stuck")
	}
	w.handle(t, rapid.SampledFrom(stuck).Draw(t, "stuck"))
}

func (w *world) handle(t *rapid.T, id string) {
	if rapid.Bool().Draw(t, "retries") {
		w.core.Retry(id)
	} else {
		w.core.Settle(id)
	}
}

func (w *world) reply(t *rapid.T, id string) {
	result := gateway.Result{Reference: "hold", ExpiresAt: w.core.Now.Add(time.Hour)}
	refuses := rapid.IntRange(0, 3).Draw(t, "refuses") == 0
	var codes []string
	switch w.core.Asked(id) {
	case payment.Authorize:
		codes = []string{gateway.InsufficientFunds, gateway.DoNotHonor}
	case payment.Capture:
		codes = []string{gateway.CaptureRefused, gateway.AmountTooLarge}
	default:
		codes = []string{gateway.RefundRefused}
		refuses = refuses && w.refusals > 0
		w.refusals--
	}
	if refuses {
		code := rapid.SampledFrom(codes).Draw(t, "code")
		result = gateway.Result{Refusal: &gateway.Refusal{Code: code, Final: code != gateway.InsufficientFunds && rapid.Bool().Draw(t, "final")}}
	}
	w.core.Answer(id, result)
}

func (w *world) command(t *rapid.T) {
	w.core.Command(w.some(t), rapid.SampledFrom([]payment.OperationKind{payment.Capture, payment.Release}).Draw(t, "command"))
}

// drain lets everything come to rest.
func (w *world) drain(t *rapid.T) {
	for range 10_000 {
		busy := w.exchange(w.cores...)
		for _, id := range w.payments {
			if w.core.Asked(id) != payment.NoOperation {
				w.reply(t, id)
				busy = true
			}
			if w.core.Stuck(id) {
				w.handle(t, id)
				busy = true
			}
		}
		if !busy && !w.core.Wait() {
			return
		}
	}
	t.Fatal("it never comes to rest")
}

// exchange has both cores publish what they have written, and consumers receive all of it. It reports whether
// there was any.
func (w *world) exchange(consumers ...*consumer) (busy bool) {
	for _, c := range w.cores {
		for w.relay(c) {
			busy = true
		}
	}
	for _, c := range consumers {
		for _, key := range w.keys {
			for ; c.cursor[key] < len(w.log[key]); c.cursor[key]++ {
				c.receive(w.log[key][c.cursor[key]])
				busy = true
			}
		}
	}
	return busy
}
