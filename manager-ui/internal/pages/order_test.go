package pages_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

// hotel is whom the orders of these tests are for.
const hotel = "7f3b1c1e-0f68-4c51-9a43-0d7f3a1d9d11"

// booked is an order that ordering-core tells of, event by event.
type booked struct {
	*testSite
	id      string
	by      event.Meta
	minutes int // after noon, of the next event
	entries []order.Entry
}

// begin has somebody begin an order, so many minutes after noon.
func (o *testSite) begin(by event.Meta, minutes int) *booked {
	b := &booked{testSite: o, id: uuid.NewString(), by: by, minutes: minutes}
	b.tell(by, order.Draft(b.id, by.Actor))
	return b
}

// tell has ordering-core write an event, which is received.
func (b *booked) tell(by event.Meta, body order.Body) {
	b.tb.Helper()
	b.receive(b.write(by, body))
}

func (b *booked) write(by event.Meta, body order.Body) event.Event {
	e := order.New(order.Source, b.id, body)
	e.Meta, e.Time, e.Sequence = by, noon.Add(time.Duration(b.minutes)*time.Minute), int64(len(b.entries)+1)
	b.entries = append(b.entries, order.Entry{Event: e, Confirmed: true})
	b.minutes++
	return e
}

func (b *booked) order() order.Order {
	o, _ := order.Fold(b.entries)
	return o
}

// fill puts two of something into the draft, for the hotel.
func (b *booked) fill(name string, minor int64) *booked {
	b.tb.Helper()
	add, err := b.order().Add(order.Product{ID: uuid.NewString(), SKU: "S-1", Name: name, Price: money.Amount{Minor: minor, Currency: "EUR"}}, 2)
	b.must(err)
	b.tell(b.by, add)
	b.tell(b.by, order.CustomerChosen{CustomerID: hotel, Name: "Hotel Sonne"})
	return b
}

// submit freezes it under a number.
func (b *booked) submit(number string) *booked {
	b.tb.Helper()
	o, current := b.order(), map[string]order.Product{}
	for _, l := range o.Lines {
		current[l.ProductID] = order.Product{ID: l.ProductID, SKU: l.SKU, Name: l.Name, Price: l.Price}
	}
	body, err := o.Submit(order.Submission{Sequence: o.Sequence, Total: o.Total, Current: current, Number: number, ExpiresAt: noon.Add(24 * time.Hour)})
	b.must(err)
	b.tell(b.by, body)
	return b
}

// pay asks for its payment, and returns that one's id.
func (b *booked) pay(minutes int) string {
	b.tb.Helper()
	o := b.order()
	e := requested(b.by, o.Total.Minor, "Order "+o.Number, minutes, func(r *payment.Requested) { r.OrderID = b.id })
	b.receive(e)
	return e.Subject
}

var orderIDs = regexp.MustCompile(`<tr id="order-([0-9a-f-]+)"`)

// orders are the orders on a page.
func (a answer) orders() (ids []string) {
	for _, m := range orderIDs.FindAllStringSubmatch(a.text, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func TestTheListOfOrders(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	mia.get("/orders").is(200, "No orders yet", `aria-current="page">Orders</a>`)

	// given
	empty := o.begin(jon, 0)
	draft := o.begin(ada, 1).fill("Tiles <grey>", 1250)
	waits := o.begin(ada, 2).fill("Cement", 500).submit("2026/11/000042")
	gone := o.begin(jon, 3).fill("Bricks", 100).submit("2026/11/000043")
	gone.tell(event.Meta{}, order.Expired{Reason: "not paid in time"})
	stopped := o.begin(jon, 4)
	stopped.tell(event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}, order.Cancelled{Reason: "No", By: order.ByManager})
	waits.pay(10)

	for _, test := range []struct {
		query string
		want  []string
	}{
		{"", []string{stopped.id, gone.id, waits.id, draft.id, empty.id}},
		{"?tab=draft", []string{draft.id, empty.id}}, {"?tab=submitted", []string{waits.id}}, {"?tab=paid", nil},
		{"?tab=expired", []string{gone.id}}, {"?tab=cancelled", []string{stopped.id}},
		{"?contractor=ada-nowak", []string{waits.id, draft.id}},
		{"?customer=" + hotel, []string{gone.id, waits.id, draft.id}}, {"?customer=" + hotel + "&contractor=jon-park", []string{gone.id}},
		{"?q=42", []string{waits.id}}, {"?q=2026%2F11", []string{gone.id, waits.id}}, {"?q=sonne", []string{gone.id, waits.id, draft.id}},
		{"?q=grey", []string{draft.id}}, {"?tab=submitted&q=jon", nil}, {"?q=" + waits.id, []string{waits.id}}, {"?q=%27+%22+%5C+%26", nil},
	} {
		if got := mia.get("/orders" + test.query).is(200).orders(); !slices.Equal(got, test.want) {
			t.Errorf("%s shows %v, want %v", test.query, got, test.want)
		}
	}
	mia.get("/orders").is(200, `data-live-fragment="orders-draft">2<`, `data-live-fragment="orders-submitted">1<`, ">Draft</a>",
		"2026/11/000042", "Payment waiting", "Hotel Sonne", `10.00 <span class="money-currency">EUR`, `<option value="ada-nowak">Ada Nowak</option>`)
	// a list that somebody narrowed counts what it has
	jons := mia.get("/orders?contractor=jon-park").is(200).without(`data-live-fragment="orders-draft"`)
	jons.is(200, `>Drafts <span class="count">1</span>`, `>Submitted <span class="count"></span>`)
	mia.get("/orders?q=grey").is(200, `>Drafts <span class="count">1</span>`, `>Submitted <span class="count"></span>`)
	mia.get("/orders?customer="+hotel).is(200, `>Drafts <span class="count">1</span>`, `>Submitted <span class="count">1</span>`)
	mia.get("/orders?contractor=nobody").is(404, "There is no such contractor.")
	mia.get("/orders?contractor=jon-park&tab=expired").is(200, "Of <bdi>Jon Park</bdi>. <a href=\"/orders?tab=expired\">Show everybody’s</a>")
	mia.get("/orders?contractor=jon-park&customer="+hotel).is(200, "Of <bdi>Jon Park</bdi>, for <bdi>a customer</bdi>.")
	mia.get("/orders?customer="+hotel).is(200, "For <bdi>a customer</bdi>.", `<a href="/orders">Show everybody’s</a>`, `data-live-search="/orders?customer=`+hotel+`"`)
	mia.get("/orders?q=%3Cscript%3E").is(200, "Nothing found", "&lt;script&gt;").without("<script>alert")
	mia.get("/orders?name=Sonne&contractor=jon-park").is(200, `name="q" value="Sonne"`, gone.id).without(waits.id)
	for path, status := range map[string]int{
		"/orders?tab=x": 404, "/orders?customer=x": 404, "/orders?after=zzz": 400, "/orders?before=zzz": 400,
		"/orders?q=" + strings.Repeat("x", 201): 400, "/orders?q=" + strings.Repeat("%C3%A9", 200): 200,
		"/orders/x": 404, "/orders/" + uuid.NewString(): 404, "/payments?after=zzz": 400, "/payments?q=" + strings.Repeat("x", 201): 400,
	} {
		mia.get(path).is(status)
	}
}

func customerAdded(id, name, email string) event.Event {
	e := catalog.New("/ordering-core", id, catalog.CustomerAdded{CustomerID: id, Name: name, Email: email})
	e.Time, e.Sequence = noon, 1
	return e
}

func TestOrdersAreFilteredByCustomer(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	for i := range readmodel.PageSize {
		o.receive(customerAdded(uuid.NewString(), fmt.Sprintf("A house %d", i), "a@example.com"))
	}
	o.begin(ada, 0).fill("Tiles", 1250)
	mia.get("/orders").is(200, ">A house 7</option>").without("Others: search for the name</option>", "Hotel Sonne</option>")
	o.receive(customerAdded(hotel, "Hotel Sonne", "office@sonne.example"))
	mia.get("/orders").is(200, "Others: search for the name</option>")
	mia.get("/orders?customer="+hotel).is(200, "For <bdi>Hotel Sonne</bdi>.", `<option value="`+hotel+`" selected>Hotel Sonne</option>`, `data-typed="Hotel Sonne"`)
	mia.get("/orders/customers?q=SONN").is(200, `[{"value":"`+hotel+`","text":"Hotel Sonne","detail":"office@sonne.example"}]`)
	mia.get("/orders/customers?q=nobody").is(200, "[]")
	gone := catalog.New("/ordering-core", hotel, catalog.CustomerArchived{CustomerID: hotel})
	gone.Time, gone.Sequence = noon, 2
	o.receive(gone)
	mia.get("/orders/customers?q=SONN").is(200, `"text":"Hotel Sonne"`) // their orders are there still
	mia.get("/orders/customers?q=" + strings.Repeat("x", 201)).is(400)
}

func TestARowSaysOnceThatItsOrderIsPaid(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	b := o.begin(ada, 0).fill("Tiles", 1250).submit("2026/11/000001")
	id := b.pay(10)
	mia.get("/orders").is(200, "Payment waiting")
	b.tell(event.Meta{}, order.Paid{PaymentID: id})
	mia.get("/orders").is(200, `<span class="status tone-good">Paid</span>`).without(">Payment ")
}

func TestPagesOfOrders(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	var want []string
	var events []event.Event
	for i := range 2*readmodel.PageSize + 3 {
		b := &booked{testSite: o, id: uuid.NewString(), by: ada, minutes: i}
		events = append(events, b.write(ada, order.Draft(b.id, ada.Actor)))
		want = append([]string{b.id}, want...)
	}
	o.receive(events...)
	first := mia.get("/orders?q=ada").is(200)
	second := mia.get(first.link("next")).is(200, `data-live-page="other"`)
	third := mia.get(second.link("next")).is(200)
	if got := slices.Concat(first.orders(), second.orders(), third.orders()); !slices.Equal(got, want) || third.link("next") != "" {
		t.Errorf("saw %d of %d, or in another order", len(got), len(want))
	}
	if back := mia.get(mia.get(third.link("prev")).link("prev")); !slices.Equal(back.orders(), first.orders()) {
		t.Errorf("backwards shows %v", back.orders())
	}
}

func TestLiveOrders(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	b := o.begin(ada, 0).fill("Tiles", 1250).submit("2026/11/000001")
	pushed := func(stream string) (revision int64) {
		t.Helper()
		rows, err := pages.NewLive(o.db, o.renderer).Rows(t.Context(), []string{stream, order.Stream(b.id)})
		o.must(err)
		page := mia.get("/orders").is(200)
		found := 0
		for _, row := range rows {
			if row.List == "orders" {
				found++
				revision = row.Revision
				if row.ID != order.Stream(b.id) || row.Audience != "managers" || !slices.Equal(row.Tabs, []string{"submitted"}) || !strings.Contains(page.text, locale.English.Write(row.HTML)) {
					t.Errorf("the page lacks %+v", row)
				}
			}
		}
		if found != 1 {
			t.Errorf("the order is pushed %d times", found)
		}
		mia.get("/orders/"+b.id).is(200, `data-live-subject="order-`+b.id+`"`, fmt.Sprintf(`data-revision="%d"`, revision))
		return revision
	}
	before := pushed("payment-x")
	id := b.pay(10)
	after := pushed(payment.Stream(id))
	o.receive(written("/manager-ui", id, event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}, payment.Accepted{}, 11))
	if last := pushed(payment.Stream(id)); before >= after || after >= last {
		t.Errorf("revisions %d, %d and %d", before, after, last)
	}
	rows, err := pages.NewLive(o.db, o.renderer).Rows(t.Context(), []string{payment.Stream(id)})
	if err != nil || len(rows) != 2 {
		t.Errorf("a payment pushes %d rows, %v", len(rows), err)
	}
}

func TestAnOrdersPage(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	b := o.begin(ada, 0).fill("Tiles <grey>", 1250)
	b.tell(event.Meta{Actor: "tom-berg", ActorName: "Tom Berg"}, order.DiscountSet{BasisPoints: 1250})
	mia.get("/orders/"+b.id).is(200, "Draft of Ada Nowak", "Tiles &lt;grey&gt;", "Discount of 12.5%", `value="12.5%"`, "Reset discount",
		"prices of the catalog now, which submitting takes", "Cancel order", "Expire order", "Tom Berg set a discount of 12.5%")

	b.submit("2026/11/000007")
	id := b.pay(3)
	o.receive(written("/manager-ui", id, event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}, payment.Accepted{}, 20))
	page := mia.get("/orders/"+b.id).is(200, "Order 2026/11/000007", "to be paid by", "Accepted · to be authorized", `href="/payments/`+id+`"`,
		"<bdi>Ada Nowak submitted it as 2026/11/000007", "Mia Weber accepted it").without("Set discount")
	if strings.Index(page.text, "Ada Nowak asked for") > strings.Index(page.text, "Mia Weber accepted it") {
		t.Error("the timeline is not by time")
	}
	mia.get("/payments/"+id).is(200, `<dt>For</dt><dd class="text-break pre-line"><a href="/orders/`+b.id+`">Order 2026/11/000007</a>`).
		without("<dt>Order</dt>") // it says so already

	mia.get("/payments?tab=all").is(200, `<a href="/orders/`+b.id+`">See order</a>`)

	// somebody else's payment that names the order is no part of it
	foreign := requested(jon, 2188, "Not mine", 5, func(r *payment.Requested) { r.OrderID = b.id })
	o.receive(foreign)
	mia.get("/orders/" + b.id).is(200).without(foreign.Subject)
	mia.get("/payments/" + foreign.Subject).is(200).without(`href="/orders/` + b.id)
}

func TestAnOrdersPaymentsAreToldApart(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	tom := event.Meta{Actor: "tom-berg", ActorName: "Tom Berg"}
	b := o.begin(ada, 0).fill("Tiles", 1250).submit("2026/11/000007")
	first := b.pay(3)
	mia.get("/orders/"+b.id).is(200, ">Payment</a>").without("First payment")
	o.receive(written("/manager-ui", first, tom, payment.Rejected{Reason: "too dear"}, 4))
	second := b.pay(5)
	o.receive(written("/manager-ui", second, tom, payment.Accepted{}, 6),
		written("/payments-core", second, event.Meta{}, payment.Authorized{GatewayReference: "g1"}, 7),
		written("/payments-core", second, event.Meta{}, payment.Released{Reason: "the hold lapsed"}, 8))
	mia.get("/orders/"+b.id).is(200, `href="/payments/`+first+`">First payment</a>`, `href="/payments/`+second+`">Second payment</a>`,
		"Accepted · not paid out", "Not paid out, hold released")
}

func TestMoneyOfAnOrderThatEnded(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	total, nobody, tom := money.Amount{Minor: 2500, Currency: "EUR"}, event.Meta{}, event.Meta{Actor: "tom-berg", ActorName: "Tom Berg"}
	held := payment.Authorized{GatewayReference: "g1"}
	for name, test := range map[string]struct {
		bodies []payment.Body
		says   string
	}{
		"waits":       {nil, "Nothing was taken."},
		"being asked": {[]payment.Body{payment.Accepted{}}, "25.00 EUR is being authorized; what is held of it is released."},
		"declined":    {[]payment.Body{payment.Accepted{}, payment.Declined{Code: "no", Final: true}}, "Nothing was taken."},
		"held":        {[]payment.Body{payment.Accepted{}, held}, "The hold of 25.00 EUR is being released."},
		"released":    {[]payment.Body{payment.Accepted{}, held, payment.Released{}}, "The hold of 25.00 EUR was released."},
		"taken":       {[]payment.Body{payment.Accepted{}, held, payment.Captured{Amount: total, GatewayReference: "g2"}}, "25.00 EUR was taken and is being refunded."},
		"stuck":       {[]payment.Body{payment.Accepted{}, held, payment.Stuck{Operation: payment.Release, Reason: "no"}}, "The hold of 25.00 EUR cannot be released: the gateway refused. An operator has been told."},
		"taken, and stuck": {[]payment.Body{payment.Accepted{}, held, payment.Captured{Amount: total, GatewayReference: "g2"}, payment.Stuck{Operation: payment.Refund, Reason: "no"}},
			"25.00 EUR was taken and cannot be refunded: the gateway refused. An operator has been told."},
		"refunded": {[]payment.Body{payment.Accepted{}, held, payment.Captured{Amount: total, GatewayReference: "g2"}, payment.Refunded{GatewayReference: "g3"}}, "25.00 EUR was refunded."},
	} {
		b := o.begin(ada, 0).fill("Tiles", 1250).submit("2026/11/000001")
		id := b.pay(10)
		for i, body := range test.bodies {
			by := nobody
			if i == 0 {
				by = tom
			}
			o.receive(written(payment.Writer(body.EventType()), id, by, body, 11+i))
		}
		mia.get("/orders/" + b.id).is(200).without("<dt>Money</dt>")
		b.tell(nobody, order.Expired{Reason: "not paid in time"})
		if page := mia.get("/orders/"+b.id).is(200, "<dt>Ended</dt><dd>Expired, "); !strings.Contains(page.text, "<dt>Money</dt><dd>"+test.says+"</dd>") {
			t.Errorf("%s: does not say %q", name, test.says)
		}
	}
}
