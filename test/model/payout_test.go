package model

import (
	"slices"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/ordertest"
	"countersign.example/payments-core/coretest"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// call is a worker's, of one operation.
type call struct {
	operation int8 // from 1 on; 0 is no call
	answer    answer
}

// paid is payments-core with one payment, and the gateway.
type paid struct {
	log        string
	read       int8
	journal    stream
	outbox     string
	order      int8 // 0 lives, 1 has ended, 2 and payments-core knows
	operations operations
	calls      [2]call
	late       int8 // the operation whose request is still under way, though its caller has given up
	bank       bank
	faults     int8
	people     int8
	wrote      int8
	broken     string // what the rules could not do
}

// payout is the model of it: the decisions about a payment come and change, its order ends, and nobody knows
// what became of a call.
type payout struct {
	manual, forOrder bool
	// decisions are what others write to the topic, in this order, at any time: mia or tom accepts (a, t), tom
	// rejects (r), ada withdraws (w).
	decisions string
	// So many faults at most: an answer is lost, a request late, a refusal, a worker taken for dead, a hold that
	// lapses, a day without an answer; and so many times people act: an undo, a command, an operator.
	faults, people int8
	// What is mutated.
	newKeys, neverLooks, undoBlind, recordsBlind, looksOnce bool
	lostFails                                               string // kinds whose time-out counts as a refusal
}

var rules = coretest.Rules{Grace: 10_000_000_000}

// orders are the payment's order while it lives, and after it has expired.
var orders = func() (o [2]coretest.Order) {
	h := ordertest.Submitted(orderID, amount)
	o[0] = coretest.FoldOrder(orderID, h.Entries)
	h.Append(event.Meta{}, order.Expired{Reason: "not paid in time"})
	o[1] = coretest.FoldOrder(orderID, h.Entries)
	return o
}()

func (m payout) machine() Machine[paid] {
	start := paid{bank: bank{hold: '-'}}
	request := payment.Requested{
		PaymentID: paymentID, ContractorID: "ada", Amount: amount, Description: "Bricks", CaptureMethod: payment.Automatic,
	}
	if m.manual {
		request.CaptureMethod = payment.Manual
	}
	if m.forOrder {
		request.OrderID = orderID
	}
	start.log = one(code(contractors, "ada", request, 0))
	start.journal, start.read = stream{confirmed: start.log}, 1
	return Machine[paid]{Start: start, Moves: m.moves, Always: m.always(), AtRest: m.atRest()}
}

func (m payout) orderOf(s paid) coretest.Order {
	switch {
	case !m.forOrder:
		return coretest.Order{}
	case s.order == 2:
		return orders[1]
	}
	return orders[0]
}

type situation struct {
	stream          stream
	operations      operations
	forOrder, ended bool
	manual          bool
}

var nextOf = memo(func(s situation) (n struct {
	coretest.Next
	wanted bool
}) {
	m := payout{forOrder: s.forOrder, manual: s.manual}
	p := paid{}
	if s.ended {
		p.order = 2
	}
	n.Next, n.wanted = rules.Next(fold(s.stream).Payment, s.operations.history(s.manual), m.orderOf(p))
	return n
})

// next is what the rules want; later says that they want it when its time comes.
func (m payout) next(s paid) (next coretest.Next, wanted, later bool) {
	n := nextOf(situation{s.journal, s.operations, m.forOrder, s.order == 2, m.manual})
	return n.Next, n.wanted, !n.At.IsZero()
}

// apply does what the rules want now, in the transaction that has changed something.
func (m payout) apply(s paid, timeHasCome bool) paid {
	p := fold(s.journal).Payment
	if _, ended := p.Ended(); ended || !p.Exists() {
		return s
	}
	next, wanted, later := m.next(s)
	switch {
	case !wanted || later && !timeHasCome:
		return s
	case next.Cancel:
		body, err := p.Cancel(next.Reason)
		return m.write(s, "", body, err)
	}
	return m.open(s, next.Kind)
}

func (m payout) open(s paid, kind payment.OperationKind) paid {
	history := s.operations.history(m.manual)
	o := coretest.NewOperation(fold(s.journal).Payment, history, kind, "wanted", event.Meta{})
	o.ID = int64(len(history) + 1)
	if _, done := history.Succeeded(kind); done {
		s.broken = "a " + string(kind) + " has succeeded, and is opened again"
	} else if s.operations.open() >= 0 {
		s.broken = "two operations are open"
	}
	s.operations = s.operations.with(o)
	return s
}

// write appends an event of payments-core.
func (m payout) write(s paid, actor string, body payment.Body, err error) paid {
	if err != nil {
		s.broken = err.Error()
		return s
	}
	c := one(code(payer, actor, body, int(s.wrote)))
	s.wrote++
	s.journal.pending += c
	s.outbox += c
	return s
}

// conclude records what became of the open operation.
func (m payout) conclude(s paid, done coretest.Outcome) paid {
	if done.Err != nil {
		s.broken = done.Err.Error()
		return s
	}
	o := done.Operation
	if o.State == coretest.Open { // stuck
		o.StuckAt = noon
	}
	s.operations = s.operations.with(o)
	if done.Body != nil {
		if s = m.write(s, "", done.Body, nil); s.broken != "" {
			return s
		}
	}
	if done.Again {
		return m.open(s, o.Kind)
	}
	if m.looksOnce && m.orderOf(s).Refuses(paymentID) {
		return s
	}
	return m.apply(s, false)
}

// record is a worker's transaction, once it has an answer.
func (m payout) record(s paid, worker int) paid {
	c := s.calls[worker]
	s.calls[worker] = call{}
	i := int(c.operation) - 1
	if s.operations.open() != i && !m.recordsBlind {
		return s // closed by another worker since
	}
	o := s.operations.history(m.manual)[i]
	return m.conclude(s, coretest.OutcomeOf(fold(s.journal).Payment, m.orderOf(s), o, c.answer.result(m.manual && o.Kind == payment.Authorize)))
}

func (m payout) moves(s paid) (moves []Move[paid]) {
	if s.broken != "" {
		return nil
	}
	own := func(does string, to paid) { moves = append(moves, Move[paid]{Does: does, To: to, Own: true}) }
	maybe := func(does string, to paid) { moves = append(moves, Move[paid]{Does: does, To: to}) }
	fault := func(does string, to paid) {
		if to.faults++; to.faults <= m.faults {
			maybe(does, to)
		}
	}
	m.topic(s, own, maybe)
	m.workers(s, own, fault)
	if s.people < m.people {
		to := s
		to.people++
		m.hands(to, maybe)
	}
	if _, wanted, later := m.next(s); wanted && later {
		own("the time comes for what is next", m.apply(s, true))
	}
	if s.bank.hold == 'h' {
		to := s
		to.bank.hold = 'l'
		fault("the hold lapses at the gateway", to)
	}
	inFlight := func(c call) bool { return c.operation > 0 && c.answer == 0 }
	if len(s.bank.record) > int(s.bank.forgot) && s.late == 0 && !slices.ContainsFunc(s.calls[:], inFlight) && s.operations.open() >= 0 {
		to := s
		to.bank.forgot, to.operations = int8(len(s.bank.record)), s.operations.aged()
		fault("a day passes, and the gateway forgets its keys", to)
	}
	return moves
}

// topic is what is written to the topics, and received.
func (m payout) topic(s paid, own, maybe func(string, paid)) {
	if n := int(s.read); n < len(s.log) {
		to := s
		to.read++
		to.journal = receive(received{s.journal, s.log[n]})
		p := fold(to.journal).Payment
		// As actionable says in payments-core.
		if dead := m.orderOf(to).Refuses(paymentID); dead && !m.looksOnce || p.Decision == payment.DecisionAccepted && !dead {
			to = m.apply(to, false)
		}
		own("payments-core receives "+words(s.log[n]), to)
	}
	if s.outbox != "" {
		to := s
		to.log, to.outbox = s.log+s.outbox[:1], s.outbox[1:]
		own("payments-core publishes "+words(s.outbox[0]), to)
	}
	if theirs := s.theirs(); theirs < len(m.decisions) {
		bodies := map[byte]struct {
			source, actor string
			body          payment.Body
		}{
			'a': {managers, "mia", payment.Accepted{}}, 't': {managers, "tom", payment.Accepted{}},
			'r': {managers, "tom", payment.Rejected{Reason: "No."}}, 'w': {contractors, "ada", payment.Withdrawn{}},
		}
		d := bodies[m.decisions[theirs]]
		c := code(d.source, d.actor, d.body, 0)
		to := s
		to.log += one(c)
		maybe("the topic gets "+words(c)+" by "+d.actor, to)
	}
	if m.forOrder && s.order == 0 {
		to := s
		to.order = 1
		maybe("the order expires", to)
	}
	if s.order == 1 {
		to := s
		to.order = 2
		own("payments-core receives that the order has expired", m.apply(to, false))
	}
}

// theirs is how many events of the topic others have written, but for the request.
func (s paid) theirs() (n int) {
	for i := 1; i < len(s.log); i++ {
		if written[s.log[i]].Source != payer {
			n++
		}
	}
	return n
}
