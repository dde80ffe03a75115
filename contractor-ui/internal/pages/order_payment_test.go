package pages_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

func TestRequestingAnOrdersPayment(t *testing.T) {
	// given a submitted order
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address := ada.submitted(d.core)
	page := ada.get(address)

	// when its payment is requested, twice with one form
	asked := ada.press(page, address+"/payment", "", url.Values{"capture": {"automatic"}})
	ada.wants(ada.press(page, address+"/payment", "", url.Values{"capture": {"automatic"}}), http.StatusOK, address)

	// then there is one payment, of the order's total, which the order's page and its own link
	ada.wants(asked, http.StatusOK, address, "You asked for 25.00 EUR", "See the payment under way", "<bdi>Ada Nowak asked for 25.00 EUR")
	without(t, asked, "Request payment")
	id := d.paymentIn(asked)
	if n := strings.Count(ada.get("/").text, `id="payment-`); n != 1 {
		t.Errorf("%d payments", n)
	}
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", "Order 2026/11/000042", `<a href="`+address+`">2026/11/000042</a>`)
	ada.wants(ada.get("/orders"), http.StatusOK, "", "Payment waiting")

	// and once it is paid out and the order paid, one timeline tells it all
	d.does(id, mia, payment.Accepted{})
	d.does(id, event.Meta{}, payment.Authorized{GatewayReference: "g"}, payment.Captured{Amount: d.core.order(orderIDIn(address)).Total, GatewayReference: "c"})
	d.core.does(orderIDIn(address), event.Meta{}, order.Paid{PaymentID: id})
	page = ada.get(address)
	ada.wants(page, http.StatusOK, "", "Mia Weber accepted it", "25.00 EUR paid out", "Paid")
	without(t, page, "Request payment", "Ask again", "Cancel order", "To be paid by")
	var last int
	for _, text := range []string{"asked for 25.00 EUR", "Mia Weber accepted it", "put on hold", "25.00 EUR paid out"} {
		_, timeline, _ := strings.Cut(page.text, `id="timeline"`)
		at := strings.Index(timeline, text)
		if at < last {
			t.Errorf("%q is not in its place", text)
		}
		last = at
	}
}

func TestOnePaymentOfAnOrderAtATime(t *testing.T) {
	// given two open pages of a submitted order, and more
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address := ada.submitted(d.core)
	pages := make([]answer, 6)
	for i := range pages {
		pages[i] = ada.get(address)
	}
	// when all ask at once
	var asking sync.WaitGroup
	for _, page := range pages {
		asking.Go(func() {
			ada.wants(ada.press(page, address+"/payment", "", url.Values{"capture": {"automatic"}}), http.StatusOK, address)
		})
	}
	asking.Wait()
	// then there is one payment
	if n := strings.Count(ada.get("/").text, `id="payment-`); n != 1 {
		t.Errorf("%d payments", n)
	}
}

func TestAskingAgainForAnOrder(t *testing.T) {
	for name, c := range map[string]struct {
		by     event.Meta
		bodies []payment.Body
		says   string
	}{
		"rejected":  {mia, []payment.Body{payment.Rejected{Reason: "No invoice"}}, "No invoice"},
		"withdrawn": {event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}, []payment.Body{payment.Withdrawn{}}, "Ada Nowak withdrew it"},
		"declined":  {mia, []payment.Body{payment.Accepted{}, payment.Declined{Code: "no", Reason: "Card lost", Final: true}}, "Card lost"},
		"released":  {mia, []payment.Body{payment.Accepted{}, payment.Authorized{GatewayReference: "g"}, payment.Released{Reason: "Lapsed"}}, "Lapsed"},
	} {
		t.Run(name, func(t *testing.T) {
			// given an order whose payment ended
			d := newTestSite(t)
			ada := d.as("ada-nowak")
			address := ada.submitted(d.core)
			stale := ada.get(address)
			page := ada.press(stale, address+"/payment", "", url.Values{"capture": {"manual"}})
			first := d.paymentIn(page)
			d.does(first, c.by, c.bodies...)
			// then it can be asked for again, in place of that one
			page = ada.get(address)
			ada.wants(page, http.StatusOK, "", c.says, "Ask again")
			page = ada.press(page, address+"/payment", "", url.Values{"capture": {"automatic"}})
			ada.wants(page, http.StatusOK, address, "asked again for 25.00 EUR", "See the payment under way")
			without(t, page, ">Ask again<")
			ada.wants(ada.get("/payments/"+first), http.StatusOK, "", "with <a", ">"+d.reference(d.otherPaymentIn(page, first))+"</a>")
			// but not once more, nor beside the order
			ada.wants(ada.press(stale, address+"/payment", "", url.Values{"capture": {"automatic"}, "payment_id": {event.NewID().String()}}),
				http.StatusOK, address, "a payment of this order is under way")
			ada.wants(ada.get("/payments/new?supersedes="+first), http.StatusOK, "")
		})
	}
}

func TestAnOrdersPaymentIsAskedForAgainForItsTotal(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address := ada.submitted(d.core)
	page := ada.press(ada.get(address), address+"/payment", "", url.Values{"capture": {"automatic"}})
	id := d.paymentIn(page)
	d.does(id, mia, payment.Rejected{Reason: "no"})
	of := ada.get("/payments/" + id)
	ada.wants(of, http.StatusOK, "", ">Ask again</button>")
	ada.wants(ada.get("/payments/new?supersedes="+id), http.StatusOK, address)
	// however it is tried
	values := ada.form("/payments/new", "99.00", "EUR", "More")
	values.Set("supersedes", id)
	ada.wants(ada.post("/payments", values), http.StatusOK, "/payments/"+id, "on the page of its order")
	// and once, with the payment's own page too
	ada.wants(ada.press(of, address+"/payment", "", nil), http.StatusOK, address, "You asked for 25.00 EUR", "asked again for 25.00 EUR")
	without(t, ada.get("/payments/"+id), ">Ask again<")
	// and not at all once the order has ended
	d.core.does(orderIDIn(address), event.Meta{}, order.Expired{Reason: "not paid in time"})
	without(t, ada.get("/payments/"+id), "Ask again")
	ended := ada.get(address)
	without(t, ended, "Ask again", "Request payment")
	ada.wants(ended, http.StatusOK, "", "Expired", "not paid in time")
	ada.wants(ada.post(address+"/payment", url.Values{"payment_id": {event.NewID().String()}, "capture": {"automatic"}}), http.StatusOK, address, "this order is expired")
}

func TestAPaymentThatIsNotConfirmedYetIsNotAskedForAgain(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address := ada.submitted(d.core)
	page := ada.press(ada.get(address), address+"/payment", "", url.Values{"capture": {"automatic"}})
	id := d.paymentIn(page)
	ada.wants(ada.post("/payments/"+id+"/withdraw", url.Values{}), http.StatusOK, "")
	ada.wants(ada.get(address), http.StatusOK, "", `You can ask again once this is confirmed.<noscript> <a href="`+address+`">Reload</a>`)
	ada.wants(ada.post(address+"/payment", url.Values{"payment_id": {event.NewID().String()}, "capture": {"automatic"}}), http.StatusOK, address, "still being confirmed")
}

func TestAPaymentPushesItsOrder(t *testing.T) {
	// given an order's page
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address := ada.submitted(d.core)
	stream := order.Stream(orderIDIn(address))
	rows, err := d.live.Rows(t.Context(), []string{stream})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	before := rows[0].Revision
	// when a payment of it is requested, and what became of it is received
	id := d.paymentIn(ada.press(ada.get(address), address+"/payment", "", url.Values{"capture": {"automatic"}}))
	// then the payment's push brings the order's row, newer than the page
	rows, err = d.live.Rows(t.Context(), []string{payment.Stream(id)})
	if err != nil || len(rows) != 2 || rows[1].ID != stream || rows[1].Revision <= before || !strings.Contains(locale.English.Write(rows[1].HTML), "Payment waiting") {
		t.Fatalf("%+v, %v", rows, err)
	}
	// and the page shows the same revision
	ada.wants(ada.get(address), http.StatusOK, "", `data-live-subject="`+stream+`" data-revision="`+strconv.FormatInt(rows[1].Revision, 10)+`"`)
}

func TestThePaymentsOfAnOrderAreToldApart(t *testing.T) {
	// given an order with two payments of one amount, which is cancelled before the second one's money comes
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address := ada.submitted(d.core)
	page := ada.press(ada.get(address), address+"/payment", "", url.Values{"capture": {"automatic"}})
	first := d.paymentIn(page)
	d.does(first, mia, payment.Rejected{Reason: "order 2026/11/000042 needs an invoice"})
	page = ada.press(ada.get(address), address+"/payment", "", url.Values{"capture": {"automatic"}})
	second := d.otherPaymentIn(page, first)
	total := d.core.order(orderIDIn(address)).Total
	d.core.does(orderIDIn(address), mia, order.Cancelled{Reason: "moved", By: order.ByManager})
	d.does(second, mia, payment.Accepted{})
	d.does(second, event.Meta{}, payment.Authorized{GatewayReference: "g"}, payment.Captured{Amount: total, GatewayReference: "c"})
	d.core.does(orderIDIn(address), event.Meta{}, order.PaymentRefused{PaymentID: second, Reason: "the order is already cancelled"})
	d.does(second, event.Meta{}, payment.Refunded{Reason: "order 2026/11/000042 was cancelled by Mia Weber: moved", GatewayReference: "r"})

	// when its page is looked at, then each is told by its reference, with why it came to nothing
	page = ada.get(address)
	one, two := d.reference(first), d.reference(second)
	ada.wants(page, http.StatusOK, "",
		`href="/payments/`+first+`">`+one+`</a> <bdi>Ada Nowak asked for 25.00 EUR`, `href="/payments/`+second+`">`+two+`</a> <bdi>Ada Nowak asked again`,
		"order 2026/11/000042 needs an invoice", // as it was typed
		two+`</a> <bdi>The money arrived after Mia Weber had cancelled the order; it goes back`,
		two+`</a> <bdi>25.00 EUR refunded because the order was cancelled by Mia Weber: moved`)
}

func TestTheListOfOrdersSaysThatTheMoneyIsStuck(t *testing.T) {
	for operation, c := range map[payment.OperationKind]struct {
		money         string
		before, after payment.Body
	}{
		payment.Release: {"Payment on hold", nil, payment.Released{Reason: "settled by hand: the bank called"}},
		payment.Refund: {
			"Payment paid out", payment.Captured{Amount: money.Amount{Minor: 2500, Currency: "EUR"}, GatewayReference: "c"},
			payment.Refunded{Reason: "settled by hand: the bank called", GatewayReference: "r"},
		},
	} {
		t.Run(string(operation), func(t *testing.T) {
			// given a cancelled order whose money goes back
			d := newTestSite(t)
			ada := d.as("ada-nowak")
			address := ada.submitted(d.core)
			id := d.paymentIn(ada.press(ada.get(address), address+"/payment", "", url.Values{"capture": {"manual"}}))
			d.does(id, mia, payment.Accepted{})
			d.does(id, event.Meta{}, payment.Authorized{GatewayReference: "g"})
			if c.before != nil {
				d.does(id, event.Meta{}, c.before)
			}
			d.core.does(orderIDIn(address), mia, order.Cancelled{Reason: "moved", By: order.ByManager})
			list := ada.get("/orders")
			ada.wants(list, http.StatusOK, "", c.money+"<")
			without(t, list, "stuck")
			before, err := d.live.Rows(t.Context(), []string{order.Stream(orderIDIn(address))})
			if err != nil || len(before) != 1 {
				t.Fatal(before, err)
			}

			// when it gets stuck
			d.does(id, event.Meta{}, payment.Stuck{Operation: operation, Reason: "the bank says no"})

			// then the list says so in the words of the other pages, and its open pages get it
			words := "he " + string(operation) + " is stuck at the gateway"
			for _, path := range []string{"/orders", address, "/payments/" + id} {
				ada.wants(ada.get(path), http.StatusOK, "", words)
			}
			rows, err := d.live.Rows(t.Context(), []string{payment.Stream(id)})
			if err != nil || len(rows) != 2 || rows[1].Revision <= before[0].Revision || !strings.Contains(locale.English.Write(rows[1].HTML), words) {
				t.Fatalf("pushed: %+v, %v", rows, err)
			}
			list = ada.get("/orders")
			ada.wants(list, http.StatusOK, "", `tone-warning">`+c.money+"<", locale.English.Write(rows[1].HTML))

			// until it has gone back after all
			d.does(id, event.Meta{}, c.after)
			without(t, ada.get("/orders"), "stuck")
		})
	}
}
