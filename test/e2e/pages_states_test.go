package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// lists are the lists of each app, by their addresses.
var lists = map[string][]string{testsystem.Contractor: {"/", "/orders"}, testsystem.Manager: {"/payments", "/orders", "/catalog", "/customers"}}

// An empty list says what it is and what to do, in every tab; a search that finds nothing can be widened.
func TestEveryEmptyListLeadsOn(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)
	for app, paths := range lists {
		tab := b.Tab(t, sys.URL(app))
		list, err := json.Marshal(paths)
		require.NoError(t, err)
		require.Empty(t, browser.Eval[[]string](tab, pagesScript+"; emptyLists("+string(list)+")"), app)
		tab.Open(sys.URL(app) + paths[0] + "?q=nothinglikethis")
		tab.See("Nothing found")
		isAccessible(t, tab, app+" nothing found")
		tab.Press(browser.Eval[string](tab, `document.querySelector(".empty-state .btn").innerText`))
		tab.SeeNot("Nothing found")
		isAccessible(t, tab, app+" empty")
		isWideEnough(t, tab, app+" empty")
	}
}

// forms are a form of each app that changes something.
var forms = map[string]struct{ path, button string }{
	testsystem.Contractor: {"/payments/new", "Request payment"}, testsystem.Manager: {"/customers/new", "Add customer"},
}

// An error's page says what happened and leads on; it is as accessible as every other.
func TestErrorPages(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)
	for app, path := range map[string]string{testsystem.Contractor: "/orders", testsystem.Manager: "/payments"} {
		table := strings.TrimSuffix(path[1:], "s") + "_rows"
		tab := b.Tab(t, sys.URL(app)+path)
		tab.See("Live", "header")
		look := func(name string, says ...string) {
			for _, text := range says {
				tab.See(text, "main")
			}
			require.NotEmpty(t, browser.Eval[string](tab, `document.querySelector("main a.btn").href`))
			isAccessible(t, tab, app+" "+name)
			isWideEnough(t, tab, app+" "+name)
			tab.Resize(1280, 900)
		}
		tab.Open(sys.URL(app) + path + "/" + uuid.NewString())
		look("404", "Not found", "There is no such")
		tab.Open(sys.URL(app) + path + "?q=" + strings.Repeat("x", 201))
		look("400", "Not understood", "Search for 200 characters at most.")

		form := forms[app]
		tab.Open(sys.URL(app) + form.path)
		browser.Eval[bool](tab, `Boolean(document.querySelector("meta[name=person]").content = "somebody-else")`)
		tab.Press(form.button, "main form")
		look("409", "Not possible any more", "In another tab, this browser was switched to")
		tab.Open(sys.URL(app) + form.path)
		browser.Eval[bool](tab, `Boolean(document.querySelector("main form :is(textarea, input:not([type=hidden]))").value = "x".repeat(2e6))`)
		tab.Press(form.button, "main form")
		look("413", "Too much at once", "Nothing was saved.")

		sys.Break(t, app, `alter table `+table+` rename to elsewhere`)
		tab.Open(sys.URL(app) + path)
		look("500", "Something went wrong", "This is our fault", "Try again")
		sys.Break(t, app, `alter table elsewhere rename to `+table)
		tab.Press("Try again")
		tab.SeeNot("Something went wrong")

		sys.CloseDatabase(t, app)
		tab.Open(sys.URL(app) + path)
		look("503", "Not available at the moment", "try again", "Try again")
		sys.OpenDatabase(t, app)
		tab.Eventually(fmt.Sprintf(`fetch(%q).then((answer) => answer.ok)`, path))
		tab.Press("Try again")
		tab.SeeNot("Not available")
	}
}

// Who asks for too much at once is told so by a page like every other.
func TestThePageOfALimit(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, "REQUESTS_PER_SESSION=0.2") // two at once, and then one in five seconds
	tab := browser.New(t).Tab(t, sys.URL(testsystem.Contractor))
	browser.Eval[bool](tab, `Promise.all(Array.from({ length: 5 }, () => fetch("/no-such-page"))).then(() => true)`)
	tab.Open(sys.URL(testsystem.Contractor) + "/orders")
	tab.See("One thing after another", "main")
	tab.See("Please wait a moment", "main")
	isAccessible(t, tab, "429")
	isWideEnough(t, tab, "429")
}

// A row that has left the list is dimmed, and can be read by everybody.
func TestADimmedRowCanBeRead(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, "PAYOUT_GRACE=10m")
	asked(t, sys, "First", "Second", "Third")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	first, second := mia.Row("First"), mia.Row("Second")
	live(mia)
	color := `getComputedStyle(document.querySelector("%s .what a")).color`
	before := browser.Eval[string](mia, fmt.Sprintf(color, first))
	mia.Type("jj")
	tomDecides(t, sys, first, "Reject payment", "Rejected", "Reason", "Twice")
	mia.See("Rejected by Tom Berg", first)
	mia.Type("a")
	mia.See("Accepted by Mia Weber", second)
	mia.See("Undo", second)
	require.NotEqual(t, before, browser.Eval[string](mia, fmt.Sprintf(color, first)))
	isAccessible(t, mia, "dimmed rows")
	isWideEnough(t, mia, "dimmed rows")
}

// Texts of 200 characters without a space do not widen any page.
func TestLongTextsFit(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, testsystem.Unlimited...)
	long := func(begins string, length int) string { return begins + strings.Repeat("W", length-len(begins)) }
	product, customer, description, reason := long("Product", 200), long("Customer", 200), long("Description", 200), long("Reason", 200)
	sys.Product(t, long("SKU", 60), product, 999_999_999_99)
	sys.Customer(t, customer, long("mail", 180)+"@example.example")
	sys.Settle(t)
	b := browser.New(t)
	ada, mia := b.Tab(t, sys.URL(testsystem.Contractor)), b.Tab(t, sys.URL(testsystem.Manager))
	request(sys, ada, "999999999.99", description)
	ada.Open(sys.URL(testsystem.Contractor) + "/orders/new")
	add(ada, product, "1")
	pick(ada, "Customer", customer)
	ada.See("Draft for Customer")
	order := strings.TrimPrefix(ada.URL(), sys.URL(testsystem.Contractor))
	ada.Open(sys.URL(testsystem.Contractor) + order + "/cancel")
	fitsSideways(t, ada, "long cancel")
	ada.Open(sys.URL(testsystem.Contractor) + order)
	fitsSideways(t, ada, "long draft")
	mia.See(description[:60], "#payments")
	mia.Press("Reject")
	mia.Fill("Reason", reason)
	fitsSideways(t, mia, "long reject")
	mia.Press("Reject payment")
	mia.See("Rejected", "#flashes")
	sys.Settle(t)
	for app, tab := range map[string]*browser.Tab{testsystem.Contractor: ada, testsystem.Manager: mia} {
		pages, _ := everyPage(t, sys, tab, app)
		for _, page := range pages {
			tab.Open(sys.URL(app) + page.Path)
			fitsSideways(t, tab, app+" long "+page.Kind)
		}
	}
}

// fitsSideways checks at all widths that nothing sticks out; a row of such a text may be higher than others.
func fitsSideways(t *testing.T, tab *browser.Tab, page string) {
	t.Helper()
	for _, width := range []int64{390, 768, 820, 960, 1024, 1280} {
		tab.Resize(width, 900)
		for _, problem := range browser.Eval[[]string](tab, pagesScript+"; squeezed()") {
			if !strings.HasSuffix(problem, " px high") {
				t.Errorf("%s, %d px: %s", page, width, problem)
			}
		}
		tab.Screenshot(fmt.Sprintf("%s-%d", strings.ReplaceAll(page, "/", "_"), width))
	}
}
