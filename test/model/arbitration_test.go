package model

import (
	"fmt"
	"strings"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// What must hold, as the architecture counts it.
const (
	copyIsFold     = "1. a copy equals the fold of the topic's events"
	allAgree       = "1. all agree once the topic is drained"
	oneDecision    = "2. at most one decision per payment, and all agree which"
	moneyAddsUp    = "3. authorized >= captured + released; captured >= refunded"
	onceEach       = "6. every event is in each journal at most once"
	everywhereOnce = "6. every event written is in its topic at least once, and in each journal exactly once"
	ownWriter      = "9. no event counts that its type's writer has not written"
)

// services are three that write about the payment.
var services = [3]string{contractors, managers, payer}

// world is the log of one payment, and the three services that write and receive it.
type world struct {
	log      string
	journals [3]stream
	outbox   [3]string
	wrote    [3]int8
	read     [3]int8 // how far in the log
	again    int8    // published once more, by a relay that has crashed before it noted it, or leads no more
	back     int8    // restarts from a position committed earlier
	forged   int8
}

// arbitration is the model of it. Every event may be late, published twice and received twice.
type arbitration struct {
	writes              [3]int8 // so many events at most
	again, back, forged int8
	// What is mutated, nil where production's is used.
	receive func(received) stream
	fold    func(stream) folded
	// marksFirst takes events off the outbox before they are published.
	marksFirst bool
}

func (a arbitration) machine() Machine[world] {
	if a.receive == nil {
		a.receive = receive
	}
	if a.fold == nil {
		a.fold = fold
	}
	return Machine[world]{Moves: a.moves, Always: []Property[world]{
		{ownWriter, a.writers},
		{onceEach, a.once},
		{copyIsFold, a.copies},
		{oneDecision, a.decisions},
		{moneyAddsUp, a.money},
	}, AtRest: []Property[world]{
		{everywhereOnce, a.everywhere},
		{allAgree, a.agree},
	}}
}

func (a arbitration) moves(w world) (moves []Move[world]) {
	for i, name := range services {
		short := strings.TrimPrefix(name, "/")
		if w.wrote[i] < a.writes[i] {
			for _, act := range actsOf(name, a.fold(w.journals[i]).Payment) {
				to := w
				c := code(name, act.actor, act.body, int(w.wrote[i]))
				to.wrote[i]++
				to.journals[i].pending += one(c)
				to.outbox[i] += one(c)
				moves = append(moves, Move[world]{Does: short + " writes " + act.body.EventType() + " for " + act.actor, To: to})
			}
		}
		if w.outbox[i] != "" {
			to := w
			to.log += w.outbox[i][:1]
			to.outbox[i] = w.outbox[i][1:]
			moves = append(moves, Move[world]{Does: short + " publishes " + words(w.outbox[i][0]), To: to, Own: true})
			if a.marksFirst {
				to := w
				to.outbox[i] = w.outbox[i][1:]
				moves = append(moves, Move[world]{Does: short + " takes " + words(w.outbox[i][0]) + " off its outbox, and crashes", To: to})
			}
		}
		if int(w.read[i]) < len(w.log) {
			to, next := w, w.log[w.read[i]]
			to.read[i]++
			to.journals[i] = a.receive(received{w.journals[i], next})
			moves = append(moves, Move[world]{Does: short + " receives " + words(next), To: to, Own: true})
		}
		if w.back < a.back {
			for back := range w.read[i] {
				to := w
				to.back++
				to.read[i] = back
				moves = append(moves, Move[world]{Does: fmt.Sprintf("%s restarts from offset %d", short, back), To: to})
			}
		}
	}
	if w.again < a.again {
		for i := range len(w.log) {
			to := w
			to.again++
			to.log += w.log[i : i+1]
			moves = append(moves, Move[world]{Does: "a relay that leads no more publishes again " + words(w.log[i]), To: to})
		}
	}
	if w.forged < a.forged {
		to := w
		to.forged++
		to.log += one(code(contractors, "mia", payment.Accepted{}, 0))
		moves = append(moves, Move[world]{Does: "contractor-ui is made to publish an acceptance", To: to})
	}
	return moves
}

type act struct {
	actor string
	body  payment.Body
}

// actsOf is what the people and the rules of a service may want of a payment, as it knows it.
func actsOf(service string, p payment.Payment) (acts []act) {
	add := func(actor string, body payment.Body, err error) {
		if err == nil {
			acts = append(acts, act{actor, body})
		}
	}
	by := func(actor string) event.Meta { return event.Meta{Actor: actor} }
	switch {
	case service == contractors && !p.Exists():
		add("ada", payment.Requested{
			PaymentID: paymentID, ContractorID: "ada", Amount: amount, Description: "Bricks", CaptureMethod: payment.Automatic,
		}, nil)
	case service == contractors:
		body, err := p.Withdraw(by("ada"), "")
		add("ada", body, err)
	case service == managers:
		accepted, err := p.Accept(by("mia"), "")
		add("mia", accepted, err)
		rejected, err := p.Reject(by("tom"), "No.")
		add("tom", rejected, err)
	default:
		if p.Decision == payment.DecisionAccepted && p.Decided.Confirmed {
			reopened, err := p.Reopen(by("mia"), p.Decided.EventID.String())
			add("mia", reopened, err)
			authorized, err := p.Authorize("hold")
			add("", authorized, err)
		}
		captured, err := p.Capture(p.AuthorizedAmount, "capture")
		add("", captured, err)
		cancelled, err := p.Cancel("the order expired")
		add("", cancelled, err)
	}
	return acts
}

func (a arbitration) copies(w world) string {
	log := distinct(w.log)
	for i, name := range services {
		known := len(w.journals[i].confirmed)
		if known > len(log) || a.fold(stream{confirmed: w.journals[i].confirmed}) != fold(stream{confirmed: log[:known]}) {
			return name + " has another payment than the topic as far as it has read it"
		}
	}
	return ""
}

func (a arbitration) decisions(w world) string {
	stands := map[int]string{}
	for i, name := range services {
		f := a.fold(w.journals[i])
		if f.decisions > 1 {
			return name + " has two decisions"
		}
		// Whoever has read as much of the log has the same decision.
		confirmed := a.fold(stream{confirmed: w.journals[i].confirmed})
		if other, is := stands[len(w.journals[i].confirmed)]; is && other != confirmed.stands {
			return name + " has another decision than a service that has read as much"
		}
		stands[len(w.journals[i].confirmed)] = confirmed.stands
	}
	return ""
}

func (a arbitration) money(w world) string {
	for i, name := range services {
		p := a.fold(w.journals[i]).Payment
		if p.AuthorizedAmount.Minor < p.CapturedAmount.Minor+p.ReleasedAmount.Minor || p.CapturedAmount.Minor < p.RefundedAmount.Minor {
			return name + " has more moved than was held"
		}
	}
	return ""
}

func (a arbitration) once(w world) string {
	for i, name := range services {
		if all := w.journals[i].confirmed + w.journals[i].pending; distinct(all) != all {
			return name + " has an event twice"
		}
	}
	return ""
}

func (a arbitration) writers(w world) string {
	for i, name := range services {
		if a.fold(w.journals[i]).othersWord {
			return name + " takes the word of another service"
		}
	}
	return ""
}

func (a arbitration) agree(w world) string {
	want := fold(stream{confirmed: distinct(w.log)})
	for i, name := range services {
		if got := a.fold(w.journals[i]); got != want {
			return fmt.Sprintf("%s has it %s, and the topic %s", name, orNothing(got.Decision), orNothing(want.Decision))
		}
	}
	return ""
}

func orNothing(d payment.Decision) string {
	if d == payment.DecisionNone {
		return "not requested"
	}
	return string(d)
}

func (a arbitration) everywhere(w world) string {
	log := distinct(w.log)
	if wrote := int(w.wrote[0] + w.wrote[1] + w.wrote[2]); len(log) < wrote {
		return fmt.Sprintf("%d events were written, and %d are in the topic", wrote, len(log))
	}
	for i, name := range services {
		if w.journals[i].pending != "" || len(w.journals[i].confirmed) != len(log) {
			return name + " does not have each event of the topic once"
		}
	}
	return ""
}
