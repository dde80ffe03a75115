package operations

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/ordertest"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// TestRulesSettleEveryPayment plays the rules against a gateway that answers at random, with
// managers who command and an order that ends at random, and holds every state to the invariants.
func TestRulesSettleEveryPayment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range 60 {
			w.check(t)
			w.order(t)
			open, is := w.history.Open()
			next, wanted := w.rules.Next(w.payment(), w.history, w.known())
			switch {
			case open.Stuck():
				w.operate(t, open)
			case is:
				w.answer(t, open)
			case w.command(t):
			case wanted:
				if next.At.After(w.now) {
					w.now = next.At
				}
				w.applyRules(t, next)
			case w.confirm():
			default:
				w.check(t)
				w.settled(t)
				return
			}
		}
	})
}

// world is one payment with its operations, in memory.
type world struct {
	rules   Rules
	now     time.Time
	entries []payment.Entry
	history History
	refuse  int                // how often the gateway still refuses what must be done
	ordered *ordertest.History // nil before it has ended, or refused something
	ends    int
}

const (
	paymentID = "0193571c-6f2e-7a4b-9c1d-2e3f4a5b6c7d"
	orderID   = "0193571c-0000-7a4b-9c1d-2e3f4a5b6c7d"
)

func newWorld(t *rapid.T) *world {
	w := &world{
		rules:  Rules{RetryDelays: []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}},
		now:    time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		refuse: rapid.IntRange(0, 5).Draw(t, "refusals"),
	}
	method := rapid.SampledFrom([]payment.CaptureMethod{payment.Automatic, payment.Manual}).Draw(t, "capture")
	w.append(payment.Requested{
		PaymentID: paymentID, ContractorID: "ada", Amount: money.Amount{Minor: 1000, Currency: "EUR"},
		Description: "A fence", CaptureMethod: method, OrderID: rapid.SampledFrom([]string{"", orderID}).Draw(t, "order"),
	}, "ada")
	switch rapid.SampledFrom([]string{"accepted", "accepted", "accepted", "rejected", "withdrawn", "pending"}).Draw(t, "decision") {
	case "accepted":
		w.append(payment.Accepted{}, "mia")
	case "pending":
		w.append(payment.Accepted{}, "mia")
		w.entries[len(w.entries)-1].Confirmed = false
	case "rejected":
		w.append(payment.Rejected{Reason: "no"}, "mia")
	case "withdrawn":
		w.append(payment.Withdrawn{}, "ada")
	}
	return w
}

func (w *world) append(b payment.Body, actor string) {
	e := payment.New(payment.Writer(b.EventType()), paymentID, b)
	e.Time, e.Meta = w.now, event.Meta{Actor: actor}
	w.entries = append(w.entries, payment.Entry{Event: e, Confirmed: true})
}

func (w *world) payment() payment.Payment {
	p, _ := payment.Fold(w.entries)
	return p
}

// order ends, or refuses the payment, now and then.
func (w *world) order(t *rapid.T) {
	happens := rapid.SampledFrom([]string{
		"", "", "", "", "", "", "order_expired", "order_cancelled", "order_payment_refused", "order_paid", "order_paid by another",
	}).Draw(t, "order")
	if happens == "" || w.payment().OrderID == "" {
		return
	}
	if w.ordered == nil {
		w.ordered = ordertest.Submitted(orderID, money.Amount{Minor: 1000, Currency: "EUR"})
	}
	w.ends++
	w.ordered.Append(event.Meta{}, map[string]order.Body{
		"order_expired":         order.Expired{Reason: "so it is"},
		"order_cancelled":       order.Cancelled{Reason: "so it is", By: order.ByManager},
		"order_payment_refused": order.PaymentRefused{PaymentID: paymentID, Reason: "so it is"},
		"order_paid":            order.Paid{PaymentID: paymentID},
		"order_paid by another": order.Paid{PaymentID: orderID},
	}[happens])
}

func (w *world) known() releasing.Order {
	if w.payment().OrderID == "" {
		return releasing.Order{}
	}
	if w.ordered == nil {
		return releasing.Fold(orderID, nil)
	}
	return releasing.Fold(orderID, w.ordered.Entries)
}

// confirm has the log confirm what is pending; false if nothing is.
func (w *world) confirm() (did bool) {
	for i := range w.entries {
		did = did || !w.entries[i].Confirmed
		w.entries[i].Confirmed = true
	}
	return did
}

func (w *world) applyRules(t *rapid.T, next Next) {
	if !next.Cancel {
		w.open(next.Kind, next.Reason)
		return
	}
	body, err := w.payment().Cancel(next.Reason)
	if err != nil || next.Reason == "" {
		t.Fatalf("cancel with reason %q: %v", next.Reason, err)
	}
	w.append(body, "")
}

func (w *world) open(kind payment.OperationKind, reason string) {
	o := NewOperation(w.payment(), w.history, kind, reason, event.Meta{})
	o.ID = int64(len(w.history) + 1)
	w.history = append(w.history, o)
}

// command has a manager capture or release, now and then.
func (w *world) command(t *rapid.T) bool {
	p := w.payment()
	switch rapid.SampledFrom([]string{"", "", "capture", "release"}).Draw(t, "command") {
	case "capture":
		if p.CanCapture() == nil && p.CaptureMethod == payment.Manual && captureRefused(w.history) == "" {
			w.open(payment.Capture, "")
			return true
		}
	case "release":
		if p.CanRelease() == nil {
			w.open(payment.Release, "the job is off")
			return true
		}
	}
	return false
}

// answer closes the open operation as the gateway says.
func (w *world) answer(t *rapid.T, open Operation) {
	result := gateway.Result{Reference: "hold-1", ExpiresAt: w.now.Add(time.Hour)}
	if rapid.Bool().Draw(t, "refused") && (open.Kind == payment.Authorize || w.refuse > 0) {
		w.refuse--
		code := rapid.SampledFrom([]string{gateway.InsufficientFunds, gateway.CaptureRefused, gateway.HoldExpired}).Draw(t, "code")
		result = gateway.Result{Refusal: &gateway.Refusal{Code: code, Final: rapid.Bool().Draw(t, "final")}}
	}
	done := OutcomeOf(w.payment(), w.known(), open, result)
	if rapid.IntRange(0, 9).Draw(t, "key of another request") == 0 {
		done = stuckBy(w.payment(), open, "the gateway knows the key of another request")
	}
	if done.Err != nil {
		t.Fatalf("the payment cannot take the outcome: %v", done.Err)
	}
	if done.Again && result.Refusal.Final {
		t.Fatalf("%s was refused for good, and is asked again", open.Kind)
	}
	w.conclude(open, done)
}

// operate has an operator retry what is stuck, or say how it came out.
func (w *world) operate(t *rapid.T, stuck Operation) {
	if w.payment().Stuck != stuck.Kind || w.payment().StuckReason == "" {
		t.Fatalf("%s is stuck, and the payment says %q because %q", stuck.Kind, w.payment().Stuck, w.payment().StuckReason)
	}
	stuck.Handled = Handling{By: "Olga", Why: "by bank transfer"}
	done := RetryOf(w.payment(), w.known(), stuck)
	if done.Again && w.known().Refuses(paymentID) && (stuck.Kind == payment.Authorize || stuck.Kind == payment.Capture) {
		t.Fatalf("%s is asked again, and the order cannot use the payment", stuck.Kind)
	}
	if rapid.Bool().Draw(t, "settles") {
		done = SettlementOf(w.payment(), stuck, Settlement{Succeeded: true, Reference: "by hand"})
	}
	if done.Err != nil {
		t.Fatalf("an operator cannot handle it: %v", done.Err)
	}
	w.conclude(stuck, done)
}

func (w *world) conclude(open Operation, done Outcome) {
	if done.Operation.State == Open {
		done.Operation.StuckAt = w.now
	}
	w.history[open.ID-1] = done.Operation
	if done.Body != nil {
		w.append(done.Body, "")
	}
	if done.Again {
		w.open(open.Kind, open.Reason)
	}
}

func (w *world) check(t *rapid.T) {
	open := 0
	succeeded, keys := map[payment.OperationKind]int{}, map[string]bool{}
	refused := map[payment.OperationKind]int{}
	for _, o := range w.history {
		if o.N != refused[o.Kind]+1 {
			t.Fatalf("%s has n = %d after %d refusals", o.Kind, o.N, refused[o.Kind])
		}
		key := string(o.Kind) + ":" + string(rune('0'+o.N))
		if keys[key] {
			t.Fatalf("key %s is there twice", key)
		}
		keys[key] = true
		switch o.State {
		case Open:
			open++
		case Succeeded:
			succeeded[o.Kind]++
		case Failed:
			refused[o.Kind]++
		}
	}
	if open > 1 {
		t.Fatalf("%d operations are open", open)
	}
	for kind, n := range succeeded {
		if n > 1 {
			t.Fatalf("%s succeeded %d times", kind, n)
		}
	}
	if w.known().PaidBy == paymentID && succeeded[payment.Refund] > 0 && w.ends == 1 {
		t.Fatal("what has paid the order was refunded")
	}
	if succeeded[payment.Capture] > 0 && succeeded[payment.Release] > 0 {
		t.Fatal("captured and released")
	}
	p, steps := payment.Fold(w.entries)
	for _, step := range steps {
		if !step.Effect {
			t.Fatalf("an event of ours has no effect: %s", paymentview.StepText(step))
		}
	}
	if len(w.history) > 0 && !p.Decided.Confirmed {
		t.Fatal("the gateway was asked without a confirmed acceptance")
	}
}

// settled says what must be true when nothing more is wanted.
func (w *world) settled(t *rapid.T) {
	p := w.payment()
	_, ended := p.Ended()
	if w.known().Refuses(p.ID) && !ended {
		t.Fatalf("the order cannot use the payment, which is left %s, %q", p.Decision, p.Money)
	}
	if hold, held := w.history.Succeeded(payment.Authorize); held && hold.HoldExpiresAt.IsZero() && p.Money == payment.MoneyAuthorized {
		return // an operator has settled it, and nobody knows when it lapses: it waits for a person
	}
	if p.Decision == payment.DecisionAccepted && !ended && p.Money != payment.MoneyCaptured {
		t.Fatalf("an accepted payment is left %q", p.Money)
	}
}

func TestAKeyIsNotUsedAgainWhereTheFirstOperationsAreUnknown(t *testing.T) {
	history := History{{Kind: payment.Authorize, N: 2, State: Failed}}
	if o := NewOperation(payment.Payment{}, history, payment.Authorize, "", event.Meta{}); o.N != 3 {
		t.Errorf("after the second refusal comes number %d", o.N)
	}
}

func TestWaitsGrow(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		1: time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 24: 30 * time.Second, 25: time.Minute, 30: 32 * time.Minute, 31: time.Hour, 10_000: time.Hour,
	} {
		if got := Backoff(attempts); got != want {
			t.Errorf("after %d attempts without an answer: %s, not %s", attempts, got, want)
		}
	}
	for refusals, want := range map[int]time.Duration{1: time.Second, 3: 4 * time.Second, 14: 8192 * time.Second, 15: 4 * time.Hour, 10_000: 4 * time.Hour} {
		refused := gateway.Result{Refusal: &gateway.Refusal{Code: "not_now", Reason: "not now"}}
		done := OutcomeOf(payment.Payment{}, releasing.Order{}, Operation{Kind: payment.Refund, N: refusals}, refused)
		if done.Err != nil || !done.Again || done.Wait != want {
			t.Errorf("after %d refusals that are not for good: %+v, not %s", refusals, done, want)
		}
	}
}
