package testsystem

import (
	"maps"
	"testing"

	"github.com/jackc/pgx/v5"

	"countersign.example/deploy/reconcile"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/payment"
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
	s.CheckRecords(tb)
	return s.Topic(tb)
}

// CheckRecords is CheckInvariants for any number of payments: it does not keep their events.
func (s *System) CheckRecords(tb testing.TB) {
	tb.Helper()
	report := s.Reconcile(tb)
	for _, difference := range report.Differences {
		tb.Errorf("DIFFERENCE: %s", difference)
	}
	if report.UnderWay > 0 {
		tb.Errorf("DIFFERENCE: the money of %d orders is under way, and nothing should be", report.UnderWay)
	}
	s.checkHolds(tb)
	if report.Count == 0 {
		// The core's own comparison must come to the same.
		if out, err := s.Command(tb.Context(), Core, "reconcile").CombinedOutput(); err != nil {
			tb.Errorf("DIFFERENCE: %s reconcile: %v\n%s", Core, err, out)
		}
	}
}

// checkHolds compares the gateway's holds, of which it tells nobody, with the payments of the core's journal:
// one each, with the same money.
func (s *System) checkHolds(tb testing.TB) {
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
	type settled struct{ PaymentID, Kind string }
	// What an operator has settled the gateway has not done, or does not say.
	settledByHand := map[settled]bool{}
	for _, of := range rows(tb, s.Database[Core], "select payment_id, kind from operations where state = 'succeeded' and handled_by <> ''", pgx.RowToStructByPos[settled]) {
		settledByHand[of] = true
	}
	held := map[string]hold{}
	for _, h := range holds {
		if _, twice := held[h.PaymentID]; twice {
			tb.Errorf("DIFFERENCE: payment %s: the gateway holds its money twice", h.PaymentID)
		}
		held[h.PaymentID] = h
	}
	conn, err := pgx.Connect(tb.Context(), s.Database[Core])
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(tb.Context()) }()
	err = eachPayment(tb.Context(), conn, func(id string, p payment.Payment) error {
		h, there := held[id]
		delete(held, id)
		released := int64(0)
		if byHand[id] {
			released = p.ReleasedAmount.Minor
		}
		if settledByHand[settled{id, "release"}] {
			released = h.Released
		}
		refunded := p.RefundedAmount.Minor
		if settledByHand[settled{id, "refund"}] {
			refunded = h.Refunded
		}
		switch authorized := p.Authorized.Done(); {
		case authorized != there:
			tb.Errorf("DIFFERENCE: payment %s: authorized by its events: %t, a hold at the gateway: %t", id, authorized, there)
		case there && (h.Captured != p.CapturedAmount.Minor || h.Refunded != refunded || h.Released != released || h.Currency != p.Amount.Currency):
			tb.Errorf("DIFFERENCE: payment %s: the gateway has %d captured, %d released, %d refunded (%s); by its events it is %s, %s, %s", id,
				h.Captured, h.Released, h.Refunded, h.Currency, p.CapturedAmount, p.ReleasedAmount, p.RefundedAmount)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	for id := range held {
		tb.Errorf("DIFFERENCE: payment %s: the gateway holds money for it, and %s does not know it", id, Core)
	}
}
