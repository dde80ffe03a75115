package order_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/money"
)

// Whatever is commanded, in whatever order, the order's invariants hold after each step, and a copy that
// receives everything twice, and another's events in between, folds to the same order.
func TestOrderMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries, received []order.Entry
		payments := []string{paymentID, otherID, customerID}
		t.Repeat(map[string]func(*rapid.T){
			"command": func(t *rapid.T) {
				before := given(entries)
				n := rapid.OneOf(rapid.Int64Range(-1, 5), rapid.SampledFrom([]int64{1_000_000, 1_000_000_000})).Draw(t, "n")
				product := rapid.SampledFrom([]order.Product{drill, saw, {ID: otherID, SKU: "G", Name: "Gold", Price: eur(money.Max / 3)}}).Draw(t, "product")
				current := map[string]order.Product{drillID: drill, sawID: saw, otherID: {ID: otherID, Price: eur(money.Max / 3)}}
				payment := rapid.SampledFrom(payments).Draw(t, "payment")
				var body order.Body
				var err error
				switch rapid.SampledFrom([]string{"add", "add", "add", "remove", "customer", "discount", "reset", "submit", "pay", "expire", "cancel", "refuse", "draft"}).Draw(t, "what") {
				case "draft":
					body = order.Draft(orderID, "ada")
				case "add":
					body, err = before.Add(product, n)
				case "remove":
					body, err = before.Remove(product.ID, n)
				case "customer":
					body, err = before.ChooseCustomer(customerID, "Hotel Sonne", n < 0)
				case "discount":
					body, err = before.SetDiscount(n * 1111)
				case "reset":
					body, err = before.ResetDiscount()
				case "submit":
					body, err = before.Submit(order.Submission{Sequence: before.Sequence, Total: before.Total, Current: current, Number: "2026/11/000042", ExpiresAt: t0})
				case "pay":
					body, err = before.Pay(payment, before.Total, "ada")
				case "expire":
					if n == 1 {
						body, err = before.Expire("")
					}
				case "cancel":
					if n == 1 {
						body, err = before.Cancel("no longer wanted", order.ByManager)
					}
				case "refuse":
					body, err = before.RefusePayment(payment, "late")
				}
				if err != nil || body == nil {
					return
				}
				entries = more(entries, ada, body)
				last := entries[len(entries)-1]
				foreign := last
				foreign.Source = "/manager-ui"
				received = append(received, foreign, last, last)

				after, steps := order.Fold(entries)
				step := steps[len(steps)-1]
				if _, again := body.(order.Drafted); !step.Effect && !again {
					t.Fatalf("a command's event has no effect: %v", step.Refusal)
				}
				if orderview.StepText(step) == "" || after.Sequence != int64(len(entries)) {
					t.Fatalf("%q, sequence %d of %d", orderview.StepText(step), after.Sequence, len(entries))
				}
				if before.Ended() && (after.State != before.State || after.PaidBy != before.PaidBy) {
					t.Fatalf("%s became %s", before.State, after.State)
				}
				if before.Exists() && before.State != order.StateDraft && (!reflect.DeepEqual(before.Lines, after.Lines) || before.Total != after.Total) {
					t.Fatalf("changed after the submit: %+v, %+v", before, after)
				}
			},
			"": func(t *rapid.T) {
				o := given(entries)
				var subtotal int64
				for _, l := range o.Lines {
					if l.Quantity < 1 || l.Total.Minor != l.Price.Minor*l.Quantity {
						t.Fatalf("line %+v", l)
					}
					subtotal += l.Total.Minor
				}
				if o.Subtotal.Minor != subtotal || o.Total.Minor != subtotal-order.DiscountOf(o.Subtotal, o.BasisPoints).Minor || subtotal > money.Max {
					t.Fatalf("subtotal %s, total %s of %+v", o.Subtotal, o.Total, o.Lines)
				}
				if (o.State == order.StatePaid) != (o.PaidBy != "") {
					t.Fatalf("%s, paid by %q", o.State, o.PaidBy)
				}
				for _, r := range o.Refused {
					if r.PaymentID == o.PaidBy {
						t.Fatal("paid by a payment that it refused")
					}
				}
				if copied, _ := order.Fold(received); !reflect.DeepEqual(copied, o) {
					t.Fatalf("a copy has %+v, not %+v", copied, o)
				}
				cut := rapid.IntRange(0, len(entries)).Draw(t, "prefix")
				_, steps := order.Fold(entries)
				if prefix := given(entries[:cut]); cut > 0 && !reflect.DeepEqual(prefix, steps[cut-1].Order) {
					t.Fatalf("folded to %d: %+v, not %+v", cut, prefix, steps[cut-1].Order)
				}
			},
		})
	})
}
