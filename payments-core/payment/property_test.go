package payment_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
)

// writer is a service as far as one payment goes: its journal of the payment's stream, what
// of it is not published yet, and how far it has read the log.
type writer struct {
	name      string
	journal   []held
	outbox    []event.Event
	offset    int
	confirmed int // how many of the journal's events have a place in the log
}

type held struct {
	event.Event
	log int // 0 while pending
}

// entries is the journal in fold order: by log, then pending ones as they were written.
func (w *writer) entries() []payment.Entry {
	ordered := make([]payment.Entry, w.confirmed, len(w.journal))
	for _, h := range w.journal {
		if h.log > 0 {
			ordered[h.log-1] = payment.Entry{Event: h.Event, Confirmed: true}
		} else {
			ordered = append(ordered, payment.Entry{Event: h.Event})
		}
	}
	return ordered
}

func (w *writer) write(who event.Meta, body payment.Body) {
	e := payment.New(w.name, paymentID, body)
	e.Meta, e.Time = who, noon.Add(time.Duration(len(w.journal))*time.Second)
	w.journal, w.outbox = append(w.journal, held{Event: e}), append(w.outbox, e)
}

// receive records what the log holds next, once.
func (w *writer) receive(e event.Event) {
	for i := range w.journal {
		if w.journal[i].ID == e.ID {
			if w.journal[i].log == 0 {
				w.confirmed++
				w.journal[i].log = w.confirmed
			}
			return
		}
	}
	w.confirmed++
	w.journal = append(w.journal, held{e, w.confirmed})
}

// Three services write about one payment, each by what it knows at the time, or nonsense;
// their events reach the log late, several times, and are received late and again. In the end
// all agree, and at no time does anyone's payment break a rule.
func TestThreeWritersAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		writers := []*writer{{name: "/contractor-ui"}, {name: "/manager-ui"}, {name: "/payments-core"}}
		var log []event.Event
		publish := func(w *writer, acknowledged bool) {
			if len(w.outbox) > 0 {
				log = append(log, w.outbox[0])
				if acknowledged {
					w.outbox = w.outbox[1:]
				}
			}
		}
		receive := func(w *writer) {
			if w.offset < len(log) {
				w.receive(log[w.offset])
				w.offset++
			}
		}
		for range rapid.IntRange(5, 60).Draw(t, "moves") {
			w := rapid.SampledFrom(writers).Draw(t, "writer")
			switch rapid.SampledFrom([]string{"act", "nonsense", "publish", "crash", "receive", "receive", "restart"}).Draw(t, "move") {
			case "act":
				act(t, w)
			case "nonsense":
				who := rapid.SampledFrom([]event.Meta{ada, jon, mia, tom, nobody}).Draw(t, "who")
				w.write(who, rapid.SampledFrom(anything).Draw(t, "body"))
			case "publish":
				publish(w, true)
			case "crash": // between publishing and noting it
				publish(w, false)
			case "receive":
				receive(w)
			case "restart": // from an offset committed earlier
				w.offset = rapid.IntRange(0, w.offset).Draw(t, "offset")
			}
			check(t, w.entries())
		}
		for _, w := range writers {
			for len(w.outbox) > 0 {
				publish(w, true)
			}
		}
		first := payment.Payment{}
		for i, w := range writers {
			for w.offset < len(log) {
				receive(w)
			}
			check(t, w.entries())
			p, _ := payment.Fold(w.entries())
			if p.Pending {
				t.Fatalf("%s: still pending when all is received", w.name)
			}
			if i == 0 {
				first = p
			} else if p != first {
				t.Fatalf("%s: %+v\n%s: %+v", writers[0].name, first, w.name, p)
			}
		}
	})
}

// act does what the service's people, or the gateway, would do with what it sees.
func act(t *rapid.T, w *writer) {
	p, _ := payment.Fold(w.entries())
	manager := rapid.SampledFrom([]event.Meta{mia, tom}).Draw(t, "manager")
	yes := rapid.Bool().Draw(t, "yes")
	switch {
	case w.name == "/contractor-ui" && !p.Exists():
		body := request()
		if yes {
			body.CaptureMethod = payment.Manual
		}
		attempt(w, ada, body, nil)
	case w.name == "/contractor-ui":
		body, err := p.Withdraw(ada, "")
		attempt(w, ada, body, err)
	case w.name == "/manager-ui" && yes:
		body, err := p.Accept(manager, "")
		attempt(w, manager, body, err)
	case w.name == "/manager-ui":
		body, err := p.Reject(manager, "no")
		attempt(w, manager, body, err)
	default:
		actOfTheCore(t, w, p, manager, yes)
	}
}

func actOfTheCore(t *rapid.T, w *writer, p payment.Payment, manager event.Meta, yes bool) {
	switch step, _ := p.NextStep(); {
	case p.Decision == payment.DecisionAccepted && rapid.Bool().Draw(t, "undo"):
		body, err := p.Reopen(manager, p.Decided.EventID.String())
		attempt(w, manager, body, err)
	case step == payment.Authorize && yes:
		body, err := p.Authorize("auth")
		attempt(w, nobody, body, err)
	case step == payment.Authorize:
		body, err := p.Decline("no_funds", "", rapid.Bool().Draw(t, "final"))
		attempt(w, nobody, body, err)
	case p.Money == payment.MoneyAuthorized && yes:
		body, err := p.Capture(p.Amount, "cap")
		attempt(w, manager, body, err)
	case p.Money == payment.MoneyAuthorized:
		body, err := p.Release("")
		attempt(w, manager, body, err)
	case p.Money == payment.MoneyCaptured:
		body, err := p.Refund("", "ref")
		attempt(w, nobody, body, err)
	default:
		body, err := p.Cancel("the order expired")
		attempt(w, nobody, body, err)
	}
}

func attempt(w *writer, who event.Meta, body payment.Body, err error) {
	if err == nil {
		w.write(who, body)
	}
}

// anything is one body of each type, and some that the rules refuse for their content.
var anything = []payment.Body{
	request(), payment.Withdrawn{}, payment.Rejected{Reason: "no"}, payment.Accepted{}, payment.Reopened{AcceptanceID: otherID},
	payment.Authorized{GatewayReference: "a"}, payment.Declined{Code: "c"}, payment.Declined{Code: "c", Final: true},
	payment.Captured{Amount: eur(125000), GatewayReference: "c"}, payment.Captured{Amount: eur(1), GatewayReference: "c"},
	payment.Captured{Amount: eur(125001), GatewayReference: "c"}, payment.Released{},
	payment.Refunded{GatewayReference: "r"}, payment.Cancelled{},
	payment.Stuck{Operation: payment.Refund, Reason: "no"}, payment.Stuck{Operation: payment.Authorize, Reason: "no"},
}

// check holds a fold, step by step, against what must always hold for a payment.
func check(t *rapid.T, entries []payment.Entry) {
	_, steps := payment.Fold(entries)
	decisions, before := 0, payment.Payment{}
	for _, step := range steps {
		p := step.Payment
		if step.Effect == (step.Refusal != nil) || step.Effect == (p == before) {
			t.Fatalf("effect %v, refusal %v, changed %v", step.Effect, step.Refusal, p != before)
		}
		if _, ended := before.Ended(); ended && p != before {
			t.Fatalf("%s changed a payment that had ended", step.Entry.Type)
		}
		switch step.Body.(type) {
		case payment.Accepted, payment.Rejected, payment.Reopened:
			if by := step.Entry.Actor; step.Effect && (by == "" || by == p.ContractorID) {
				t.Fatalf("%q has decided on a payment of %s", by, p.ContractorID)
			}
		}
		switch step.Body.(type) {
		case payment.Accepted, payment.Rejected, payment.Withdrawn:
			if step.Effect {
				decisions++
			}
		case payment.Reopened:
			if step.Effect {
				decisions--
			}
		}
		if decisions > 1 {
			t.Fatal("two decisions stand")
		}
		for _, amount := range []string{p.AuthorizedAmount.Currency, p.CapturedAmount.Currency, p.ReleasedAmount.Currency, p.RefundedAmount.Currency} {
			if amount != p.Amount.Currency {
				t.Fatalf("currency %q in a payment of %q", amount, p.Amount.Currency)
			}
		}
		if p.AuthorizedAmount.Minor < p.CapturedAmount.Minor+p.ReleasedAmount.Minor ||
			p.CapturedAmount.Minor < p.RefundedAmount.Minor || p.AuthorizedAmount.Minor > p.Amount.Minor {
			t.Fatalf("amounts: %+v", p)
		}
		if paymentview.StepText(step) == "" {
			t.Fatalf("no words for %s", step.Entry.Type)
		}
		before = p
	}
}

// Nobody decides on what they asked for: whoever commands whatever, in any order, no command of the one to be
// paid becomes a decision or moves money, and every other person's is judged by the state alone.
func TestNobodyDecidesOnWhatTheyAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{}
		asks := request()
		asks.ContractorID = rapid.SampledFrom([]event.Meta{ada, jon, mia, tom}).Draw(t, "to be paid").Actor
		asks.CaptureMethod = payment.Manual
		w.name = "/contractor-ui"
		w.write(event.Meta{Actor: asks.ContractorID}, asks)
		for range rapid.IntRange(1, 30).Draw(t, "commands") {
			p, _ := payment.Fold(w.entries())
			who := rapid.SampledFrom([]event.Meta{ada, jon, mia, tom, nobody}).Draw(t, "who")
			w.name = "/manager-ui"
			var body payment.Body
			var err error
			switch command := rapid.SampledFrom([]string{"accept", "reject", "reopen", "capture", "release", "authorize"}).Draw(t, "command"); command {
			case "accept":
				body, err = p.Accept(who, "")
			case "reject":
				body, err = p.Reject(who, "no")
			case "reopen":
				w.name = "/payments-core"
				body, err = p.Reopen(who, p.Decided.EventID.String())
			case "authorize": // by itself
				w.name = "/payments-core"
				if body, err = p.Authorize("auth"); err == nil {
					w.write(nobody, body)
				}
				continue
			default:
				if err := p.MayMove(payment.OperationKind(command), who.Actor); (err == nil) != (who.Actor != asks.ContractorID) {
					t.Fatalf("%s by %q, for %q: %v", command, who.Actor, asks.ContractorID, err)
				}
				continue
			}
			if err == nil && (who.Actor == "" || who.Actor == asks.ContractorID) {
				t.Fatalf("%q may write %s about a payment of their own", who.Actor, body.EventType())
			}
			// An app that wrote it anyway changes nothing.
			if err != nil {
				body = rapid.SampledFrom([]payment.Body{payment.Accepted{}, payment.Rejected{Reason: "no"}}).Draw(t, "anyway")
				w.name = "/manager-ui"
			}
			w.write(who, body)
			check(t, w.entries())
		}
	})
}

// The rules of the money need no honest writers: any sequence of events keeps them.
func TestAnySequenceKeepsTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []payment.Entry
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			body := rapid.SampledFrom(anything).Draw(t, "body")
			writer := payment.Writer(body.EventType())
			e := payment.New(rapid.SampledFrom([]string{writer, writer, writer, "/contractor-ui", "/evil"}).Draw(t, "source"), paymentID, body)
			e.Meta = rapid.SampledFrom([]event.Meta{ada, mia, tom, nobody}).Draw(t, "who")
			e.ID, e.Time = uuid.New(), noon.Add(time.Duration(len(entries))*time.Second)
			entries = append(entries, payment.Entry{Event: e, Confirmed: true})
		}
		check(t, entries)
	})
}
