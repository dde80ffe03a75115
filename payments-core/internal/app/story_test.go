package app_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/payment"
)

const (
	requested  = payment.TypeRequested
	yes        = payment.TypeAccepted
	authorized = payment.TypeAuthorized
	declined   = payment.TypeDeclined
	captured   = payment.TypeCaptured
	released   = payment.TypeReleased
)

func TestMoneyMovesOnceWhateverTheGatewayDoes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	h.start()
	good := []string{requested, yes, authorized, captured}
	goodRecords := []string{"authorize:1 approved", "capture:1 approved"}
	tests := map[string]struct {
		minor   int64
		method  payment.CaptureMethod
		events  []string
		records []string
	}{
		"nothing goes wrong":                    {10_00, payment.Automatic, good, goodRecords},
		"declined for good":                     {10_01, payment.Automatic, []string{requested, yes, declined}, []string{"authorize:1 refused"}},
		"declined once":                         {10_02, payment.Automatic, []string{requested, yes, declined, authorized, captured}, []string{"authorize:1 refused", "authorize:2 approved", "capture:1 approved"}},
		"declined every time: the 4th is final": {10_03, payment.Automatic, []string{requested, yes, declined, declined, declined, declined}, []string{"authorize:1 refused", "authorize:2 refused", "authorize:3 refused", "authorize:4 refused"}},
		"slow":                                  {10_04, payment.Automatic, good, goodRecords},
		"done, no answer":                       {10_05, payment.Automatic, good, goodRecords},
		"500 before doing it":                   {10_06, payment.Automatic, good, goodRecords},
		"capture refused for good":              {10_07, payment.Automatic, []string{requested, yes, authorized, released}, []string{"authorize:1 approved", "capture:1 refused"}},
		"captured, no answer":                   {10_08, payment.Automatic, good, goodRecords},
		"done, then 500":                        {10_10, payment.Automatic, good, goodRecords},
		"the hold lapses before the capture":    {10_11, payment.Automatic, []string{requested, yes, authorized, released}, []string{"authorize:1 approved", "capture:1 refused"}},
		"the hold lapses before anybody does":   {20_11, payment.Manual, []string{requested, yes, authorized, released}, []string{"authorize:1 approved", "release:1 refused"}},
		"the connection breaks":                 {10_12, payment.Automatic, good, goodRecords},
		"done, then not JSON":                   {10_13, payment.Automatic, good, goodRecords},
		"404 before doing it":                   {10_14, payment.Automatic, good, goodRecords},
		"500 before capturing":                  {10_17, payment.Automatic, good, goodRecords},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := *h
			h.t = t
			// given a payment that a manager has accepted, all of which is received twice
			id, events := accepted(test.minor, test.method)
			h.publish(events...)
			h.publish(events...)

			// when the gateway does what the amount asks for
			h.eventually(fmt.Sprintf("%v", test.events), func() bool {
				return slices.Equal(h.confirmed(id), test.events)
			})

			// then everything happened once, and both records say so
			if got := h.records(id); !slices.Equal(got, test.records) {
				t.Errorf("the gateway's records are %v, not %v", got, test.records)
			}
			h.agree(id)
		})
	}
}

func TestHoldOfAManagerLapses(t *testing.T) {
	t.Parallel()
	// given holds that last a moment
	h := newHarness(t, sandbox.Options{HoldDuration: 500 * time.Millisecond})
	h.start()
	id, events := accepted(50_00, payment.Manual)
	h.publish(events...)

	// when nobody captures in time, then the hold is released
	if got, want := h.story(id, released), []string{requested, yes, authorized, released}; !slices.Equal(got, want) {
		t.Errorf("the story is %v, not %v", got, want)
	}
	p := h.get("/payments/" + id)
	if p.body["money"] != "released" {
		t.Errorf("the API says %s", p.text)
	}
	h.agree(id)
}

func TestNothingHappensWithoutAnAcceptance(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	h.start()
	// given a payment accepted after it was withdrawn, and another one as a mark
	id, events := accepted(10_00, payment.Automatic)
	withdrawn := payment.New("/contractor-ui", id, payment.Withdrawn{})
	withdrawn.Time, withdrawn.Meta = time.Now(), events[0].Meta
	h.publish(events[0], withdrawn, events[1])
	mark, events := accepted(10_00, payment.Automatic)
	h.publish(events...)

	// when both are received
	h.story(mark, captured)
	h.story(id, yes)

	// then nobody asked the gateway for the first
	if got := h.operations(id); len(got) > 0 {
		t.Errorf("there are operations: %v", got)
	}
}
