package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// Whoever goes on typing while a form is sent sends what was typed with the next press, and has lost nothing.
func TestAFormThatIsTypedOnWhileItIsSentIsSentAgain(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	stock(t, sys)
	ada := browser.New(t).Tab(t, "about:blank")
	ada.OnEveryPage(slow)
	ada.Open(sys.URL(testsystem.Contractor) + "/orders/new")
	add(ada, "Bricks", "1")
	live(ada)

	// Done.
	ada.Fill("Product", "Cement")
	ada.Fill("Quantity", "1")
	hold(ada)
	ada.Press("Add")
	ada.Fill("Quantity", "3")
	give(ada)
	ada.See("7.90", "table")
	require.Equal(t, "3", browser.Eval[string](ada, "document.getElementById('quantity').value"))
	ada.Press("Add")
	ada.See("31.60", "table")

	// Refused: what is wrong stands beside its field, and what was typed meanwhile in another one.
	ada.Fill("Product", "Cement")
	ada.Fill("Quantity", "none")
	hold(ada)
	ada.Press("Add")
	ada.Fill("Product", "Bricks")
	give(ada)
	ada.See("Enter a whole number from 1")
	require.Equal(t, "Bricks", browser.Eval[string](ada, "document.getElementById('product').value"))
	ada.Fill("Quantity", "1")
	ada.Press("Add")
	ada.See("172.00", "table")

	// A discount goes with what its page shows after the one before.
	mia := browser.New(t).Tab(t, "about:blank")
	mia.OnEveryPage(slow)
	mia.Open(sys.URL(testsystem.Manager) + "/orders")
	mia.Press("Draft", "[data-live-list]")
	mia.See("Set discount")
	live(mia)
	mia.Fill("Discount", "10")
	hold(mia)
	mia.Press("Set discount")
	mia.Fill("Discount", "25")
	give(mia)
	mia.See("Discount of 10%")
	mia.Press("Set discount")
	mia.See("Discount of 25%")
}

func TestASearchGoesWithWhatElseIsSent(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, "PAYOUT_GRACE=10m")
	asked(t, sys, "Red paint", "Red brick", "Sand")
	mia := browser.New(t).Tab(t, "about:blank")
	mia.OnEveryPage(slow)
	mia.Open(sys.URL(testsystem.Manager))
	live(mia)
	search := func(keys string) {
		t.Helper()
		browser.Eval[bool](mia, `document.querySelector("[type=search]").select() ?? true`)
		mia.Type(keys)
	}

	// A filter that is being filled in, and a view that is being named, are of what is searched now.
	mia.Press("Filter")
	mia.Fill("Currency", "EUR")
	mia.Fill("At least", "5")
	search("red")
	mia.SeeNot("Sand", "[data-live-list]")
	mia.Eventually(`document.querySelector("#filter [name=q]")?.value === "red"`)
	require.Equal(t, "5", browser.Eval[string](mia, `document.getElementById("least").value`))
	mia.Press("Show")
	mia.See("At least 5.00 EUR")
	mia.SeeNot("Sand", "[data-live-list]")
	mia.Press("Views", ".list-head")
	mia.Fill("Name of this view", "Bricks")
	search("brick")
	mia.SeeNot("Red paint", "[data-live-list]")
	mia.Press("Save this view")
	mia.See("This view is saved", "#flashes")
	require.Equal(t, "brick", query(t, mia.URL()).Get("q"))

	// Enter sends it once.
	mia.Open(sys.URL(testsystem.Manager))
	live(mia)
	browser.Eval[bool](mia, `(window.sent = 0, addEventListener("turbo:submit-start", () => { window.sent++ }), answered = new Promise((done) => setTimeout(() => done(true), 500)), true)`)
	search("red" + kb.Enter)
	mia.SeeNot("Sand", "[data-live-list]")
	mia.Eventually("answered")
	require.Equal(t, 1, browser.Eval[int](mia, "window.sent"))

	// It waits for what changes something, which it would cut off.
	mia.Press("Accept", mia.Row("Red paint"))
	mia.See("Accepted: ", "#flashes")
	away(mia)
	hold(mia)
	mia.Press("Undo", "#flashes")
	search("brick")
	// A search waits for more keys, but not that long.
	mia.Eventually("new Promise((done) => setTimeout(() => done(true), 1000))")
	give(mia)
	mia.See("waits again", "#flashes")
	mia.Eventually(`new URL(location).searchParams.get("q") === "brick"`)
	mia.SeeNot("Red paint", "[data-live-list]")
}

// A page that the browser kept shows its buttons, and says why they do nothing and how to go on.
func TestAPageFromBeforeSaysWhyNothingCanBePressed(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Kitchen")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	row := mia.Row("Kitchen")
	live(mia)
	browser.Eval[bool](mia, `(() => {
		window.WebSocket = class { send() {} close() {} }
		const real = window.fetch
		window.fetch = async (...args) => { window.posted ||= args[1]?.method?.toUpperCase() === "POST"; await new Promise((done) => { window.answer = done }); return real(...args) }
		for (const name of ["pagehide", "pageshow"]) dispatchEvent(new PageTransitionEvent(name, { persisted: true }))
		return true
	})()`)
	mia.See("This page is from before, and is being brought up to date. Its buttons work again then; if it takes long, reload the page.", "#flashes")
	mia.See("Accept", row+" button")
	require.Equal(t, "none 0.5", browser.Eval[string](mia, `(({ pointerEvents, opacity }) => pointerEvents + " " + opacity)(getComputedStyle(document.querySelector("`+row+` button")))`))
	mia.Screenshot("from-before")
	browser.Eval[bool](mia, `document.querySelector("`+row+` button").click() ?? true`) // as a key does
	mia.See("Not sent: this page is being brought up to date", "#flashes")
	require.False(t, browser.Eval[bool](mia, "window.posted === true"))

	mia.Eventually("window.answer")
	browser.Eval[bool](mia, "window.answer() ?? true")
	mia.SeeNot("This page is from before", "#flashes")
	mia.Eventually(`getComputedStyle(document.querySelector("` + row + ` button")).pointerEvents === "auto"`)
}

// Keys press nothing in a row that has left the list.
func TestKeysPressNothingThatCannotBePressed(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "First", "Second")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	first := mia.Row("First")
	live(mia)
	mia.Type("j")
	tomDecides(t, sys, first, "Accept", "Accepted")
	mia.See("Accepted by Tom Berg", first)
	mia.Eventually(`document.activeElement.closest("` + first + `")`)
	browser.Eval[bool](mia, `addEventListener("click", () => { window.pressed = true }, { capture: true }) ?? true`)
	mia.Type("ar")
	require.False(t, browser.Eval[bool](mia, "window.pressed === true"))
	mia.Type("ja")
	mia.See("Accepted by Mia Weber", mia.Row("Second"))
}

// A browser may let pages keep nothing, and show no notification.
func TestABrowserThatKeepsNothingShowsEverythingElse(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Beams")
	mia := browser.New(t).Tab(t, "about:blank")
	mia.OnEveryPage(`(() => {
		Object.defineProperty(window, "localStorage", { get() { throw new DOMException("denied", "SecurityError") } })
		window.Notification = class { constructor() { throw new TypeError("Illegal constructor") } static permission = "default"
			static async requestPermission() { return (Notification.permission = window.answer) } }
		window.answer = "denied"
		window.failures = []
		for (const name of ["error", "unhandledrejection"]) addEventListener(name, (e) => window.failures.push(String(e.message ?? e.reason)))
	})()`)
	mia.Open(sys.URL(testsystem.Manager))
	live(mia)
	mia.Eventually(`document.title.startsWith("(1) ")`)
	mia.Press("Notify me of new ones")
	mia.See("Its settings for this site can allow it", "#flashes")
	browser.Eval[bool](mia, `Boolean(window.answer = "granted")`)
	mia.Press("Notify me of new ones")
	mia.See("Kept until this page is loaded again", "#flashes")
	mia.Eventually(`document.querySelector("[data-notify]").ariaPressed === "true"`)

	browser.Eval[bool](mia, `Boolean(Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" }))`)
	asked(t, sys, "Dowels")
	mia.Eventually(`document.title.startsWith("(2) ")`)
	browser.Eval[bool](mia, `delete document.visibilityState`)
	mia.See("This browser lets pages show no notification", "#flashes")
	mia.Eventually(`document.querySelector("[data-notify]").ariaPressed === "false"`)
	mia.Press("Keyboard shortcuts")
	browser.Eval[bool](mia, `(document.getElementById("keys-on").click(), true)`)
	mia.Press("Close")
	mia.Press("Theme: system")
	require.Empty(t, browser.Eval[[]string](mia, "window.failures"))
}
