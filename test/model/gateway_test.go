package model

import (
	"fmt"
	"slices"

	"countersign.example/payments-core/coretest"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/payment"
)

// answer is the gateway's definite one.
type answer byte

const (
	none      answer = '-'
	approved  answer = 'a'
	notNow    answer = 'n' // refused
	forGood   answer = 'f' // refused, and asking again cannot help
	holdEnded answer = 'e' // refused: nothing is held any more
)

func (a answer) String() string {
	return map[answer]string{approved: "approves", notNow: "refuses for now", forGood: "refuses for good", holdEnded: "says that nothing is held"}[a]
}

func (a answer) result(manual bool) gateway.Result {
	r := gateway.Result{Reference: "hold"}
	switch a {
	case approved:
		if manual {
			r.ExpiresAt = noon.AddDate(0, 0, 7)
		}
	case holdEnded:
		r.Refusal = &gateway.Refusal{Code: gateway.HoldNotActive, Final: true}
	default:
		r.Refusal = &gateway.Refusal{Code: "refused", Final: a == forGood}
	}
	return r
}

// kinds are the kinds of operations, as a state's bytes name them.
var kinds = map[byte]payment.OperationKind{'A': payment.Authorize, 'C': payment.Capture, 'R': payment.Release, 'F': payment.Refund}

func letter(kind payment.OperationKind) byte {
	for l, k := range kinds {
		if k == kind {
			return l
		}
	}
	panic("no such kind: " + string(kind))
}

// bank is the gateway: what it has on record, three bytes for each key (the kind, its number, the answer),
// and what is held.
type bank struct {
	record string
	forgot int8   // so many bytes of the record: their keys are not known any more, and would be done again
	hold   byte   // '-', 'h'eld, 'c'aptured, 'r'eleased, re'f'unded, 'l'apsed, or 's'ettled by hand
	done   string // what was done, in order
}

// find returns the answer that the record has for a key.
func (b bank) find(key string, from int8) answer {
	for i := int(from); i < len(b.record); i += 3 {
		if b.record[i:i+2] == key {
			return answer(b.record[i+2])
		}
	}
	return none
}

// may are the answers that the gateway may give to a request, the one without a fault first.
func (b bank) may(key string) []answer {
	if known := b.find(key, b.forgot); known != none {
		return []answer{known}
	}
	active := map[byte]byte{'A': b.hold, 'C': 'h', 'R': 'h', 'F': 'c'}[key[0]]
	if b.hold != active {
		return []answer{holdEnded}
	}
	if key[0] == 'C' {
		return []answer{approved, notNow, forGood, holdEnded}
	}
	return []answer{approved, notNow, forGood}
}

// answers has the gateway decide a request.
func (b bank) answers(key string, a answer) bank {
	if b.find(key, b.forgot) != none {
		return b
	}
	b.record += key + one(byte(a))
	if a == approved {
		b.done += key[:1]
		b.hold = map[byte]byte{'A': 'h', 'C': 'c', 'R': 'r', 'F': 'f'}[key[0]]
	} else if key[0] == 'C' && a == holdEnded && b.hold == 'h' {
		b.hold = 'l' // the bank refuses the capture, and ends the hold
	}
	return b
}

// operations are payments-core's of the payment, five bytes each: the kind, its number, how far it is, "!"
// where it was refused for good, and "o" where the gateway may have forgotten its key.
type operations string

const width = 5

func (o operations) key(i int) string { return string(o[i*width : i*width+2]) }

func (o operations) history(manual bool) coretest.History {
	var h coretest.History
	for i := 0; i < len(o); i += width {
		next := coretest.Operation{
			ID: int64(i/width + 1), PaymentID: paymentID, Kind: kinds[o[i]], N: int(o[i+1] - '0'), Amount: amount, OpenedAt: noon,
			Key: fmt.Sprintf("%s:%s:%c", paymentID, kinds[o[i]], o[i+1]), Reason: "wanted", HoldReference: "hold",
		}
		switch o[i+2] {
		case 'o':
			next.State = coretest.Open
		case 's': // stuck
			next.State, next.StuckAt, next.LastError = coretest.Open, noon, "refused"
		case 'd': // done
			next.State, next.ClosedAt, next.HoldExpiresAt = coretest.Succeeded, noon, approved.result(manual && o[i] == 'A').ExpiresAt
		case 'f':
			next.State, next.ClosedAt, next.LastError, next.Final = coretest.Failed, noon, "refused", o[i+3] == '!'
		}
		h = append(h, next)
	}
	return h
}

// with is the operations with one of them as it is now, or one more.
func (o operations) with(changed coretest.Operation) operations {
	state, final := byte('o'), byte(' ')
	switch {
	case changed.State == coretest.Succeeded:
		state = 'd'
	case changed.State == coretest.Failed:
		state = 'f'
	case changed.Stuck():
		state = 's'
	}
	if changed.Final && changed.State == coretest.Failed {
		final = '!'
	}
	entry := []byte{letter(changed.Kind), '0' + byte(changed.N), state, final, ' '}
	if i := int(changed.ID-1) * width; i < len(o) {
		entry[4] = o[i+4]
		return o[:i] + operations(entry) + o[i+width:]
	}
	return o + operations(entry)
}

// open is the index of the open operation, stuck or not; -1 if there is none.
func (o operations) open() int {
	return slices.IndexFunc(o.all(), func(i string) bool { return i[2] == 'o' || i[2] == 's' })
}

func (o operations) all() (all []string) {
	for i := 0; i < len(o); i += width {
		all = append(all, string(o[i:i+width]))
	}
	return all
}

func (o operations) stuck() bool { return o.open() >= 0 && o.all()[o.open()][2] == 's' }

// aged is when so much time has passed since all was opened that the gateway may forget the keys.
func (o operations) aged() operations {
	aged := []byte(o)
	for i := width - 1; i < len(aged); i += width {
		aged[i] = 'o'
	}
	return operations(aged)
}

func (o operations) old(i int) bool { return o[i*width+4] == 'o' }

func name(key string) string { return string(kinds[key[0]]) + ":" + key[1:] }
