package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

func TestBuildingAnOrder(t *testing.T) {
	// given two products and a customer
	d := newTestSite(t)
	drill, screws := d.core.product("", "DR-18", "Drill", 12900, false), d.core.product("", "SC-40", "Screws", 450, false)
	hofmann := d.core.customer("Hofmann")
	ada := d.as("ada-nowak")
	ada.wants(ada.get("/orders"), http.StatusOK, "", "New order", "No orders yet")

	// when something is added to a new order
	address, page := ada.begin()
	ada.wants(page, http.StatusOK, "/orders/new", "New order", "Drill, DR-18 · 129.00 EUR")
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"2"}})

	// then it is kept, with its total, and the list has it
	ada.wants(page, http.StatusOK, address, "Draft order", "258.00", "Ada Nowak", "Choose a customer to submit this order.",
		`data-live-subject="order-`+orderIDIn(address)+`"`)
	ada.wants(ada.get("/orders?tab=draft"), http.StatusOK, "", "258.00", "1 product", address)

	// and when lines are changed, then one of two is left, and what is removed is gone
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {screws}, "quantity": {"3"}})
	page = ada.press(page, address+"/items/"+drill+"/add", address+"/items/"+drill+"/remove", url.Values{"quantity": {"1"}})
	ada.wants(page, http.StatusOK, address, "142.50")
	page = ada.press(page, address+"/items/"+drill+"/add", "", url.Values{"quantity": {"1"}})
	ada.wants(page, http.StatusOK, address, "271.50")
	page = ada.press(page, address+"/items/"+screws+"/add", address+"/items/"+screws+"/remove", url.Values{"quantity": {"3"}})
	ada.wants(page, http.StatusOK, address, "258.00")
	without(t, page, `id="line-`+screws)

	// and when it is for somebody, and submitted
	page = ada.press(page, address+"/customer", "", url.Values{"customer_id": {hofmann}})
	ada.wants(page, http.StatusOK, address, "Draft for Hofmann", "Change customer")
	page = ada.press(page, address+"/submit", "", nil)

	// then it has its number and its time, and nothing in it can be changed
	ada.wants(page, http.StatusOK, address, "Order 2026/11/000042", "Submitted", "258.00", "Hofmann", "To be paid by", "tomorrow",
		"Request payment", "Cancel order")
	without(t, page, address+"/items", "Submit order")
	ada.wants(ada.get("/orders?q=42"), http.StatusOK, "", "2026/11/000042", "due <time")
	ada.wants(ada.get("/orders?q=hofm+drill"), http.StatusOK, "", "2026/11/000042")
	ada.wants(ada.get("/orders/new?id="+orderIDIn(address)), http.StatusOK, address)
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	page = ada.press(page, address+"/customer", "", url.Values{"customer_id": {d.core.customer("Hofmann")}})
	ada.wants(page, http.StatusOK, address, "Add a product to submit this order.")
	ada.wants(ada.press(page, address+"/submit", "", nil), http.StatusUnprocessableEntity, "", "no line yet")
	ada.wants(ada.press(page, address+"/submit", "", url.Values{"currency": {"ZZZ"}}), http.StatusBadRequest, "", "not understood")
}

func TestTheExactNameIsFoundBehindManyOthers(t *testing.T) {
	// given more that fit than a search answers, all of them before the one that is meant
	d := newTestSite(t)
	for i := range 101 {
		d.core.product("", fmt.Sprintf("DR-18-%d", i), fmt.Sprintf("A drill %d", i), 100, false)
		d.core.customer(fmt.Sprintf("A hotel %d", i))
	}
	d.core.product("", "DR-18", "Drill", 12900, false)
	d.core.customer("Hotel")
	ada := d.as("ada-nowak")
	for _, typed := range []string{"dr-18", "drill"} {
		address, page := ada.begin()
		ada.wants(ada.press(page, address+"/items", "", url.Values{"name": {typed}, "quantity": {"1"}}), http.StatusOK, address, "129.00")
	}
	address, page := ada.begin()
	ada.wants(ada.press(page, address+"/customer", "", url.Values{"name": {"HOTEL"}}), http.StatusOK, address)
}

func TestWhatIsTypedIsUnderstood(t *testing.T) {
	d := newTestSite(t)
	d.core.product("", "DR-18", "Drill", 12900, false)
	d.core.product("", "DR-20", "Drill press", 99900, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	for typed, c := range map[string]struct {
		status int
		says   string
	}{
		"drill":    {http.StatusOK, "129.00"}, // its whole name
		"press":    {http.StatusOK, "999.00"}, // the only one
		"dr-20":    {http.StatusOK, "999.00"}, // a SKU
		"dril":     {http.StatusUnprocessableEntity, "Several have “dril” in them."},
		"hammer":   {http.StatusUnprocessableEntity, "Nothing in the list has “hammer” in it."},
		"":         {http.StatusUnprocessableEntity, "Choose a product from the list."},
		"\x00":     {http.StatusUnprocessableEntity, "not text"},
		"<script>": {http.StatusUnprocessableEntity, "Nothing in the list has “&lt;script&gt;” in it."},
	} {
		page := ada.press(page, address+"/items", "", url.Values{"name": {typed}, "quantity": {"1"}, "key": {uuid.NewString()}})
		if typed == "\x00" {
			ada.wants(page, c.status, "")
			continue
		}
		ada.wants(page, c.status, "", c.says)
	}
}

func TestQuantitiesThatCannotBe(t *testing.T) {
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 12900, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	for _, typed := range []string{"0", "-1", "1.5", "", "x", "1000001", "1000000000", strings.Repeat("9", 300)} {
		page := ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {typed}})
		ada.wants(page, http.StatusUnprocessableEntity, "", "Enter a whole number from 1 to 1,000,000.", `id="quantity-error"`,
			`value="`+drill+`" selected`)
	}
	if d.core.asked > 0 {
		t.Error("ordering-core was asked")
	}
}

func TestAQuantityIsTyped(t *testing.T) {
	// given two of a product in a draft, open in two tabs
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 100, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"2"}})
	line := address + "/items/" + drill
	ada.wants(page, http.StatusOK, address, `aria-label="Quantity of Drill"`)

	// when one adds one, and the other types 100, sent twice, then there are 100
	ada.press(page, line+"/add", "", url.Values{"quantity": {"1"}})
	for range 2 {
		ada.wants(ada.press(page, line+"/quantity", "", url.Values{"quantity": {"100"}}), http.StatusOK, address, "100.00")
	}
	// and fewer, as many as there are, and none
	page = ada.press(ada.get(address), line+"/quantity", "", url.Values{"quantity": {"7"}})
	ada.wants(page, http.StatusOK, address, "7.00")
	page = ada.press(page, line+"/quantity", "", url.Values{"quantity": {"7"}})
	ada.wants(page, http.StatusOK, address, "7.00")

	// and what cannot be is kept, beside its field
	for _, typed := range []string{"-1", "1.5", "", "x", "1000001"} {
		ada.wants(ada.press(page, line+"/quantity", "", url.Values{"quantity": {typed}}), http.StatusUnprocessableEntity, "",
			"Enter a whole number from 0 to 1,000,000.", `id="quantity-`+drill+`-error"`, `value="`+typed+`"`)
	}
	page = ada.press(page, line+"/quantity", "", url.Values{"quantity": {"0"}})
	ada.wants(page, http.StatusOK, address, "Nothing is in this order yet")
}

// However late the app's copy is, and whatever others do, it ends at what was typed.
func TestAQuantityIsTypedOnALateCopy(t *testing.T) {
	// given two of a product on the page, and five by now
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 100, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"2"}})
	id, price := orderIDIn(address), money.Amount{Minor: 100, Currency: "EUR"}
	d.core.late = true
	d.core.does(id, event.Meta{Actor: "ada-nowak"}, order.ItemAdded{ProductID: drill, SKU: "DR-18", Name: "Drill", Price: price, Quantity: 3})

	// when seven are typed, and twice the same form again, then there are seven
	for _, typed := range []string{"7", "7", "7"} {
		ada.wants(ada.press(page, address+"/items/"+drill+"/quantity", "", url.Values{"quantity": {typed}}), http.StatusOK, address, "shown shortly")
		if o := d.core.order(id); o.Lines[0].Quantity != 7 {
			t.Fatalf("%d of them", o.Lines[0].Quantity)
		}
	}
	d.core.catchesUp()
	// and the form from before sets it again, once others have changed it
	d.core.does(id, event.Meta{Actor: "ada-nowak"}, order.ItemRemoved{ProductID: drill, Quantity: 6})
	ada.wants(ada.press(page, address+"/items/"+drill+"/quantity", "", url.Values{"quantity": {"7"}}), http.StatusOK, address, "7.00")
}

func TestADraftIsDiscarded(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	ada.wants(page, http.StatusOK, "/orders/new", " autofocus", " disabled>Submit order")
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {d.core.product("", "DR-18", "Drill", 100, false)}, "quantity": {"2"}})
	ada.wants(page, http.StatusOK, address, ">Discard draft</a>")
	without(t, page, " autofocus", "Cancel order")
	page = ada.get(address + "/cancel")
	ada.wants(page, http.StatusOK, "", "Discard this draft?", ">Discard draft</button>")
	ada.wants(ada.press(page, address+"/cancel", "", nil), http.StatusOK, address, "Discarded.", "Cancelled by Ada Nowak")
}

func TestACustomerIsCalledAsWhenChosen(t *testing.T) {
	d := newTestSite(t)
	hofmann := d.core.customer("Hofmann")
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	ada.press(page, address+"/customer", "", url.Values{"customer_id": {hofmann}})
	d.core.catalog(hofmann, catalog.CustomerChanged{CustomerID: hofmann, Name: "Hofmann and Sons", Email: "office@example.com"})
	page = ada.get(address)
	ada.wants(page, http.StatusOK, "", "Draft for Hofmann", `data-typed="Hofmann"`, `selected>Hofmann, office`)
}

func TestAFormSentTwiceIsDoneOnce(t *testing.T) {
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 100, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	for range 3 {
		ada.wants(ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"2"}}), http.StatusOK, address, "2.00")
	}
	if o := d.core.order(orderIDIn(address)); o.Lines[0].Quantity != 2 {
		t.Errorf("%d of them", o.Lines[0].Quantity)
	}
}

func TestDiscountsAndNewPricesAreShownBeforeSubmitting(t *testing.T) {
	// given a draft, to which a manager gives a discount, and whose product has a new price
	d := newTestSite(t)
	drill, hofmann := d.core.product("", "DR-18", "Drill", 10000, false), d.core.customer("Hofmann")
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"1"}})
	seen := ada.press(page, address+"/customer", "", url.Values{"customer_id": {hofmann}})
	d.core.does(orderIDIn(address), mia, order.DiscountSet{BasisPoints: 1250})
	d.core.product(drill, "DR-18", "Drill", 12000, false)

	// then her open pages are told, and nobody else's
	pushed, err := d.live.Rows(t.Context(), []string{catalog.ProductStream(drill)})
	if err != nil || len(pushed) != 1 || pushed[0].Audience != "contractor:ada-nowak" {
		t.Fatalf("pushed %+v, %v", pushed, err)
	}
	shows := func(revision int64) string {
		return fmt.Sprintf(`data-live-subject="product-%s" data-revision="%d"`, drill, revision)
	}
	ada.wants(ada.get(address), http.StatusOK, "", shows(pushed[0].Revision))
	if strings.Contains(seen.text, shows(pushed[0].Revision)) {
		t.Error("the page from before would not be fetched again")
	}

	// when the page is sent that has neither, then nothing is submitted, and what changed is said
	refused := ada.press(seen, address+"/submit", "", nil)
	ada.wants(refused, http.StatusConflict, "", "Not submitted: the order has changed since you looked at it.",
		"You saw a total of 100.00 EUR. It is 105.00 EUR now.", "One change was made meanwhile:", "Mia Weber set a discount of 12.5%.", "Discount of 12.5%")

	// and however many there were, it is said, with the last
	for range 24 {
		d.core.does(orderIDIn(address), mia, order.DiscountSet{BasisPoints: 1000}, order.DiscountReset{})
	}
	d.core.does(orderIDIn(address), mia, order.DiscountSet{BasisPoints: 1250})
	refused = ada.press(seen, address+"/submit", "", nil)
	ada.wants(refused, http.StatusConflict, "", "50 changes were made meanwhile, the last 20 of them:")

	// and when it is looked at, then both are shown, and that is what is submitted
	page = ada.get(address)
	ada.wants(page, http.StatusOK, "", "100.00", "120.00", "Prices have changed", "Discount of 12.5%", "15.00", "105.00")
	ada.wants(ada.press(page, address+"/submit", "", nil), http.StatusOK, address, "105.00", "Order 2026/11/000042")

	// and then another price is nothing to her
	d.core.product(drill, "DR-18", "Drill", 13000, false)
	if pushed, err := d.live.Rows(t.Context(), []string{catalog.ProductStream(drill)}); err != nil || len(pushed) > 0 {
		t.Errorf("pushed %+v, %v", pushed, err)
	}
}

func TestATotalThatDiffersIsShownBesideTheOneSeen(t *testing.T) {
	// given a draft, whose product gets another price after it was looked at
	d := newTestSite(t)
	drill, hofmann := d.core.product("", "DR-18", "Drill", 10000, false), d.core.customer("Hofmann")
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"1"}})
	seen := ada.press(page, address+"/customer", "", url.Values{"customer_id": {hofmann}})
	d.core.product(drill, "DR-18", "Drill", 12000, false)
	// when it is submitted as it was seen, then both totals are said, and the page has the new one
	refused := ada.press(seen, address+"/submit", "", nil)
	ada.wants(refused, http.StatusConflict, "", "You saw a total of 100.00 EUR. It is 120.00 EUR now.", `name="total" value="12000"`)
	ada.client.Transport = speaking("de")
	ada.wants(ada.press(seen, address+"/submit", "", nil), http.StatusConflict, "", "You saw a total of 100,00 EUR. It is 120,00 EUR now.")
	ada.client.Transport = nil
	ada.wants(ada.press(refused, address+"/submit", "", nil), http.StatusOK, address, "Order 2026/11/000042", "120.00")
}

func TestAnArchivedProductIsToBeRemoved(t *testing.T) {
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 10000, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"1"}})
	d.core.product(drill, "DR-18", "Drill", 10000, true)
	page = ada.get(address)
	ada.wants(page, http.StatusOK, "", "No longer offered", "Remove what is no longer offered")
	// however old the page is in which it can be chosen
	ada.wants(ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"1"}}), http.StatusConflict, "",
		`id="product-error">Drill cannot be ordered any more.`)
}

func TestAnotherContractorsOrderDoesNotExist(t *testing.T) {
	// given Ada's orders
	d := newTestSite(t)
	ada, jon := d.as("ada-nowak"), d.as("jon-park")
	drill := d.core.product("", "DR-18", "Secret drill", 10000, false)
	draft, page := ada.begin()
	ada.press(page, draft+"/items", "", url.Values{"product_id": {drill}, "quantity": {"1"}})
	submitted := ada.submitted(d.core)
	before, asked := d.written(), d.core.asked

	// when Jon tries every route
	for _, address := range []string{draft, submitted} {
		id := orderIDIn(address)
		for _, path := range []string{address, address + "/cancel", "/orders/new?id=" + id} {
			jon.wants(jon.get(path), http.StatusNotFound, "")
		}
		for _, path := range []string{"/items", "/items/" + drill + "/add", "/items/" + drill + "/remove", "/customer", "/submit", "/cancel", "/payment"} {
			jon.wants(jon.post(address+path, url.Values{"product_id": {drill}, "quantity": {"1"}, "customer_id": {drill}, "key": {"k"},
				"sequence": {"1"}, "total": {"1"}, "currency": {"EUR"}, "payment_id": {uuid.NewString()}, "capture": {"automatic"}}), http.StatusNotFound, "")
		}
	}
	// then nothing happened, and no list or search of his has it
	if d.written() != before || d.core.asked != asked {
		t.Error("something was written or asked for")
	}
	for _, path := range []string{"/orders", "/orders?q=drill", "/orders?q=" + orderIDIn(draft)} {
		without(t, jon.get(path), draft, submitted, "2026/11/000042")
	}
	rows, err := d.live.Rows(t.Context(), []string{order.Stream(orderIDIn(draft))})
	if err != nil || len(rows) != 1 || rows[0].Audience != "contractor:ada-nowak" {
		t.Errorf("pushed to %v, %v", rows, err)
	}
	// and a payment of his that names Ada's order is none of hers
	other := uuid.NewString()
	d.does(other, event.Meta{Actor: "jon-park", ActorName: "Jon Park"}, payment.Requested{PaymentID: other, ContractorID: "jon-park",
		Amount: d.core.order(orderIDIn(submitted)).Total, Description: "Forged", OrderID: orderIDIn(submitted), CaptureMethod: payment.Automatic})
	page = ada.get(submitted)
	without(t, page, other)
	ada.wants(page, http.StatusOK, "", "Request payment")
	without(t, jon.get("/payments/"+other), "000042")
}

func TestCancellingAnOrder(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address := ada.submitted(d.core)
	page := ada.get(address + "/cancel")
	ada.wants(page, http.StatusOK, "", "Cancel this order?", "25.00")
	page = ada.press(page, address+"/cancel", "", url.Values{"reason": {"Wrong customer"}})
	ada.wants(page, http.StatusOK, address, "Cancelled.", "Cancelled by Ada Nowak", "Wrong customer")
	without(t, page, "Cancel order", "Request payment")
	ada.wants(ada.get("/orders?tab=cancelled"), http.StatusOK, "", "2026/11/000042")
	ada.wants(ada.get(address+"/cancel"), http.StatusOK, address, "can no longer be cancelled")
}

func TestTheCopyThatIsLate(t *testing.T) {
	// given an ordering-core whose events do not come
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 10000, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	d.core.late = true
	// when something is added
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"1"}})
	// then the page says so, and shows it once it is there
	ada.wants(page, http.StatusOK, "/orders/new", "Saved. It is shown shortly.")
	d.core.catchesUp()
	ada.wants(ada.get("/orders/new?id="+orderIDIn(address)), http.StatusOK, address, "Drill", "100.00")
	ada.wants(ada.get(address), http.StatusOK, "", "100.00")
}

func TestOrderAddressesThatAreNone(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	for _, path := range []string{"/orders/1", "/orders/" + strings.ToUpper(uuid.NewString()), "/orders/" + uuid.NewString(), "/orders?tab=lost",
		"/orders/new?id=1", "/orders/" + uuid.NewString() + "/cancel"} {
		ada.wants(ada.get(path), http.StatusNotFound, "")
	}
	for _, path := range []string{"/orders?older=x", "/orders/products?q=" + strings.Repeat("x", 300)} {
		ada.wants(ada.get(path), http.StatusBadRequest, "")
	}
	ada.wants(ada.post("/orders/"+uuid.NewString()+"/submit", url.Values{}), http.StatusNotFound, "")
}
