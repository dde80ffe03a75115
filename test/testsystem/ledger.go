package testsystem

import (
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/payment"
)

// operation is what payments-core asked of the gateway, and request what the gateway wrote down.
type (
	operation struct {
		PaymentID, Kind, Key, State string
		Amount                      int64
		Currency                    string
	}
	request struct {
		Key, PaymentID, Kind, Outcome string
		Amount                        int64
	}
	hold struct {
		PaymentID                    string
		Captured, Released, Refunded int64
		Currency                     string
	}
)

// money compares payments with the core's operations, and those with the gateway's own record.
func (o *oracle) money() {
	operations := rows(o.tb, o.system.Database[Core], `select payment_id, kind, key, state, amount, currency from operations order by id`,
		pgx.RowToStructByPos[operation])
	requests := rows(o.tb, o.system.Database[Gateway], `select key, payment_id, kind, coalesce(outcome, ''), amount from requests`,
		pgx.RowToStructByPos[request])
	holds := rows(o.tb, o.system.Database[Gateway], `select payment_id, captured, released, refunded, currency from holds`,
		pgx.RowToStructByPos[hold])

	succeeded := map[string]map[payment.OperationKind]bool{}
	byKey := map[string]request{}
	for _, r := range requests {
		byKey[r.Key] = r
	}
	for _, op := range operations {
		if _, ok := o.topic[op.PaymentID]; !ok {
			o.report("the core has %s for payment %s, which is not in the topic", op.Kind, op.PaymentID)
		}
		if op.State == "succeeded" {
			if succeeded[op.PaymentID] == nil {
				succeeded[op.PaymentID] = map[payment.OperationKind]bool{}
			}
			succeeded[op.PaymentID][payment.OperationKind(op.Kind)] = true
		}
		o.key(op, byKey[op.Key])
		delete(byKey, op.Key)
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		o.report("key %s: the gateway has a record of it, and payments-core never asked", key)
	}
	for _, id := range ids(o.topic) {
		o.asked(id, o.topic[id].Payment, succeeded[id])
	}
	o.holds(holds, succeeded)
}

// key compares one operation with the gateway's record of its key.
func (o *oracle) key(op operation, r request) {
	want := map[string]string{"succeeded": "approved", "failed": "refused", "open": r.Outcome}[op.State]
	switch {
	case r.Key == "" && op.State != "open":
		o.report("key %s: ours %s, and the gateway has no record of it", op.Key, op.State)
	case r.Key != "" && (r.Outcome != want || r.Kind != op.Kind || r.PaymentID != op.PaymentID || r.Amount != op.Amount):
		o.report("key %s: ours %s of %d %s, the gateway's %s of %d %s", op.Key, op.Kind, op.Amount, op.State, r.Kind, r.Amount, r.Outcome)
	}
}

// asked compares what succeeded with what the payment's events say.
func (o *oracle) asked(id string, p payment.Payment, succeeded map[payment.OperationKind]bool) {
	for _, fact := range []struct {
		kind payment.OperationKind
		act  payment.Act
	}{{payment.Authorize, p.Authorized}, {payment.Capture, p.Captured}, {payment.Refund, p.Refunded}} {
		if succeeded[fact.kind] != fact.act.Done() {
			o.report("payment %s: %s succeeded at the gateway: %t, and in its events: %t", id, fact.kind, succeeded[fact.kind], fact.act.Done())
		}
	}
	if succeeded[payment.Release] && !p.Released.Done() { // a hold also ends by itself, and by a refused capture
		o.report("payment %s: its hold was released at the gateway, and not in its events", id)
	}
}

// holds compares the gateway's holds with the payments: one each, with the same money.
func (o *oracle) holds(holds []hold, succeeded map[string]map[payment.OperationKind]bool) {
	seen := map[string]bool{}
	for _, h := range holds {
		p := o.topic[h.PaymentID].Payment
		if seen[h.PaymentID] {
			o.report("payment %s: the gateway holds its money twice", h.PaymentID)
		}
		seen[h.PaymentID] = true
		released := int64(0)
		if succeeded[h.PaymentID][payment.Release] {
			released = p.ReleasedAmount.Minor
		}
		if h.Captured != p.CapturedAmount.Minor || h.Refunded != p.RefundedAmount.Minor || h.Released != released || h.Currency != p.Amount.Currency {
			o.report("payment %s: the gateway has %d captured, %d released, %d refunded (%s); by the topic it is %s, %s, %s", h.PaymentID,
				h.Captured, h.Released, h.Refunded, h.Currency, p.CapturedAmount, p.ReleasedAmount, p.RefundedAmount)
		}
	}
	for _, id := range ids(o.topic) {
		if o.topic[id].Payment.Authorized.Done() != seen[id] {
			o.report("payment %s: authorized by the topic: %t, a hold at the gateway: %t", id, o.topic[id].Payment.Authorized.Done(), seen[id])
		}
	}
}
