package processes

import (
	"testing"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/payment"
)

// TestOneOrderFromRequestToRefund tells the longest story once, in the words that people read.
func TestOneOrderFromRequestToRefund(t *testing.T) {
	w := newWorld()
	orderID, paymentID := id(1000), id(2000)
	w.orders, w.payments = []string{orderID}, []string{paymentID}
	// given a submitted order, whose payment is captured
	w.ordering.Do(orderID, "ada", func(order.Order) (order.Body, error) { return order.Draft(orderID, "ada"), nil })
	w.ordering.Do(orderID, "ada", func(o order.Order) (order.Body, error) { return o.Add(apple, 2) })
	w.ordering.Do(orderID, "ada", func(o order.Order) (order.Body, error) { return o.ChooseCustomer(apple.ID, "Meyer", false) })
	w.ordering.Do(orderID, "ada", w.submission(42))
	w.write("/contractor-ui", "ada", paymentID, payment.Requested{PaymentID: paymentID, ContractorID: "ada", OrderID: orderID,
		Amount: w.ordering.Order(orderID).Total, Description: "Order", CaptureMethod: payment.Automatic})
	w.write("/manager-ui", "mia", paymentID, payment.Accepted{})
	w.approve(w.cores[1]) // payments-core alone
	if got := w.core.Payment(paymentID).Money; got != payment.MoneyCaptured {
		t.Fatalf("the money is %q", got)
	}
	// when the order is cancelled before ordering-core receives that
	w.ordering.Do(orderID, "mia", func(o order.Order) (order.Body, error) { return o.Cancel("no longer wanted", order.ByManager) })
	w.approve(w.cores...)

	// then the money goes back, and the payment says why
	p := w.core.Payment(paymentID)
	if want := "order 2026/11/000042 was cancelled: no longer wanted"; p.Money != payment.MoneyRefunded || p.MoneyReason != want {
		t.Errorf("the money is %q: %s", p.Money, p.MoneyReason)
	}
	if refused := w.ordering.Order(orderID).Refused; len(refused) != 1 || refused[0].PaymentID != paymentID {
		t.Errorf("the order refused %v", refused)
	}
}

// approve has consumers receive everything, and the gateway do whatever it is asked, until all is at rest.
func (w *world) approve(consumers ...*consumer) {
	for busy := true; busy; {
		busy = w.exchange(consumers...)
		for _, id := range w.payments {
			if w.core.Asked(id) != payment.NoOperation {
				w.core.Answer(id, gateway.Result{Reference: "hold", ExpiresAt: w.core.Now.Add(time.Hour)})
				busy = true
			}
		}
	}
}
