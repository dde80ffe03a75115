package testsystem

import (
	"maps"
	"testing"

	"github.com/jackc/pgx/v5"

	"countersign.example/deploy/reconcile"
	"countersign.example/payments-core/gateway"
)

// ReconcileConfig is where the system's parts are.
func (s *System) ReconcileConfig() reconcile.Config {
	return reconcile.Config{Databases: maps.Clone(s.Database), Kafka: s.Parts.Connection, Gateway: gateway.ClientConfig{URL: s.URL(Gateway), Token: gatewayToken}}
}

// Reconcile compares all that the system has on record.
func (s *System) Reconcile(tb testing.TB) reconcile.Report {
	tb.Helper()
	report, err := reconcile.Run(tb.Context(), s.ReconcileConfig())
	if err != nil {
		tb.Fatalf("reconcile: %v", err)
	}
	return report
}

// CheckInvariants holds what every part has on record, once it has settled, against the topics and against
// each other, as `countersign reconcile` does, and the gateway's own books against the payments. Every
// difference is an error of the test. It returns what the topic says of payments, for the test's own
// questions.
func (s *System) CheckInvariants(tb testing.TB) map[string]Story {
	tb.Helper()
	report := s.Reconcile(tb)
	for _, difference := range report.Differences {
		tb.Errorf("DIFFERENCE: %s", difference)
	}
	if report.UnderWay > 0 {
		tb.Errorf("DIFFERENCE: the money of %d orders is under way, and nothing should be", report.UnderWay)
	}
	topic := s.Topic(tb)
	s.checkHolds(tb, topic)
	if report.Count == 0 {
		// The core's own comparison must come to the same.
		s.Run(Core, "reconcile")
	}
	return topic
}

// checkHolds compares the gateway's holds, of which it tells nobody, with the payments: one each, with the
// same money.
func (s *System) checkHolds(tb testing.TB, topic map[string]Story) {
	tb.Helper()
	type hold struct {
		PaymentID                    string
		Captured, Released, Refunded int64
		Currency                     string
	}
	holds := rows(tb, s.Database[Gateway], "select payment_id, captured, released, refunded, currency from holds", pgx.RowToStructByPos[hold])
	byHand := map[string]bool{} // a hold also ends by itself, and by a refused capture: then nothing is released
	for _, id := range rows(tb, s.Database[Core], "select payment_id from operations where kind = 'release' and state = 'succeeded'", pgx.RowTo[string]) {
		byHand[id] = true
	}
	seen := map[string]bool{}
	for _, h := range holds {
		p := topic[h.PaymentID].Payment
		if seen[h.PaymentID] {
			tb.Errorf("DIFFERENCE: payment %s: the gateway holds its money twice", h.PaymentID)
		}
		seen[h.PaymentID] = true
		released := int64(0)
		if byHand[h.PaymentID] {
			released = p.ReleasedAmount.Minor
		}
		if h.Captured != p.CapturedAmount.Minor || h.Refunded != p.RefundedAmount.Minor || h.Released != released || h.Currency != p.Amount.Currency {
			tb.Errorf("DIFFERENCE: payment %s: the gateway has %d captured, %d released, %d refunded (%s); by the topic it is %s, %s, %s", h.PaymentID,
				h.Captured, h.Released, h.Refunded, h.Currency, p.CapturedAmount, p.ReleasedAmount, p.RefundedAmount)
		}
	}
	for id, story := range topic {
		if authorized := story.Payment.Authorized.Done(); authorized != seen[id] {
			tb.Errorf("DIFFERENCE: payment %s: authorized by the topic: %t, a hold at the gateway: %t", id, authorized, seen[id])
		}
	}
}
