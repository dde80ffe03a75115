package reconcile

import (
	"encoding/json"
	"fmt"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/money"
)

const lookAtPayment = "compare \"Evidence\" on the payment's page with the gateway's statement, and put it right at the gateway; the topics cannot be changed"

// payment compares a payment by what the topic says, in the copies, and in what was asked of the gateway.
func (s *stream) payment(id string, agreed []aggregate.Entry) error {
	p, steps := payment.Fold(agreed)
	s.report.Compared.Payments++
	s.decisions(id, steps)
	s.sums(id, p)
	fold := func(of *inService) payment.Payment {
		if of.has(agreed) {
			return p
		}
		folded, _ := payment.Fold(of.entries)
		return folded
	}
	for _, of := range s.copies(ContractorUI, ManagerUI) {
		s.copied(of, paymentRow(fold(of)), "decision", "money", "currency")
	}
	for _, of := range s.copies(PaymentsCore) {
		if err := s.operations(id, fold(of), of.docs(operationRow)); err != nil {
			return err
		}
	}
	if p.Exists() && p.OrderID != "" {
		return s.facts.add(fact{Order: p.OrderID, Payment: factOf(p)}, 300)
	}
	return nil
}

func (s *stream) decisions(id string, steps []payment.Step) {
	stands := ""
	for _, step := range steps {
		switch typ := step.Entry.Type; {
		case !step.Effect:
		case typ == payment.TypeReopened && stands == payment.TypeAccepted:
			stands = ""
		case typ == payment.TypeReopened:
			s.differ(Decision, "topics", lookAtPayment, "payment %s was reopened, and %q stood", id, stands)
		case typ == payment.TypeAccepted || typ == payment.TypeRejected || typ == payment.TypeWithdrawn:
			if stands != "" {
				s.differ(Decision, "topics", lookAtPayment, "%s of payment %s took effect, and %s stood", typ, id, stands)
			}
			stands = typ
		}
		if !step.Effect && step.Refusal == nil {
			s.differ(Decision, "topics", lookAtPayment, "%s of payment %s had no effect, without a reason", step.Entry.Type, id)
		}
	}
}

func (s *stream) sums(id string, p payment.Payment) {
	if !p.Exists() {
		return // events about a payment that nobody requested
	}
	if p.CapturedAmount.Minor+p.ReleasedAmount.Minor > p.AuthorizedAmount.Minor || p.RefundedAmount.Minor > p.CapturedAmount.Minor {
		s.differ(Money, "topics", lookAtPayment, "of payment %s are %s authorized, %s captured, %s released, %s refunded", id,
			p.AuthorizedAmount, p.CapturedAmount, p.ReleasedAmount, p.RefundedAmount)
	}
	for _, amount := range []money.Amount{p.AuthorizedAmount, p.CapturedAmount, p.ReleasedAmount, p.RefundedAmount} {
		if amount.Currency != p.Amount.Currency {
			s.differ(Money, "topics", lookAtPayment, "in payment %s are %s and %s", id, p.Amount.Currency, amount.Currency)
		}
	}
}

// operations compares what succeeded at the gateway with what the core's journal says. Both are written in
// one transaction.
func (s *stream) operations(id string, p payment.Payment, docs [][]byte) error {
	succeeded := map[payment.OperationKind]bool{}
	for _, doc := range docs {
		var o struct {
			Kind  payment.OperationKind
			State string
		}
		if err := json.Unmarshal(doc, &o); err != nil {
			return fmt.Errorf("read an operation of payment %s: %w", id, err)
		}
		s.report.Compared.Operations++
		if o.State == "succeeded" {
			succeeded[o.Kind] = true
		}
	}
	const do = "look at `payments-core operations` and at the gateway's statement, and restore the core's database; see \"Backups\" in docs/operations.md"
	if len(docs) > 0 && !p.Exists() {
		s.differ(Operation, PaymentsCore, do, "there are operations for payment %s, and nobody has requested it", id)
		return nil
	}
	for _, fact := range []struct {
		kind payment.OperationKind
		act  payment.Act
	}{{payment.Authorize, p.Authorized}, {payment.Capture, p.Captured}, {payment.Refund, p.Refunded}} {
		if succeeded[fact.kind] != fact.act.Done() {
			s.differ(Operation, PaymentsCore, do, "%s of payment %s succeeded: %t, and by its events: %t", fact.kind, id, succeeded[fact.kind], fact.act.Done())
		}
	}
	if succeeded[payment.Release] && !p.Released.Done() { // a hold also ends by itself, and by a refused capture
		s.differ(Operation, PaymentsCore, do, "the hold of payment %s was released, and not by its events", id)
	}
	return nil
}
