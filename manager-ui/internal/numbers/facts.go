package numbers

import (
	"math"
	"math/big"
	"strconv"
	"time"

	"countersign.example/payments-core/payment"
)

// The kinds of what is counted.
const (
	Requested = "requested"
	Accepted  = "accepted"
	Rejected  = "rejected"
	Withdrawn = "withdrawn"
	Cancelled = "cancelled"
	Declined  = "declined" // each decline, by the gateway's code
	Captured  = "captured"
	Released  = "released"
	Refunded  = "refunded"
	decided   = "decided" // acceptances and rejections, by the class of the time that they took
	waiting   = "waiting" // what waits now, when it was requested
)

// facts are what is counted of a payment. The zero value is of none.
type facts struct {
	payment, contractor, name, currency string
	minor                               int64
	waiting                             bool
	requested                           time.Time
	accepted, rejected, withdrawn       *time.Time
	cancelled                           *time.Time
	captured, released, refunded        *time.Time
	capturedMinor                       int64
	releasedMinor                       int64
	refundedMinor                       int64
	declined                            []time.Time
	codes                               []string
}

// factsOf are a payment's, as it is after all that has happened: an acceptance that was taken back is none.
func factsOf(entries []payment.Entry) facts {
	p, steps := payment.Fold(entries)
	if !p.Exists() {
		return facts{}
	}
	f := facts{
		payment: p.ID, contractor: p.ContractorID, name: p.ContractorName, currency: p.Amount.Currency, minor: p.Amount.Minor,
		waiting: p.Decision == payment.DecisionRequested, requested: p.Requested.At,
		cancelled: at(p.Cancelled), captured: at(p.Captured), released: at(p.Released), refunded: at(p.Refunded),
		capturedMinor: p.CapturedAmount.Minor, releasedMinor: p.ReleasedAmount.Minor, refundedMinor: p.RefundedAmount.Minor,
		declined: []time.Time{}, codes: []string{},
	}
	switch p.Decision {
	case payment.DecisionRejected:
		f.rejected = at(p.Decided)
	case payment.DecisionWithdrawn:
		f.withdrawn = at(p.Decided)
	default: // also of one that was cancelled afterwards
		f.accepted = at(p.Decided)
	}
	for _, s := range steps {
		if b, ok := s.Body.(payment.Declined); ok && s.Effect {
			f.declined, f.codes = append(f.declined, s.Entry.Time), append(f.codes, b.Code)
		}
	}
	return f
}

func at(a payment.Act) *time.Time {
	if a.At.IsZero() {
		return nil
	}
	return &a.At
}

// each calls count with all that the sums have of the payment.
func (f facts) each(count func(kind, detail string, at time.Time, minor int64)) {
	if f.payment == "" {
		return
	}
	count(Requested, "", f.requested, f.minor)
	if f.waiting {
		count(waiting, "", f.requested, f.minor)
	}
	for _, happened := range []struct {
		kind  string
		at    *time.Time
		minor int64
	}{
		{Accepted, f.accepted, f.minor}, {Rejected, f.rejected, f.minor}, {Withdrawn, f.withdrawn, f.minor}, {Cancelled, f.cancelled, f.minor},
		{Captured, f.captured, f.capturedMinor}, {Released, f.released, f.releasedMinor}, {Refunded, f.refunded, f.refundedMinor},
	} {
		if happened.at == nil {
			continue
		}
		count(happened.kind, "", *happened.at, happened.minor)
		if happened.kind == Accepted || happened.kind == Rejected {
			count(decided, strconv.Itoa(classOf(happened.at.Sub(f.requested))), *happened.at, 0)
		}
	}
	for i, at := range f.declined {
		count(Declined, f.codes[i], at, f.minor)
	}
}

// perDoubling is how many classes there are from a time to twice as much. A median that is read from them is
// at most 2^(1/8)-1, 9.1%, away from that of the times themselves.
const perDoubling = 8

// classOf is the class of a time: 0 below a second, then 1, 2 ... with bounds that grow evenly.
func classOf(d time.Duration) int {
	if d < time.Second {
		return 0
	}
	return 1 + int(math.Floor(perDoubling*math.Log2(d.Seconds())))
}

// within is the time that has a share of a class below it.
func within(class int, share float64) time.Duration {
	if class == 0 {
		return time.Duration(share * float64(time.Second))
	}
	return time.Duration(math.Exp2((float64(class-1)+share)/perDoubling) * float64(time.Second))
}

// The spans that are added up.
const (
	quarter = "quarter"
	hour    = "hour"
	day     = "day"
	month   = "month"
)

var spans = []string{quarter, hour, day, month}

const quarterHour = 15 * time.Minute

// beginOf is when the span begins that has a time in it.
func beginOf(span string, t time.Time) time.Time {
	t = t.UTC()
	switch span {
	case quarter:
		return t.Truncate(quarterHour)
	case hour:
		return t.Truncate(time.Hour)
	case day:
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// endOf is when the span ends that begins then.
func endOf(span string, begin time.Time) time.Time {
	switch span {
	case quarter:
		return begin.Add(quarterHour)
	case hour:
		return begin.Add(time.Hour)
	case day:
		return begin.AddDate(0, 0, 1)
	}
	return begin.AddDate(0, 1, 0)
}

// key names a row of the sums; contractor is "" in those of everybody.
type key struct {
	span                               string
	at                                 int64 // Unix time
	contractor, currency, kind, detail string
}

// sum is what is added to a row.
type sum struct {
	n     int64
	minor big.Int // a batch of the largest amounts would not overflow, but who knows which batch
}

// changes are what is to be added to the sums.
type changes map[key]*sum

// add counts a payment, with sign -1 as one less.
func (c changes) add(f facts, sign int64) {
	f.each(func(kind, detail string, at time.Time, minor int64) {
		for _, span := range spans {
			begin := beginOf(span, at).Unix()
			c.put(key{span: span, at: begin, currency: f.currency, kind: kind, detail: detail}, sign, minor)
			switch kind {
			case Requested, Accepted, Rejected, Captured, Refunded:
				c.put(key{span: span, at: begin, contractor: f.contractor, currency: f.currency, kind: kind}, sign, minor)
			}
		}
	})
}

func (c changes) put(k key, sign, minor int64) {
	s := c[k]
	if s == nil {
		s = &sum{}
		c[k] = s
	}
	s.n += sign
	s.minor.Add(&s.minor, new(big.Int).Mul(big.NewInt(sign), big.NewInt(minor)))
}
