package paymentview_test

import (
	"reflect"
	"testing"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
)

const (
	rowID    = "0190b1f0-0000-7000-8000-000000000001"
	orderID  = "0190b1f0-0000-7000-8000-000000000002"
	beforeID = "0190b1f0-0000-7000-8000-000000000003"
)

// at is a minute of the test's hour; events have times that are finer than what is kept.
func at(minute int) time.Time { return time.Date(2026, 11, 23, 12, minute, 0, 123456000, time.UTC) }

// streamOf has events by these people, one a minute, confirmed but for the last pending ones.
func streamOf(pending int, events ...event.Event) journal.Stream {
	s := journal.Stream{ID: payment.Stream(rowID), Version: int64(len(events)), Log: int64(len(events) - pending)}
	for i, e := range events {
		r := journal.Record{Event: e, Stream: s.ID, Version: int64(i + 1)}
		if i < len(events)-pending {
			r.Log = int64(i + 1)
		}
		s.Records = append(s.Records, r)
	}
	return s
}

func TestRowOf(t *testing.T) {
	ada, mia := event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}, event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}
	by := func(minute int, who event.Meta, b payment.Body) event.Event {
		e := payment.New(payment.Writer(b.EventType()), rowID, b)
		e.Meta, e.Time = who, at(minute).Add(789)
		return e
	}
	asked := by(1, ada, payment.Requested{PaymentID: rowID, ContractorID: "ada-nowak", Amount: money.Amount{Minor: 125000, Currency: "EUR"},
		Description: "Order 2026/11/000042", OrderID: orderID, Supersedes: beforeID, CaptureMethod: payment.Manual})
	accepted := by(2, mia, payment.Accepted{Note: "fine"})
	authorized := by(3, event.Meta{}, payment.Authorized{GatewayReference: "g1"})
	order, before := orderID, beforeID
	decided := func(minute int) *time.Time { at := at(minute); return &at }
	row := func(change func(*paymentview.Row)) paymentview.Row {
		r := paymentview.Row{
			ID: rowID, ContractorID: "ada-nowak", ContractorName: "Ada Nowak", Currency: "EUR", Description: "Order 2026/11/000042",
			OrderID: &order, Supersedes: &before, CaptureMethod: "manual", RequestedAt: at(1),
		}
		change(&r)
		return r
	}
	for name, test := range map[string]struct {
		stream journal.Stream
		want   paymentview.Row
	}{
		"requested": {streamOf(0, asked), row(func(r *paymentview.Row) {
			r.Revision, r.Decision, r.UpdatedAt = 2, "requested", at(1)
		})},
		"accepted, pending": {streamOf(1, asked, accepted), row(func(r *paymentview.Row) {
			r.Revision, r.Decision, r.UpdatedAt, r.Pending = 3, "accepted", at(2), true
			r.DecidedByName, r.DecidedAt = "Mia Weber", decided(2)
		})},
		"accepted": {streamOf(0, asked, accepted), row(func(r *paymentview.Row) {
			r.Revision, r.Decision, r.UpdatedAt, r.DecidedByName, r.DecidedAt = 4, "accepted", at(2), "Mia Weber", decided(2)
		})},
		"reopened": {streamOf(0, asked, accepted, by(3, mia, payment.Reopened{AcceptanceID: accepted.ID.String()})), row(func(r *paymentview.Row) {
			r.Revision, r.Decision, r.UpdatedAt = 6, "requested", at(3)
		})},
		"rejected": {streamOf(0, asked, by(2, mia, payment.Rejected{Reason: "no invoice"})), row(func(r *paymentview.Row) {
			r.Revision, r.Decision, r.UpdatedAt, r.DecidedByName, r.DecidedAt = 4, "rejected", at(2), "Mia Weber", decided(2)
		})},
		"cancelled": {streamOf(0, asked, by(2, mia, payment.Cancelled{Reason: "its order died"})), row(func(r *paymentview.Row) {
			r.Revision, r.Decision, r.UpdatedAt, r.DecidedByName, r.DecidedAt = 4, "cancelled", at(2), "Mia Weber", decided(2)
		})},
		"stuck": {streamOf(0, asked, accepted, authorized, by(4, event.Meta{}, payment.Stuck{Operation: payment.Capture, Reason: "no"})), row(func(r *paymentview.Row) {
			r.Revision, r.Decision, r.Money, r.Stuck, r.UpdatedAt = 8, "accepted", "authorized", "capture", at(4)
			r.DecidedByName, r.DecidedAt = "Mia Weber", decided(2)
		})},
		"declined for good": {streamOf(0, asked, accepted, by(3, event.Meta{}, payment.Declined{Code: "never", Final: true})), row(func(r *paymentview.Row) {
			r.Revision, r.Decision, r.Money, r.Final, r.UpdatedAt = 6, "accepted", "declined", true, at(3)
			r.DecidedByName, r.DecidedAt = "Mia Weber", decided(2)
		})},
	} {
		if got, _, ok := paymentview.RowOf(test.stream); !ok || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, not %+v", name, got, test.want)
		}
	}
	if _, _, ok := paymentview.RowOf(streamOf(0, accepted)); ok {
		t.Error("a row of what nobody has requested")
	}
}
