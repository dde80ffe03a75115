package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestTheWayBackLeadsToTheListAsItWas(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Red paint", "Red brick", "Sand")
	b := browser.New(t)
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/payments?tab=all&q=red")

	// A search goes on as one types, and the focus stays.
	mia.See("Red brick", "[data-live-list]")
	browser.Eval[bool](mia, `(() => { const box = document.querySelector("[type=search]"); box.focus(); box.setSelectionRange(3, 3); return true })()`)
	mia.Type(" pa")
	mia.SeeNot("Red brick", "[data-live-list]")
	mia.Type("i")
	mia.Eventually(`new URL(location).searchParams.get("q") === "red pai"`)
	mia.See("Red paint", "[data-live-list]")
	require.True(t, browser.Eval[bool](mia, `document.activeElement.value === "red pai" && document.activeElement.selectionStart === 7`))
	list := mia.URL()

	// The payment's page knows the list, after a refresh by news of it, too.
	mia.Press("Red paint")
	mia.See("What happened")
	page := mia.URL()
	tomDecides(t, sys, "#payment-"+paymentIn(page), "Accept", "Accepted")
	mia.See("Accepted by Tom Berg")
	mia.Press("Payments", ".page-header")
	mia.See("Red paint", "[data-live-list]")
	require.Equal(t, query(t, list), query(t, mia.URL()))

	// Reject from a payment's page leads back, with and without scripts.
	for _, tab := range []*browser.Tab{mia, b.Tab(t, sys.URL(testsystem.Manager)+"/payments?q=sand", browser.WithoutJavaScript)} {
		payment := map[bool]string{true: "Red brick", false: "Sand"}[tab == mia]
		tab.Open(sys.URL(testsystem.Manager) + "/payments?q=" + strings.ToLower(payment[:3]))
		tab.Press(payment)
		tab.See("Decide")
		tab.Press("Reject")
		tab.Fill("Reason", "Too dear")
		tab.Press("Reject payment")
		tab.See("Rejected: ")
		require.Contains(t, tab.URL(), "/payments?q="+strings.ToLower(payment[:3]))
	}
}

// query is what an address asks for.
func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Query()
}

// paymentIn is the id in a page's address.
func paymentIn(address string) string {
	_, id, _ := strings.Cut(address, "/payments/")
	id, _, _ = strings.Cut(id, "?")
	return id
}

// askFor has Ada ask for payments: amount, description, amount, description. The managers' app has received
// them then.
func askFor(t *testing.T, sys *testsystem.System, payments ...string) {
	t.Helper()
	ada := sys.SignIn(t, testsystem.Contractor, "Ada Nowak")
	for i := 0; i+1 < len(payments); i += 2 {
		page, err := ada.Open("/payments/new")
		require.NoError(t, err)
		_, err = page.Press("Request payment", "Amount", payments[i], "Description", payments[i+1])
		require.NoError(t, err)
	}
	sys.Settle(t)
}

// inOrder is the descriptions of a list's rows as they are shown, from the first to the last.
func inOrder(tab *browser.Tab) string {
	return browser.Eval[string](tab, `[...document.querySelectorAll("[data-live-list] .what a")].map(a => a.innerText).join(", ")`)
}

func TestSortedAndFilteredListsAreLive(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	askFor(t, sys, "30.00", "Beams", "9.00", "Cable", "200.00", "Anvil")
	b := browser.New(t)
	mia := b.Tab(t, sys.URL(testsystem.Manager))
	mia.See("Anvil")
	mia.Press("AMOUNT")
	mia.Eventually(`document.querySelector("[aria-sort=ascending]").innerText === "AMOUNT"`)
	mia.Press("AMOUNT")
	mia.Eventually(`document.querySelector("[aria-sort=descending]")?.innerText === "AMOUNT"`)
	require.Equal(t, "Anvil, Beams, Cable", inOrder(mia))
	ada := b.Tab(t, sys.URL(testsystem.Contractor))
	ada.Press("FOR")
	ada.Eventually(`document.querySelector("[aria-sort]").innerText === "FOR"`)
	require.Equal(t, "Anvil, Beams, Cable", inOrder(ada))
	filtered := browser.New(t).Tab(t, sys.URL(testsystem.Manager)+"/payments?currency=EUR&least=25&sort=amount")
	filtered.See("2 payments, 230.00 EUR")
	filtered.Screenshot("list-filtered")
	tabs := []*browser.Tab{mia, ada, filtered}
	for _, tab := range tabs {
		live(tab)
	}
	filtered.Move(over(filtered, filtered.Row("Beams"), "Accept"))

	askFor(t, sys, "100.00", "Bricks", "2.00", "Dowels")

	mia.See("Dowels", "[data-live-list]")
	ada.See("Dowels", "[data-live-list]")
	filtered.See("1 new", ".list-news")
	away(filtered)
	filtered.See("Bricks", "[data-live-list]")
	require.Equal(t, "Anvil, Bricks, Beams, Cable, Dowels", inOrder(mia))
	require.Equal(t, "Anvil, Beams, Bricks, Cable, Dowels", inOrder(ada))
	require.Equal(t, "Beams, Bricks, Anvil", inOrder(filtered))
	filtered.See("3 payments, 330.00 EUR")
	for _, tab := range tabs {
		sameAsAReload(tab)
		wasNotReloaded(t, tab)
	}

	// The filter is a form that works without scripts, and what is wrong in it stands beside the field.
	plain := b.Tab(t, sys.URL(testsystem.Manager), browser.WithoutJavaScript)
	plain.Press("Filter")
	plain.Fill("At least", "150")
	plain.Press("Show")
	plain.See("Choose the currency that the amounts are in.")
	plain.Fill("Currency", "EUR")
	plain.Press("Show")
	plain.See("At least 150.00 EUR")
	require.Equal(t, "Anvil", inOrder(plain))
	plain.Press("Filter 1")
	plain.Screenshot("list-filter")
	plain.Press("Show everything")
	plain.See("Dowels", "[data-live-list]")
	require.Equal(t, "Beams, Cable, Anvil, Bricks, Dowels", inOrder(plain))

	// Where rows are cards and have no heads, the filter has the order.
	plain.Resize(390, 900)
	plain.Press("Filter")
	plain.Fill("Order", "Amount, highest first")
	plain.Screenshot("list-filter-phone")
	plain.Press("Show")
	plain.Eventually(`document.querySelector("[aria-sort=descending]")`)
	require.Equal(t, "Anvil, Bricks, Beams, Cable, Dowels", inOrder(plain))

	// Who asks for the first time is offered by the filters that are open.
	const offered = `[...document.querySelector("#filter [name=contractor]").options].map(o => o.value + " " + o.text).join(", ")`
	require.Equal(t, " Everybody, ada-nowak Ada Nowak", browser.Eval[string](mia, offered))
	page, err := sys.SignIn(t, testsystem.Contractor, "Jon Park").Open("/payments/new")
	require.NoError(t, err)
	_, err = page.Press("Request payment", "Amount", "5.00", "Description", "Epoxy")
	require.NoError(t, err)
	for _, tab := range []*browser.Tab{mia, filtered} { // in a list of its own, and where the server is asked
		tab.Eventually(offered + ` === " Everybody, ada-nowak Ada Nowak, jon-park Jon Park"`)
		wasNotReloaded(t, tab)
	}
}

func TestTheTitleAndTheIconSayHowManyWait(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	askFor(t, sys, "30.00", "Beams", "9.00", "Cable")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	live(mia)
	const icon = `decodeURIComponent(document.querySelector("link[rel=icon]").href)`
	mia.Eventually(`document.title.startsWith("(2) Payments") && ` + icon + `.includes(">2</text>")`)
	mia.See("Notify me of new ones")
	// A browser without windows shows no notification: what it is asked for is kept, while the page is hidden.
	browser.Eval[bool](mia, `(() => {
		window.told = []
		window.Notification = class { constructor(...of) { told.push(of) } static permission = "granted"; static requestPermission = async () => "granted" }
		document.querySelector("[data-notify]").click()
		Object.defineProperty(document, "visibilityState", { get: () => "hidden" })
		return true
	})()`)
	mia.Eventually(`document.querySelector("[data-notify]").ariaPressed === "true"`)

	askFor(t, sys, "1.00", "Dowels")

	mia.Eventually(`document.title.startsWith("(3) Payments") && ` + icon + `.includes(">3</text>")`)
	mia.Eventually(`told.length === 1 && told[0][0] === "A new payment waits"`)
	for _, row := range []string{"Beams", "Cable", "Dowels"} {
		tomDecides(t, sys, mia.Row(row), "Accept", "Accepted")
	}
	mia.Eventually(`document.title.startsWith("Payments") && ` + icon + `.includes("path")`)
	require.Equal(t, 1, browser.Eval[int](mia, "told.length"))
}
