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

	// then all steps of both streams are there, with what took how long, what caused what, and where Kafka
	// holds each
	page.is(http.StatusOK, "History of Payment P-2026-000042", "9 steps", "within 1 h 2 min", "Order 2026/11/000042", "Ada Nowak asked for", "Mia Weber, in manager-ui",
		"payments-core, with the gateway", `because of <a href="#step-6">step 6</a> 31 min before`,
		"the process manager of payments-core, which gives back what an order cannot use", `because of <a href="#step-7">step 7</a> 2 min before`,
		"ordering-core, which watches the time", "payments/0/7", "orders/0/5", "&lt;b&gt;fine&lt;/b&gt;")
	page.without("<b>fine")
	if dots, arrows := strings.Count(page.text, "lane-dot "), strings.Count(page.text, "lane-arrow"); dots != 9 || arrows != 2 {
		t.Errorf("the picture has %d dots and %d arrows", dots, arrows)
	}
	// and where the newest event is, and what is waited for
	page.is(http.StatusOK, "Where it is now", "payments/0/9: topic, partition and offset", "manager-ui’s consumer", "Lists and pages are as of this event", "It waits for the pusher",
		"ordering-core’s consumer", "Not known here", "It expired. What is held or taken for it goes back.", "It has ended. Nothing is left to do.")
	// and an order's parts are at the revisions of their rows, by which an open page refreshes
	page.is(http.StatusOK, `data-live-parts="payment-`+x.payment+`@8 order-`+x.order+`@18"`)
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

func TestACaseSaysWhatIsWaitedForAndWhereItIs(t *testing.T) {
	o := open(t, nowhere)
	x := anExpiredOrder()
	iris := o.manager("iris-hahn")
	path := "/history/cases/payment/" + x.payment

	// given a payment that waits for a manager
	o.receive(x.events[:4]...)
	o.receive(x.events[5])
	iris.get(path).is(http.StatusOK, "A manager has to accept or reject it.", "It waits for a captured payment of its total, until it expires.")

	// when one accepts it here, then the event is on its way
	mia := o.manager("mia-weber")
	mia.post("/payments/" + x.payment + "/accept").is(http.StatusOK)
	iris.get(path).is(http.StatusOK, "It waits for the relay, which signs and publishes it.", "It has not come back from its topic.", "Not in Kafka yet",
		"The hold is under way at the gateway, or begins shortly.", "Lists and pages are as of this event.")

	// when the order expires
	o.receive(x.events[4])
	iris.get(path).is(http.StatusOK, "The order expired; it is cancelled; a hold that the gateway is being asked for is awaited, and will be released.")
}

// What this version does not know is on record, and makes no payment.
func TestACaseOfUnknownEventsAlone(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	for _, subject := range []string{uuid.NewString(), "no-uuid"} {
		odd := requested(ada, 100, "Kitchen", 0)
		odd.Type, odd.Subject, odd.CorrelationID = "payment_renamed", subject, "request-of-"+subject
		o.receive(odd)
		iris.get("/history/cases/correlation/"+odd.CorrelationID).is(http.StatusOK, "1 step", "payment_renamed")
		iris.get("/history/streams/payment-"+subject).is(http.StatusOK, "payment_renamed")
	}
}

func TestACaseIsBounded(t *testing.T) {
	o := open(t, nowhere)
	iris, id := o.manager("iris-hahn"), uuid.NewString()
	var events []event.Event
	for i := range 620 {
		e := requested(ada, 100, "Kitchen", i)
		e.Subject = id
		events = append(events, e)
	}
	o.receive(events...)
	page := iris.get("/history/cases/payment/"+id).is(http.StatusOK, "500 steps", "Only the newest 500 events are shown here.")
	if len(page.text) > 1_500_000 {
		t.Errorf("the page has %d bytes", len(page.text))
	}
	iris.get("/history/streams/payment-"+id).is(http.StatusOK, "It has too many events for its states to be shown.")
}
