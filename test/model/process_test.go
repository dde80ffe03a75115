package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"countersign.example/ordering-core/coretest"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/ordertest"
	payments "countersign.example/payments-core/coretest"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// process is an order with its payments, as both cores know it. Every event is a letter: of a payment, asked
// for (q), (a)ccepted, and what the kinds of operations lead to; of the order, paid by the first or second
// payment (1 2), which it refuses (3 4), (e)xpired, or cancelled (k).
type process struct {
	payments [2]string // as payments-core has written them
	read     [2]int8   // how many of them ordering-core knows
	asked    [2]byte   // what the gateway is asked: 0, or the letter of the kind
	done     [2]string // what it has done, in letters of kinds
	order    string    // as ordering-core has written it
	received int8      // how many of its events payments-core knows
	broken   string
}

// processing is the model of it: the gateway approves everything, and each core receives the other as late as
// can be.
type processing struct {
	amounts [2]int64 // of the payments; the order's total is 1000
	// What is mutated.
	deaf, neverRefuses bool
}

const onePays = "4. an order is paid if and only if exactly one captured, unrefunded payment of its total names it"

// The letters of a payment's events, by the kind of operation after which they are written.
var outcomes = map[byte]byte{'A': 'h', 'C': 'c', 'R': 'r', 'F': 'f'}

func nthPayment(i int) string { return fmt.Sprintf("0193571c-0000-7000-8000-%012d", i+1) }

type told struct {
	payment int
	amount  int64
	events  string
}

func (t told) entries() (entries []payment.Entry) {
	id, whole := nthPayment(t.payment), money.Amount{Minor: t.amount, Currency: amount.Currency}
	for _, letter := range []byte(t.events) {
		by, body := "", map[byte]payment.Body{
			'q': payment.Requested{
				PaymentID: id, ContractorID: "ada", Amount: whole, Description: "Bricks", OrderID: orderID, CaptureMethod: payment.Automatic,
			},
			'a': payment.Accepted{}, 'h': payment.Authorized{GatewayReference: "hold"},
			'c': payment.Captured{Amount: whole, GatewayReference: "hold"}, 'r': payment.Released{},
			'f': payment.Refunded{GatewayReference: "hold"}, 'x': payment.Cancelled{},
		}[letter]
		switch letter {
		case 'q':
			by = "ada"
		case 'a':
			by = "mia"
		}
		e := payment.New(payment.Writer(body.EventType()), id, body)
		e.ID = uuid.NewSHA1(uuid.Nil, fmt.Append(nil, id, letter))
		e.Time, e.Actor = noon, by
		entries = append(entries, payment.Entry{Event: e, Confirmed: true})
	}
	return entries
}

var knownPayment = memo(func(t told) *coretest.Payment {
	p := coretest.FoldPayment(t.entries())
	return &p
})

// orderEntries are the events of an order that was submitted.
var orderEntries = memo(func(events string) *ordertest.History {
	h := ordertest.Submitted(orderID, amount)
	for _, letter := range []byte(events) {
		h.Append(event.Meta{}, map[byte]order.Body{
			'1': order.Paid{PaymentID: nthPayment(0)}, '2': order.Paid{PaymentID: nthPayment(1)},
			'3': order.PaymentRefused{PaymentID: nthPayment(0), Reason: "no"}, '4': order.PaymentRefused{PaymentID: nthPayment(1), Reason: "no"},
			'e': order.Expired{Reason: "not paid in time"}, 'k': order.Cancelled{Reason: "no", By: order.ByManager},
		}[letter])
	}
	return h
})

var knownOrder = memo(func(events string) *order.Order {
	o, steps := order.Fold(orderEntries(events).Entries)
	if !steps[len(steps)-1].Effect {
		o.ID = "" // which a property looks for
	}
	return &o
})

var orderOfPayments = memo(func(events string) *payments.Order {
	o := payments.FoldOrder(orderID, orderEntries(events).Entries)
	return &o
})

func (m processing) machine() Machine[process] {
	return Machine[process]{Start: process{payments: [2]string{"q", "q"}}, Moves: m.moves,
		Always: []Property[process]{{oneOpen, func(s process) string {
			if knownOrder(s.order).ID == "" {
				return "the order's writer has written what has no effect"
			}
			return s.broken
		}}},
		AtRest: []Property[process]{{onePays, m.onePays}, {deadOrder, func(s process) string {
			if o := knownOrder(s.order); o.State == order.StateExpired || o.State == order.StateCancelled {
				for i := range s.payments {
					if p := m.payment(s, i, len(s.payments[i])); p.Money == payment.MoneyAuthorized || p.Money == payment.MoneyCaptured {
						return fmt.Sprintf("the order is %s, and the money of payment %d is %s", o.State, i+1, p.Money)
					}
				}
			}
			return ""
		}}}}
}

func (m processing) onePays(s process) string {
	var kept []string
	for i := range s.payments {
		if p := m.payment(s, i, len(s.payments[i])); p.Money == payment.MoneyCaptured {
			kept = append(kept, p.ID)
		}
	}
	o := knownOrder(s.order)
	if want := o.PaidBy; o.State == order.StatePaid && !slices.Equal(kept, []string{want}) || o.State != order.StatePaid && len(kept) > 0 {
		return fmt.Sprintf("the order is %s, and %d payments keep money for it", o.State, len(kept))
	}
	return ""
}

func (m processing) payment(s process, i, known int) *coretest.Payment {
	return knownPayment(told{i, m.amounts[i], s.payments[i][:known]})
}

func (m processing) moves(s process) (moves []Move[process]) {
	own := func(does string, to process) { moves = append(moves, Move[process]{Does: does, To: to, Own: true}) }
	for i := range s.payments {
		if s.payments[i] == "q" {
			to := s
			to.payments[i] += "a"
			moves = append(moves, Move[process]{Does: fmt.Sprintf("mia accepts payment %d", i+1), To: m.apply(to, i)})
		}
		if s.asked[i] != 0 {
			to := s
			to.payments[i] += one(outcomes[s.asked[i]])
			to.done[i] += one(s.asked[i])
			to.asked[i] = 0
			own(fmt.Sprintf("the gateway has done the %s of payment %d", kinds[s.asked[i]], i+1), m.apply(to, i))
		}
		if int(s.read[i]) < len(s.payments[i]) {
			to := s
			to.read[i]++
			own(fmt.Sprintf("ordering-core receives of payment %d that it is %s", i+1, says(s.payments[i][s.read[i]])), m.confirm(to))
		}
	}
	if int(s.received) < len(s.order) && !m.deaf {
		to := s
		to.received++
		for i := range to.payments {
			to = m.apply(to, i)
		}
		own("payments-core receives what is new of the order: "+says(s.order[s.received]), to)
	}
	if o := knownOrder(s.order); o.State == order.StateSubmitted {
		expired, cancelled := s, s
		expired.order += "e"
		cancelled.order += "k"
		moves = append(moves, Move[process]{Does: "the order expires", To: expired}, Move[process]{Does: "the order is cancelled", To: cancelled})
	}
	return moves
}

func says(letter byte) string {
	return map[byte]string{
		'q': "asked for", 'a': "accepted", 'h': "authorized", 'c': "captured", 'r': "released", 'f': "refunded", 'x': "cancelled",
		'1': "paid by payment 1", '2': "paid by payment 2", '3': "it refuses payment 1", '4': "it refuses payment 2", 'e': "expired", 'k': "cancelled",
	}[letter]
}

// apply does what payments-core's rules want of a payment now. Its retries and its grace take no time here.
func (m processing) apply(s process, i int) process {
	var history payments.History
	for n, kind := range []byte(s.done[i]) {
		history = append(history, payments.Operation{ID: int64(n + 1), PaymentID: nthPayment(i), Kind: kinds[kind], N: 1, State: payments.Succeeded})
	}
	if s.asked[i] != 0 {
		history = append(history, payments.Operation{ID: 9, PaymentID: nthPayment(i), Kind: kinds[s.asked[i]], N: 1, State: payments.Open})
	}
	p := m.payment(s, i, len(s.payments[i])).Payment
	next, wanted := payments.Rules{}.Next(p, history, *orderOfPayments(s.order[:s.received]))
	switch {
	case !wanted:
	case !next.Cancel:
		s.asked[i] = letter(next.Kind)
	default:
		if _, err := p.Cancel(next.Reason); err != nil {
			s.broken = err.Error()
		}
		s.payments[i] += "x"
	}
	return s
}

// confirm does what ordering-core's process manager wants of the order, once it has received something of a
// payment.
func (m processing) confirm(s process) process {
	for {
		var known []coretest.Payment
		for i := range s.payments {
			if s.read[i] > 0 {
				known = append(known, *m.payment(s, i, int(s.read[i])))
			}
		}
		command, wanted := coretest.Confirm(*knownOrder(s.order), known...)
		if !wanted {
			return s
		}
		var id string
		letters := "12"
		switch body := command.Body.(type) {
		case order.Paid:
			id = body.PaymentID
		case order.PaymentRefused:
			if m.neverRefuses {
				return s
			}
			id, letters = body.PaymentID, "34"
		}
		i := slices.Index([]string{nthPayment(0), nthPayment(1)}, id)
		if s.order += letters[i : i+1]; strings.Count(s.order, letters[i:i+1]) > 1 {
			s.broken = "the order says the same twice"
			return s
		}
	}
}

func TestAnOrderIsPaidOnceOrNotAtAll(t *testing.T) {
	holds(t, "an order and two payments for it", processing{amounts: [2]int64{1000, 1000}}.machine())
	holds(t, "an order, a payment for it, and one of another amount", processing{amounts: [2]int64{1000, 999}}.machine())
}

func TestMistakesOfProcessesAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		property string
		mutated  processing
	}{
		"payments-core does not receive orders":       {onePays, processing{amounts: [2]int64{1000, 1000}, deaf: true}},
		"ordering-core does not refuse what is short": {onePays, processing{amounts: [2]int64{1000, 999}, neverRefuses: true}},
	} {
		t.Run(name, func(t *testing.T) { finds(t, test.property, test.mutated.machine()) })
	}
}
