package releasing_test

import (
	"strings"
	"testing"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
)

// TestTheWordsSayWhatTheProcessManagerDoes: what pages say comes next is what is commanded.
func TestTheWordsSayWhatTheProcessManagerDoes(t *testing.T) {
	words := map[releasing.Kind]string{releasing.Cancel: "; it is cancelled", releasing.Release: "; the hold is released", releasing.Refund: "; the money is refunded"}
	for orderName, entries := range map[string][]order.Entry{
		"none": nil, "draft": drafted(), "submitted": submitted(), "expired": submitted(expired), "cancelled": submitted(cancelled), "paid by it": submitted(paidByOne),
		"paid by another": submitted(paidByTwo), "refused": submitted(refused), "refused, without an order": nothingYet(refused),
	} {
		for paymentName, bodies := range map[string][]payment.Body{
			"requested": happened(requested), "accepted": happened(requested, accepted), "authorized": happened(requested, accepted, authorized),
			"captured": happened(requested, accepted, authorized, captured), "declined": happened(requested, accepted, declined), "declined for good": happened(requested, accepted, finally),
			"withdrawn": happened(requested, withdrawn), "rejected": happened(requested, rejected), "released": happened(requested, accepted, authorized, released),
			"refunded": happened(requested, accepted, authorized, captured, refunded),
		} {
			o, p := releasing.Fold(orderID, entries), ofPayment(one, bodies...)
			said := orderview.NextOf(p.Payment, o.Order, payment.NoOperation)
			commands := releasing.Commands(o, p)
			if len(commands) == 1 && !strings.Contains(said, words[commands[0].Kind]) {
				t.Errorf("order %s, payment %s: %s is commanded, and the words are %q", orderName, paymentName, commands[0].Kind, said)
			}
			for kind, word := range words {
				if strings.Contains(said, word) && (len(commands) != 1 || commands[0].Kind != kind) {
					t.Errorf("order %s, payment %s: the words are %q, and the commands %v", orderName, paymentName, said, commands)
				}
			}
			// while the gateway is asked, nothing is commanded, and the words say what is awaited
			if p.Asked = true; p.CanCapture() == nil && o.Refuses(one) {
				if said := orderview.NextOf(p.Payment, o.Order, payment.Capture); len(releasing.Commands(o, p)) > 0 || !strings.HasSuffix(said, "; the capture is under way; then it will be refunded.") {
					t.Errorf("order %s, payment %s, being captured: %q", orderName, paymentName, said)
				}
			}
		}
	}
}
