package model

import (
	"fmt"
	"strings"
	"testing"

	"countersign.example/payments-core/payment"
)

// instance is an order with its payment, about which two transactions of payments-core decide: the first
// records that the order has expired, the second that its payment was captured. Each sees of the other what
// is committed when it reads.
type instance struct {
	at        [2]int8 // how far each transaction is
	held      string  // the locks that are held, two bytes each: the lock, and whose it is
	committed string  // o: the order has expired; p: the payment was captured; r: a refund is wanted
	read      [2]string
}

// deciding is the model of a process manager under processlock.
type deciding struct {
	steps [2]string // see the steps below
}

// The steps of a transaction: L and l take a lock, of the process or of a stream; everything else says what
// it does. A lock is held until the end.
const (
	lockProcess = 'L'
	lockOrder   = 'o'
	lockPayment = 'p'
	readOther   = 'r'
	commit      = 'c'
)

const (
	nobodyWaits  = "no transaction waits for ever"
	halfIsMissed = "5. an ended order ends with no money kept: who decides sees both halves"
)

var captured = fold(stream{confirmed: one(code(contractors, "ada", payment.Requested{
	PaymentID: paymentID, ContractorID: "ada", Amount: amount, Description: "Bricks", OrderID: orderID, CaptureMethod: payment.Automatic,
}, 0)) + one(code(managers, "mia", payment.Accepted{}, 0)) + one(code(payer, "", payment.Authorized{GatewayReference: "hold"}, 0)) +
	one(code(payer, "", payment.Captured{Amount: amount, GatewayReference: "hold"}, 0))})

func (m deciding) machine() Machine[instance] {
	return Machine[instance]{Moves: m.moves, AtRest: []Property[instance]{
		{nobodyWaits, func(s instance) string {
			if int(s.at[0]) < len(m.steps[0]) || int(s.at[1]) < len(m.steps[1]) {
				return "both wait for what the other has locked"
			}
			return ""
		}},
		{halfIsMissed, func(s instance) string {
			if !strings.Contains(s.committed, "r") {
				return "the order has expired, its payment was captured, and nobody refunds it"
			}
			return ""
		}},
	}}
}

func (m deciding) moves(s instance) (moves []Move[instance]) {
	for i := range s.at {
		if int(s.at[i]) == len(m.steps[i]) {
			continue
		}
		to, own, step := s, []string{"o", "p"}[i], m.steps[i][s.at[i]]
		to.at[i]++
		var does string
		switch step {
		case readOther:
			to.read[i] = s.committed
			does = "reads what is committed"
		case commit:
			known, ended := s.read[i]+own, int8(0)
			if strings.Contains(known, "o") {
				ended = 2
			}
			p := payment.Payment{}
			if strings.Contains(known, "p") {
				p = captured.Payment
			}
			if next, wanted := rules.Next(p, nil, payout{forOrder: true}.orderOf(paid{order: ended})); wanted && next.Kind == payment.Refund {
				own += "r"
			}
			to.committed += own
			for at := len(to.held) - 2; at >= 0; at -= 2 {
				if to.held[at+1] == byte('0'+i) {
					to.held = to.held[:at] + to.held[at+2:]
				}
			}
			does = "decides and commits"
		default:
			at := strings.IndexByte(s.held, step)
			if at >= 0 && at%2 == 0 && s.held[at+1] != byte('0'+i) {
				continue // it waits
			}
			to.held += string([]byte{step, byte('0' + i)})
			does = map[byte]string{lockProcess: "locks the process", lockOrder: "locks the order", lockPayment: "locks the payment"}[step]
		}
		moves = append(moves, Move[instance]{Does: fmt.Sprintf("transaction %d %s", i+1, does), To: to, Own: true})
	}
	return moves
}

func TestWhoDecidesSeesTheWholeProcess(t *testing.T) {
	holds(t, "a process lock", deciding{[2]string{"Loprc", "Lporc"}}.machine())
}

func TestMistakesOfProcessLocksAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		property string
		steps    [2]string
	}{
		"there is no process lock, and the other half is only read": {halfIsMissed, [2]string{"orc", "prc"}},
		"there is no process lock, and the other half is locked":    {nobodyWaits, [2]string{"oprc", "porc"}},
		"the other half is read before the process is locked":       {halfIsMissed, [2]string{"rLoc", "rLpc"}},
		"a stream is locked before the process":                     {nobodyWaits, [2]string{"oLprc", "Lporc"}},
	} {
		t.Run(name, func(t *testing.T) { finds(t, test.property, deciding{test.steps}.machine()) })
	}
}
