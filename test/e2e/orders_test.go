package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// goods are what every story of an order begins with.
type goods struct{ cement, bricks, customer string }

func stock(t *testing.T, sys *testsystem.System) goods {
	t.Helper()
	g := goods{
		cement:   sys.Product(t, "CEM-25", "Cement", 7_90),
		bricks:   sys.Product(t, "BRK-100", "Bricks", 86_00),
		customer: sys.Customer(t, "Linden School", "caretaker@linden-school.example"),
	}
	sys.Settle(t) // both apps have them
	return g
}

// live waits until an open page gets its updates, and marks it.
func live(tab *browser.Tab) {
	tab.Eventually(`document.querySelector("[data-live-state]").dataset.state === "live"`)
	mark(tab)
}

// submitted has Ada build an order of 2 × 7.90 and 1 × 86.00, removing one of three, and submit it. She ends
// on its page. The names of what she orders, and for whom, end in tag. It returns the order's number.
func submitted(at apps, ada *browser.Tab, tag string) (number string) {
	ada.Open(at.URL(testsystem.Contractor) + "/orders")
	ada.Press("New order")
	add(ada, "Cement"+tag, "3")
	ada.See("23.70")
	add(ada, "Bricks"+tag, "1")
	ada.See("109.70")
	ada.Press("Remove one")
	ada.See("101.80") // one of three is gone, and two are left
	pick(ada, "Customer", "Linden School"+tag)
	ada.See("Draft for Linden School" + tag)
	ada.Press("Submit order")
	ada.See("Submitted", "main")
	const submitted = `document.querySelector("main").innerText.match(/\d{4}\/\d{2}\/\d{6}/)`
	ada.Eventually(submitted)
	return browser.Eval[string](ada, submitted+"[0]")
}

func add(tab *browser.Tab, product, quantity string) {
	tab.Fill("Product", product)
	tab.Fill("Quantity", quantity)
	tab.Press("Add")
	tab.See(product, "table")
}

// pick types into a picker and chooses the first that it finds by Enter.
func pick(tab *browser.Tab, label, text string) {
	tab.Fill(label, text)
	tab.See(text, "[role=listbox] [role=option]")
	tab.Type(kb.ArrowDown)
	tab.Type(kb.Enter)
}

func TestPickingIsEnough(t *testing.T) {
	t.Parallel()
	// given a new order
	sys := testsystem.New(t)
	stock(t, sys)
	sys.Customer(t, "Meyer family", "k.meyer@mail.example")
	sys.Settle(t)
	ada := browser.New(t).Tab(t, sys.URL(testsystem.Contractor)+"/orders/new")

	// when a customer is picked with the mouse, then the draft is for them
	ada.Fill("Customer", "Meyer")
	ada.Press("Meyer family k.meyer@mail.example")
	ada.See("Draft for Meyer family")

	// and with the keyboard, and the focus stays where it is
	pick(ada, "Customer", "Linden School")
	ada.See("Draft for Linden School")
	ada.Eventually(`document.activeElement.id === "customer"`)

	// and what is typed whole
	ada.Fill("Customer", "Meyer family")
	ada.Type(kb.Escape)
	ada.Type(kb.Enter)
	ada.See("Draft for Meyer family")

	// when products are picked by Enter, then they are added, one after the other
	pick(ada, "Product", "Cement")
	ada.See("7.90", "table")
	ada.Eventually(`document.activeElement.id === "product" && document.activeElement.value === ""`)
	pick(ada, "Product", "Bricks")
	ada.See("93.90", "#submit-order ~ *")

	// when the field is emptied, then nothing is sent: an order is for somebody
	ada.Fill("Customer", "")
	ada.Press("Submit order")
	ada.See("Submitted", "main")
	ada.See("Meyer family", "main")
}

func TestAnOrderFromDraftToPaidInTwoTabs(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	stock(t, sys)
	sys.Send(t, "jon-park", "Jon Park", "/orders", map[string]any{"order_id": uuid.NewString()})
	sys.Settle(t)
	require.Regexp(t, `^\d{4}/\d{2}/000001$`, playAnOrder(t, sys, ""))
	sys.Settle(t)
	sys.CheckInvariants(t)
	for _, s := range sys.Orders(t) {
		if s.Order.ContractorID == "ada-nowak" {
			require.Equal(t, order.StatePaid, s.Order.State)
		}
	}
}

// playAnOrder has Ada order what ends in tag, and Mia pay it, among any other orders and payments. It returns
// the order's number.
func playAnOrder(t *testing.T, at apps, tag string) string {
	b := browser.New(t)

	// Given the managers' orders, with one that is somebody else's, open beside the contractor's, and the
	// managers' payments in one more tab.
	ada := b.Tab(t, at.URL(testsystem.Contractor)+"/orders")
	orders := b.Tab(t, at.URL(testsystem.Manager)+"/orders")
	mia := b.Tab(t, at.URL(testsystem.Manager))
	live(orders)

	// When Ada builds and submits an order, the managers see it.
	number := submitted(at, ada, tag)
	row := orders.Row(number)
	orders.See("Linden School"+tag, row)
	orders.See("101.80", row)

	// When she asks for its payment and Mia accepts, both tabs show it paid.
	live(ada)
	ada.Press("Request payment")
	mia.Press("Accept", mia.Row(number))
	ada.See("Paid", "main")
	orders.See("Paid", row)

	// Then nobody had to reload, and both show what a reload shows.
	wasNotReloaded(t, orders)
	sameAsAReload(ada)
	sameAsAReload(orders)
	orders.Press(number, row)
	return number
}

// heldOrder makes an order of Ada's whose payment is on hold until a manager captures it, and which expires
// in a while.
func heldOrder(t *testing.T, sys *testsystem.System, ada *browser.Tab, total string, lives time.Duration) (id string) {
	t.Helper()
	product, customer := sys.Product(t, "CRN-D", "Crane", 1180_00), sys.Customer(t, "Meyer family", "k.meyer@mail.example")
	if total == "1180.08" {
		product = sys.Product(t, "CRN-N", "Night crane", 1180_08)
	}
	id = uuid.NewString()
	send := func(path string, body any) { sys.Send(t, "ada-nowak", "Ada Nowak", path, body) }
	send("/orders", map[string]any{"order_id": id})
	send("/orders/"+id+"/items", map[string]any{"product_id": product, "quantity": 1})
	send("/orders/"+id+"/customer", map[string]any{"customer_id": customer})
	send("/orders/"+id+"/submit", map[string]any{
		"sequence": 3, "total": map[string]any{"amount": map[string]int64{"1180.00": 1180_00, "1180.08": 1180_08}[total], "currency": "EUR"},
		"expires_at": time.Now().Add(lives).UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano),
	})
	ada.Open(sys.URL(testsystem.Contractor) + "/orders")
	ada.See("Meyer family")
	ada.Open(sys.URL(testsystem.Contractor) + "/orders/" + id)
	ada.Fill("Capture", "By a manager, after a hold")
	ada.Press("Request payment")
	ada.See("See the payment under way")
	return id
}

func TestAnOrderExpiresAndItsHoldIsReleased(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor))
	mia := b.Tab(t, sys.URL(testsystem.Manager))

	// Given an order whose payment is on hold.
	id := heldOrder(t, sys, ada, "1180.00", 15*time.Second)
	mia.See("1,180.00")
	mia.Press("Accept")
	ada.See("On hold")
	live(ada)
	mia.Open(sys.URL(testsystem.Manager) + "/orders/" + id)
	live(mia)

	// When its time is over, then both see it expired and the money let go, without a reload.
	for _, tab := range []*browser.Tab{ada, mia} {
		tab.See("Expired")
		tab.See("Not paid out, hold released")
		wasNotReloaded(t, tab)
		sameAsAReload(tab)
	}
	sys.Settle(t)
	sys.CheckInvariants(t)
}

func TestAnOrderExpiresWhileItsMoneyIsCapturedAndIsRefunded(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, "GATEWAY_TIMEOUT=4s")
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor))
	mia := b.Tab(t, sys.URL(testsystem.Manager))

	// Given an order whose capture the gateway does, without answering.
	id := heldOrder(t, sys, ada, "1180.08", time.Hour)
	mia.See("1,180.08")
	mia.Press("Accept")
	ada.See("On hold")
	live(ada)
	mia.Press("All")
	mia.Press("Order " + sys.Orders(t)[id].Order.Number)
	mia.Press("Capture")
	mia.See("Capturing…")

	// When the order expires meanwhile, then its money comes back.
	mia.Open(sys.URL(testsystem.Manager) + "/orders/" + id)
	mia.Press("Expire order")
	mia.See("Expire this order?")
	mia.Press("Expire order", "form")
	ada.See("Expired")
	ada.See("Refunded")
	mia.See("Accepted · refunded")
	wasNotReloaded(t, ada)
	sameAsAReload(ada)
	sys.Settle(t)
	for _, s := range sys.CheckInvariants(t) {
		require.Equal(t, payment.MoneyRefunded, s.Payment.Money)
	}
}

func TestAnOrderWithoutJavaScript(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	g := stock(t, sys)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor), browser.WithoutJavaScript)
	mia := b.Tab(t, sys.URL(testsystem.Manager), browser.WithoutJavaScript)

	ada.Open(sys.URL(testsystem.Contractor) + "/orders/new")
	for _, product := range []string{g.cement, g.bricks} {
		ada.Fill("Product", product) // a plain list
		ada.Fill("Quantity", "2")
		send(ada, "Add")
	}
	reloadUntil(t, ada, "187.80")
	send(ada, "Remove one")
	reloadUntil(t, ada, "179.90")
	ada.Fill("Customer", g.customer)
	send(ada, "Choose customer")
	reloadUntil(t, ada, "Draft for Linden School")
	send(ada, "Submit order")
	reloadUntil(t, ada, "Submitted")
	send(ada, "Request payment")
	reloadUntil(t, mia, "179.90")
	send(mia, "Accept")
	reloadUntil(t, ada, "Paid")
	mia.Open(sys.URL(testsystem.Manager) + "/orders")
	reloadUntil(t, mia, "Paid")
}

// send presses a button and waits for the page that answers.
func send(tab *browser.Tab, button string) {
	mark(tab)
	tab.Press(button)
	tab.Eventually(`!window.notReloaded && document.readyState === "complete"`)
}

func TestAnOrderOnAPhone(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	stock(t, sys)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor), browser.Phone)
	number := submitted(sys, ada, "")
	fits(t, ada)
	ada.Open(sys.URL(testsystem.Contractor) + "/orders")
	fits(t, ada)
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/orders", browser.Phone)
	mia.See(number)
	fits(t, mia)
	mia.Press(number)
	mia.See("Cement")
	fits(t, mia)
	for _, page := range []string{"/catalog", "/customers"} {
		mia.Open(sys.URL(testsystem.Manager) + page)
		fits(t, mia)
	}
}

// fits checks that nothing has to be pushed sideways to be read.
func fits(t *testing.T, tab *browser.Tab) {
	t.Helper()
	require.LessOrEqual(t, browser.Eval[int](tab, "document.documentElement.scrollWidth"), 390, tab.URL())
}

func TestOrdersAreFiltered(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)
	for _, customer := range []string{"Linden School", "Meyer family"} {
		id, whom := uuid.NewString(), sys.Customer(t, customer, "office@"+strings.Fields(strings.ToLower(customer))[0]+".example")
		sys.Send(t, "ada-nowak", "Ada Nowak", "/orders", map[string]any{"order_id": id})
		sys.Send(t, "ada-nowak", "Ada Nowak", "/orders/"+id+"/customer", map[string]any{"customer_id": whom})
	}
	sys.Send(t, "jon-park", "Jon Park", "/orders", map[string]any{"order_id": uuid.NewString()})
	sys.Settle(t)

	// What is chosen applies at once.
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/orders")
	mia.Eventually("document.querySelector('.without-scripts').offsetWidth <= 1") // but by keyboard
	mia.Fill("Contractor", "Ada Nowak")
	mia.SeeNot("Jon Park", "table")
	mia.See("Linden School", "table")
	mia.Fill("Customer", "mey")
	mia.Press("Meyer family office@meyer.example")
	mia.See("Of Ada Nowak, for Meyer family.")
	mia.SeeNot("Linden School", "table")
	mia.See("Meyer family", "table")
	// and so does nothing any more
	mia.Fill("Customer", "")
	mia.See("Linden School", "table")
	mia.SeeNot("Jon Park", "table")

	// Without scripts a button does it.
	tom := b.Tab(t, sys.URL(testsystem.Manager)+"/orders", browser.WithoutJavaScript)
	tom.Fill("Contractor", "Ada Nowak")
	tom.Fill("Customer", "Meyer family")
	tom.Press("Show")
	tom.See("Of Ada Nowak, for Meyer family.")
	tom.SeeNot("Linden School", "table")
}

func TestTheSeedsAreSownOnce(t *testing.T) {
	t.Parallel()
	// Given a system that was seeded.
	sys := testsystem.New(t)
	sys.Seed()
	sys.Settle(t)
	sys.CheckInvariants(t)
	before := sys.Orders(t)

	// Then there are orders and payments in every state.
	states := map[order.State]int{}
	for _, s := range before {
		states[s.Order.State]++
	}
	for _, state := range []order.State{order.StateDraft, order.StateSubmitted, order.StatePaid, order.StateExpired, order.StateCancelled} {
		require.NotZero(t, states[state], "orders that are %s", state)
	}
	decisions, money := map[payment.Decision]int{}, map[payment.Money]int{}
	payments := sys.Topic(t)
	for _, s := range payments {
		decisions[s.Payment.Decision]++
		money[s.Payment.Money]++
	}
	for _, d := range []payment.Decision{payment.DecisionRequested, payment.DecisionAccepted, payment.DecisionRejected, payment.DecisionWithdrawn, payment.DecisionCancelled} {
		require.NotZero(t, decisions[d], "payments that are %s", d)
	}
	for _, m := range []payment.Money{payment.MoneyNone, payment.MoneyAuthorized, payment.MoneyDeclined, payment.MoneyCaptured, payment.MoneyReleased, payment.MoneyRefunded} {
		require.NotZero(t, money[m], "payments whose money is %s", m)
	}

	// And sowing again makes nothing.
	sys.Seed()
	sys.Settle(t)
	require.Len(t, sys.Orders(t), len(before))
	require.Len(t, sys.Topic(t), len(payments))
}
