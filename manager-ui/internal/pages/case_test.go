package pages_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/ordertest"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// expiredOrder is an order that expired while its payment was captured, with all that came of it.
type expiredOrder struct {
	order, payment string
	events         []event.Event
}

func anExpiredOrder() (x expiredOrder) {
	x.order = uuid.Must(uuid.NewV7()).String()
	total := money.Amount{Minor: 125000, Currency: "EUR"}
	h := ordertest.Submitted(x.order, total)
	h.Now = noon.Add(time.Hour)
	expired := h.Append(event.Meta{}, order.Expired{Reason: "not paid in time"})
	x.payment = uuid.Must(uuid.NewV7()).String()
	request := written("/contractor-ui", x.payment, ordertest.Ada, payment.Requested{PaymentID: x.payment, ContractorID: ordertest.Ada.Actor, Amount: total,
		Description: "Order 2026/11/000042", Reference: "P-2026-000042", OrderID: x.order, CaptureMethod: payment.Automatic}, 1)
	accept := written("/manager-ui", x.payment, event.Meta{Actor: "mia-weber", ActorName: "Mia Weber", CorrelationID: "request-7"}, payment.Accepted{Note: "<b>fine</b>"}, 30)
	hold := written("/payments-core", x.payment, event.CausedBy(accept), payment.Authorized{GatewayReference: "auth_1"}, 61)
	release := written("/payments-core", x.payment, event.CausedBy(expired), payment.Released{Reason: "order 2026/11/000042 expired: not paid in time"}, 62)
	x.events = append(h.Events(), request, accept, hold, release)
	return x
}

func TestACaseShowsEveryStepOfAPaymentAndItsOrder(t *testing.T) {
	o := open(t, nowhere)
	x := anExpiredOrder()
	o.receive(x.events...)
	iris := o.manager("iris-hahn")

	// when an auditor goes on from the payment's page
	page := iris.get(iris.get("/payments/" + x.payment).is(http.StatusOK).leads("See every step"))

	// then all steps of both streams are there, with what took how long, what caused what, and where Kafka holds each
	page.is(http.StatusOK, "History of Payment P-2026-000042", "9 steps", "within 1 h 2 min", "Order 2026/11/000042", "Ada Nowak asked for", "Mia Weber, in manager-ui",
		"payments-core, with the gateway", `because of <a href="#step-6">step 6</a> 31 min before`,
		"the process manager of payments-core, which gives back what an order cannot use", `because of <a href="#step-7">step 7</a> 2 min before`,
		"ordering-core, which watches the time", "payments/0/7", "orders/0/5", "&lt;b&gt;fine&lt;/b&gt;")
	page.without("<b>fine")
	if dots, arrows := strings.Count(page.text, "lane-dot "), strings.Count(page.text, "lane-arrow"); dots != 9 || arrows != 2 {
		t.Errorf("the picture has %d dots and %d arrows", dots, arrows)
	}
	// and the order's case has the same
	iris.get(iris.get("/orders/"+x.order).leads("See every step")).is(http.StatusOK, "History of Order 2026/11/000042", "9 steps")
	// and what began with one request is a case of its own
	iris.get("/history/cases/correlation/request-7").is(http.StatusOK, "2 steps", "Mia Weber accepted it", "put on hold")
}

func TestACaseIsOnRecordAndForWhoMayLook(t *testing.T) {
	o := open(t, nowhere)
	x := anExpiredOrder()
	o.receive(x.events...)
	iris, path := o.manager("iris-hahn"), "/history/cases/payment/"+x.payment
	for range 3 { // a page that refreshes itself
		iris.get(path).is(http.StatusOK)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.sessions.KeepSecurityLog(ended)
	log := iris.get("/security?tab=acts").is(http.StatusOK, "Looked at every step of a case", "kind=payment id="+x.payment)
	if n := strings.Count(log.text, "Looked at every step"); n != 1 {
		t.Errorf("%d looks are on record", n)
	}
	mia := o.manager("mia-weber")
	mia.get(path).is(http.StatusForbidden, "You may not look at events")
	mia.get("/payments/" + x.payment).without("See every step")
	mia.get("/orders/" + x.order).without("See every step")
	for _, path := range []string{"/history/cases/payment/" + uuid.NewString(), "/history/cases/payment/x", "/history/cases/order/1", "/history/cases/odd/1",
		"/history/cases/correlation/unknown", "/history/cases/correlation/%00", "/history/cases/correlation/%ff", "/history/cases/correlation/" + strings.Repeat("x", 300)} {
		iris.get(path).is(http.StatusNotFound, "There is nothing on record about that")
	}
}
