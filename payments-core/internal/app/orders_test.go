package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/ordertest"
	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

const (
	refunded  = payment.TypeRefunded
	cancelled = payment.TypeCancelled
)

// ofOrder makes the event after those of submitted, as ordering-core writes it.
func ofOrder(id, typ, data string) event.Event {
	return event.Event{ID: event.NewID(), Type: typ, Source: "/ordering-core", Subject: id, Time: time.Now(), Sequence: 5,
		DataSchema: "https://countersign.example/schemas/" + typ + ".json", Data: json.RawMessage(data),
		Meta: event.Meta{CorrelationID: uuid.NewString()}}
}

// submitted are the four events of an order of 10.00 EUR that waits to be paid.
func submitted(id string) []event.Event {
	return ordertest.Submitted(id, money.Amount{Minor: 10_00, Currency: "EUR"}).Events()
}

// acceptedFor is accepted for an order.
func acceptedFor(order string, minor int64, method payment.CaptureMethod) (string, []event.Event) {
	id, events := accepted(minor, method)
	var said map[string]any
	if err := json.Unmarshal(events[0].Data, &said); err != nil {
		panic(err)
	}
	said["order_id"] = order
	events[0].Data, _ = json.Marshal(said)
	return id, events
}

func TestMoneyOfADeadOrderIsLetGo(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	h.start()
	ends := map[string]string{
		"order_expired":         `{"reason": "not paid in time"}`,
		"order_cancelled":       `{"reason": "wrong customer", "by": "manager"}`,
		"order_paid":            `{"payment_id": "{other}"}`,
		"order_payment_refused": `{"payment_id": "{payment}", "reason": "it is of another amount"}`,
	}
	tests := map[string]struct {
		minor   int64
		method  payment.CaptureMethod
		until   string // when the order ends
		end     string
		events  []string
		records []string
		words   string
	}{
		"expired before it was accepted":       {10_00, payment.Automatic, requested, "order_expired", []string{requested, cancelled}, nil, "cancelled because order 2026/11/000042 expired: not paid in time"},
		"cancelled with a hold":                {10_00, payment.Manual, authorized, "order_cancelled", []string{requested, yes, authorized, released}, []string{"authorize:1 approved", "release:1 approved"}, "the hold of 10.00 EUR was released because order 2026/11/000042 was cancelled: wrong customer"},
		"expired with the money":               {10_00, payment.Automatic, captured, "order_expired", []string{requested, yes, authorized, captured, refunded}, []string{"authorize:1 approved", "capture:1 approved", "refund:1 approved"}, "10.00 EUR refunded because order 2026/11/000042 expired: not paid in time"},
		"paid by another payment":              {10_00, payment.Automatic, captured, "order_paid", []string{requested, yes, authorized, captured, refunded}, []string{"authorize:1 approved", "capture:1 approved", "refund:1 approved"}, "10.00 EUR refunded because order 2026/11/000042 was paid by another payment"},
		"refused, and the refund refused once": {10_09, payment.Automatic, captured, "order_payment_refused", []string{requested, yes, authorized, captured, refunded}, []string{"authorize:1 approved", "capture:1 approved", "refund:1 refused", "refund:2 approved"}, "10.09 EUR refunded because order 2026/11/000042 does not take it: it is of another amount"},
		"a refund without an answer":           {10_16, payment.Automatic, captured, "order_expired", []string{requested, yes, authorized, captured, refunded}, []string{"authorize:1 approved", "capture:1 approved", "refund:1 approved"}, "10.16 EUR refunded because order 2026/11/000042 expired: not paid in time"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := *h
			h.t = t
			// given a payment for an order, as far as the order ends
			order := uuid.NewString()
			id, events := acceptedFor(order, test.minor, test.method)
			h.publish(submitted(order)...)
			if test.until == requested {
				events = events[:1]
			}
			h.publish(events...)
			h.story(id, test.until)

			other := ""
			if test.end == "order_paid" {
				other, events = acceptedFor(order, 10_00, payment.Automatic)
				h.publish(events...)
				h.story(other, captured)
			}

			// when the order ends, which is received twice
			end := ofOrder(order, test.end, strings.NewReplacer("{payment}", id, "{other}", other).Replace(ends[test.end]))
			h.publish(end, end)

			// then the money is let go, and the people are told why
			h.eventually(strings.Join(test.events, ", "), func() bool { return slices.Equal(h.confirmed(id), test.events) })
			if got := h.records(id); !slices.Equal(got, test.records) {
				t.Errorf("the gateway's records are %v, not %v", got, test.records)
			}
			h.agree(id)
			if alarm := `payment_alarms_total{reason="refund_refused",service="payments-core"} 1`; slices.Contains(test.records, "refund:1 refused") && !strings.Contains(h.metrics(), alarm) {
				t.Errorf("the metrics lack %s", alarm)
			}
			if got := h.words(id); got[len(got)-1] != test.words {
				t.Errorf("people read %q, not %q", got[len(got)-1], test.words)
			}
		})
	}
}

// TestEitherMayBeHeardFirst: the topics are not ordered against each other.
func TestEitherMayBeReceivedFirst(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	h.start()
	// given an order that is known to be dead before its payment is known
	order := uuid.NewString()
	h.publish(append(submitted(order), ofOrder(order, "order_expired", `{"reason": "not paid in time"}`))...)
	h.eventually("the order's end", func() bool {
		var n int
		err := h.db.Pool().QueryRow(t.Context(), "select count(*) from journal where type = 'order_expired'").Scan(&n)
		return err == nil && n == 1
	})

	// when the payment is requested and accepted
	id, events := acceptedFor(order, 10_00, payment.Automatic)
	h.publish(events...)

	// then it is cancelled, and the gateway is never asked
	h.story(id, cancelled)
	h.story(id, yes)
	if got := h.operations(id); len(got) > 0 {
		t.Errorf("there are operations: %v", got)
	}
}

func (h *harness) metrics() string {
	h.t.Helper()
	response, err := http.Get("http://" + h.cfg.AdminAddr + "/metrics")
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// words are a payment's timeline.
func (h *harness) words(id string) (words []string) {
	h.t.Helper()
	stream, err := journal.New(h.db, "/payments-core").Read(h.t.Context(), payment.Stream(id))
	if err != nil {
		h.t.Fatal(err)
	}
	var entries []payment.Entry
	for _, record := range stream.Records {
		entries = append(entries, payment.Entry{Event: record.Event, Confirmed: record.Log > 0})
	}
	_, steps := payment.Fold(entries)
	for _, step := range steps {
		words = append(words, locale.English.Write(paymentview.StepText(step)))
	}
	return words
}
