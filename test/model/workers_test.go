package model

import (
	"fmt"
	"strings"

	"countersign.example/payments-core/coretest"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// workers call the gateway, and record its answers.
func (m payout) workers(s paid, own, fault func(string, paid)) {
	open := s.operations.open()
	for w, c := range s.calls {
		who := fmt.Sprintf("worker %d", w+1)
		switch {
		case c.operation == 0 && open >= 0 && !s.operations.stuck():
			to := s
			to.calls[w] = call{operation: int8(open + 1)}
			key := s.operations.key(open)
			if s.operations.old(open) && !m.neverLooks {
				to.calls[w].answer = s.bank.find(key, 0) // none: it asks
				if to.calls[w].answer == none {
					to.calls[w].answer = 0
				}
			}
			switch other := s.calls[1-w]; {
			case other.operation == 0 && w == 0: // which of two is idle does not matter
				own(who+" takes "+name(key), to)
			case int(other.operation) == open+1:
				fault("the other worker is taken for dead, and "+who+" takes "+name(key), to)
			case other.operation != 0:
				own(who+" takes "+name(key), to)
			}
		case c.operation > 0 && c.answer == 0:
			key := s.operations.key(int(c.operation) - 1)
			for n, a := range s.bank.may(key) {
				to := s
				to.bank = s.bank.answers(key, a)
				to.calls[w].answer = a
				does := fmt.Sprintf("the gateway %s %s of %s", a, name(key), who)
				if n == 0 {
					own(does, to)
				} else {
					fault(does, to)
				}
			}
			fault(who+"'s request for "+name(key)+" does not arrive", m.lost(s, w))
			if s.late == 0 {
				to := m.lost(s, w)
				to.late = c.operation
				fault(who+" gives up on "+name(key)+", and its request is still under way", to)
			}
		case c.operation > 0:
			key := s.operations.key(int(c.operation) - 1)
			own(who+" records the answer to "+name(key), m.record(s, w))
			fault("the answer to "+name(key)+" does not reach "+who, m.lost(s, w))
		}
	}
	if s.late > 0 {
		key := s.operations.key(int(s.late) - 1)
		for n, a := range s.bank.may(key) {
			to := s
			to.bank, to.late = s.bank.answers(key, a), 0
			does := fmt.Sprintf("the late request arrives, and the gateway %s %s", a, name(key))
			if n == 0 {
				own(does, to)
			} else {
				fault(does, to)
			}
		}
	}
}

// lost is a call whose answer nobody has: the operation stays open, and is asked again with its key.
func (m payout) lost(s paid, w int) paid {
	i := int(s.calls[w].operation) - 1
	s.calls[w] = call{}
	open := s.operations.open() == i
	switch {
	case open && strings.IndexByte(m.lostFails, s.operations[i*width]) >= 0:
		o := s.operations.history(m.manual)[i]
		o.State = coretest.Failed
		return m.conclude(s, coretest.Outcome{Operation: o, Again: true})
	case open && m.newKeys:
		at := i*width + 1
		s.operations = s.operations[:at] + operations(one(s.operations[at]+1)) + s.operations[at+1:]
	}
	return s
}

// hands are what people do: an undo, a command of a manager, an operator.
func (m payout) hands(s paid, maybe func(string, paid)) {
	p := fold(s.journal).Payment
	if mia := (event.Meta{Actor: "mia"}); p.Decision == payment.DecisionAccepted && (m.undoBlind || s.operations == "") {
		if body, err := p.Reopen(mia, p.Decided.EventID.String()); err == nil {
			maybe("mia takes the acceptance back", m.write(s, "mia", body, nil))
		}
	}
	open := s.operations.open()
	if m.manual && open < 0 {
		if p.CanCapture() == nil {
			maybe("mia captures it", m.open(s, payment.Capture))
		}
		if p.CanRelease() == nil {
			maybe("mia releases it", m.open(s, payment.Release))
		}
	}
	if !s.operations.stuck() {
		return
	}
	o := s.operations.history(m.manual)[open]
	maybe("an operator retries "+name(s.operations.key(open)), m.conclude(s, coretest.RetryOf(p, m.orderOf(s), o)))
	if o.Kind == payment.Release || o.Kind == payment.Refund {
		to := s
		to.bank.hold = 's'
		o.Handled.By, o.Handled.Why = "Olga", "by bank transfer"
		done := coretest.SettlementOf(p, o, coretest.Settlement{Succeeded: true, Reference: "by hand"})
		maybe("an operator pays back by hand, and settles "+name(s.operations.key(open)), m.conclude(to, done))
	}
}

const (
	onceAtGateway = "8. the gateway does each thing once"
	oneOpen       = "8. at most one operation is open, what has succeeded is never opened again, and each outcome is taken"
	recordsAgree  = "8. the gateway's record agrees with ours, per key"
	moneyIsThere  = "8. the payment says what the gateway holds"
	deadOrder     = "5. an ended order ends with no hold and no money kept"
	onlyAccepted  = "2. nothing is held for a payment that is not accepted"
	comesToAnEnd  = "an accepted payment is paid out, or ends"
)

func (m payout) always() []Property[paid] {
	return []Property[paid]{
		{onceAtGateway, func(s paid) string {
			for letter, kind := range kinds {
				n := 0
				for i := range len(s.bank.done) {
					if s.bank.done[i] == letter {
						n++
					}
				}
				if n > 1 {
					return fmt.Sprintf("the gateway has done %d of %s", n, kind)
				}
			}
			return ""
		}},
		{oneOpen, func(s paid) string { return s.broken }},
		{moneyAddsUp, func(s paid) string {
			p := fold(s.journal).Payment
			if p.AuthorizedAmount.Minor < p.CapturedAmount.Minor+p.ReleasedAmount.Minor || p.CapturedAmount.Minor < p.RefundedAmount.Minor {
				return "more was moved than held"
			}
			return ""
		}},
	}
}

func (m payout) atRest() []Property[paid] {
	return []Property[paid]{
		{recordsAgree, func(s paid) string {
			for i, o := range s.operations.all() {
				switch known := s.bank.find(o[:2], 0); {
				case o[2] == 'd' && known != approved && s.bank.hold != 's':
					return name(s.operations.key(i)) + " is done, and not at the gateway"
				case o[2] == 'f' && known == approved:
					return name(s.operations.key(i)) + " has failed, and not at the gateway"
				}
			}
			for i := 0; i < len(s.bank.record); i += 3 {
				if !containsKey(s.operations, s.bank.record[i:i+2]) {
					return "the gateway knows " + name(s.bank.record[i:i+2]) + ", and nobody else"
				}
			}
			return ""
		}},
		{onlyAccepted, func(s paid) string {
			if f := fold(stream{confirmed: distinct(s.log)}); (s.bank.hold == 'h' || s.bank.hold == 'c') && f.Decision != payment.DecisionAccepted {
				return "it is " + string(f.Decision) + ", and money is held or paid"
			}
			return ""
		}},
		{copyIsFold, func(s paid) string {
			if s.journal != (stream{confirmed: distinct(s.log)}) {
				return "payments-core lacks what the topic has"
			}
			return ""
		}},
		{deadOrder, func(s paid) string {
			if s.order == 2 && !s.operations.stuck() && (s.bank.hold == 'h' || s.bank.hold == 'c') {
				return "money is held or kept for an order that has expired"
			}
			return ""
		}},
		{moneyIsThere, func(s paid) string {
			if s.operations.stuck() {
				return ""
			}
			want := map[payment.Money]string{
				payment.MoneyNone: "-", payment.MoneyDeclined: "-", payment.MoneyAuthorized: "hl", payment.MoneyCaptured: "c",
				payment.MoneyReleased: "rls", payment.MoneyRefunded: "fs",
			}
			money := fold(s.journal).Money
			for i := range len(want[money]) {
				if want[money][i] == s.bank.hold {
					return ""
				}
			}
			return fmt.Sprintf("the payment says %q, and the gateway %q", money, s.bank.hold)
		}},
		{comesToAnEnd, func(s paid) string {
			p := fold(s.journal).Payment
			_, ended := p.Ended()
			if p.Decision == payment.DecisionAccepted && !ended && p.Money != payment.MoneyCaptured && !s.operations.stuck() {
				return "nobody does anything about it any more"
			}
			return ""
		}},
	}
}

func containsKey(o operations, key string) bool {
	for i := range o.all() {
		if o.key(i) == key {
			return true
		}
	}
	return false
}
