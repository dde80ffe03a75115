package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
)

// The one payment of these models, and its people.
const (
	paymentID   = "0193571c-0001-7a4b-9c1d-2e3f4a5b6c7d"
	orderID     = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a01"
	contractors = "/contractor-ui"
	managers    = "/manager-ui"
	payer       = "/payments-core"
)

var (
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	amount = money.Amount{Minor: 1000, Currency: "EUR"}
)

// written are the events that the models have written so far. A state holds their numbers as bytes, so that
// states can be compared.
var written []event.Event

// code is the number of the event with this content; the nth such one of its writer is another event.
func code(source, actor string, body payment.Body, n int) byte {
	e := payment.New(source, paymentID, body)
	e.ID = uuid.NewSHA1(uuid.Nil, fmt.Append(nil, source, actor, e.Type, string(e.Data), n))
	e.Time, e.Actor = noon, actor
	i := slices.IndexFunc(written, func(known event.Event) bool { return known.ID == e.ID })
	if i < 0 {
		i = len(written)
		written = append(written, e)
	}
	return byte(i)
}

// one is an event's place in a string of them.
func one(code byte) string { return string([]byte{code}) }

// words name an event in a trace.
func words(code byte) string {
	e := written[code]
	return fmt.Sprintf("%s's %s", strings.TrimPrefix(e.Source, "/"), strings.TrimPrefix(e.Type, "payment_"))
}

// stream is a service's journal of the payment: what the log has confirmed, in its order, and then what is
// pending.
type stream struct{ confirmed, pending string }

func (s stream) journal() journal.Stream {
	j := journal.Stream{ID: payment.Stream(paymentID)}
	for i := range len(s.confirmed) + len(s.pending) {
		r := journal.Record{Event: written[(s.confirmed + s.pending)[i]], Stream: j.ID, Version: int64(i + 1)}
		if i < len(s.confirmed) {
			r.Log = int64(i + 1)
			j.Log = r.Log
		}
		j.Records, j.Version = append(j.Records, r), r.Version
	}
	return j
}

func ofJournal(j journal.Stream) (s stream) {
	for _, r := range j.Records {
		c := one(byte(slices.IndexFunc(written, func(e event.Event) bool { return e.ID == r.ID })))
		if r.Log > 0 {
			s.confirmed += c
		} else {
			s.pending += c
		}
	}
	return s
}

// memo remembers what a pure function returns.
func memo[K comparable, V any](f func(K) V) func(K) V {
	known := map[K]V{}
	return func(k K) V {
		v, is := known[k]
		if !is {
			v = f(k)
			known[k] = v
		}
		return v
	}
}

type received struct {
	stream stream
	event  byte
}

// receive is what production does with a payment's event from the topic.
var receive = memo(func(r received) stream {
	before := r.stream.journal()
	owners := map[uuid.UUID]string{}
	for _, record := range before.Records {
		owners[record.ID] = before.ID
	}
	changed := journal.Place(map[string]journal.Stream{before.ID: before}, owners,
		[]journal.Received{{Event: written[r.event], Stream: before.ID}}).Changed()
	if len(changed) == 0 {
		return r.stream
	}
	return ofJournal(changed[0])
})

type folded struct {
	payment.Payment
	stands     string // the event of the decision that stands; "" if none does
	decisions  int    // most that stood at once
	othersWord bool   // something counts that its type's writer has not written
}

// fold is the payment that a journal comes to.
var fold = memo(func(s stream) folded { return foldEntries(journal.Entries(s.journal())) })

func foldEntries(entries []payment.Entry) folded {
	p, steps := payment.Fold(entries)
	f := folded{Payment: p}
	standing := 0
	for _, step := range steps {
		if !step.Effect {
			continue
		}
		source := written[slices.IndexFunc(written, func(e event.Event) bool { return e.ID == step.Entry.ID })].Source
		f.othersWord = f.othersWord || source != payment.Writer(step.Entry.Type)
		switch step.Body.(type) {
		case payment.Accepted, payment.Rejected, payment.Withdrawn:
			standing++
			f.stands = step.Entry.ID.String()
		case payment.Reopened:
			standing, f.stands = 0, ""
		}
		f.decisions = max(f.decisions, standing)
	}
	return f
}

// distinct is a topic without what it repeats.
var distinct = memo(func(log string) string {
	var once strings.Builder
	for i := range len(log) {
		if strings.IndexByte(log, log[i]) == i {
			once.WriteByte(log[i])
		}
	}
	return once.String()
})
