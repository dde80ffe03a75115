package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// refreshed is what live updates do to a page, as a promise.
const refreshed = `new Promise((done) => {
	addEventListener("turbo:load", () => done(true), { once: true })
	Turbo.session.refresh(document.baseURI, { method: "morph", scroll: "preserve" })
})`

// pressLate sends a form that was kept, as somebody does who has not seen yet what has just happened.
func pressLate(tab *browser.Tab) {
	browser.Eval[bool](tab, `(document.querySelector("main").append(window.kept), window.kept.requestSubmit(), true)`)
}

func keep(tab *browser.Tab, form string) {
	browser.Eval[bool](tab, `Boolean(window.kept = document.querySelector("`+form+`").cloneNode(true))`)
}

func TestWhoeverLosesARaceIsTold(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Kitchen", "Lamps")
	b := browser.New(t)
	mia := b.Tab(t, sys.URL(testsystem.Manager))
	kitchen, lamps := mia.Row("Kitchen"), mia.Row("Lamps")

	// In the list.
	live(mia)
	keep(mia, kitchen+" form")
	tomDecides(t, sys, kitchen, "Reject payment", "Rejected", "Reason", "Twice")
	mia.SeeNot("Kitchen", "[data-live-list]")
	browser.Eval[bool](mia, `!new MutationObserver((changes) => {
		window.told = (window.told ?? 0) + changes.flatMap((c) => [...c.addedNodes]).length
	}).observe(document.getElementById("flashes"), { childList: true })`)
	pressLate(mia)
	mia.See("Not accepted. Already rejected by Tom Berg", "#flashes")
	for range 3 {
		mia.Eventually(refreshed)
	}
	mia.See("Kitchen", "#flashes")
	require.Equal(t, 1, browser.Eval[int](mia, "window.told"), "screen readers read it once")
	mia.Screenshot("told-list")
	require.Equal(t, "#"+strings.TrimPrefix(kitchen, "#payment-"),
		browser.Eval[string](mia, `"#" + document.querySelector("#flashes a").pathname.split("/").pop()`))

	// On the payment's page, with a note.
	mia.Press("Lamps")
	mia.See("Decide")
	live(mia)
	mia.Fill("Note", "Well done, at length")
	keep(mia, "#accept-form")
	tomDecides(t, sys, lamps, "Reject payment", "Rejected", "Reason", "Twice")
	mia.See("Rejected", ".page-header")
	browser.Eval[bool](mia, `document.querySelectorAll("#flashes [data-dismiss]").forEach(b => b.click()) ?? true`)
	pressLate(mia)
	mia.See("Not accepted. Already rejected by Tom Berg", "#flashes")
	mia.See("Well done, at length", "#flashes")
	for range 3 {
		mia.Eventually(refreshed)
	}
	mia.See("Well done, at length", "#flashes")
	mia.See("Rejected", ".page-header")
	mia.Screenshot("told-page")
}

func TestAnOrderThatWasRefusedSaysSoUntilItIsRead(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	g := stock(t, sys)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/orders/new")
	add(ada, "Cement", "2")
	ada.Fill("Customer", "Linden School")
	ada.Press("Choose customer")
	ada.See("Draft for Linden School")
	live(ada)

	// Prices that have changed.
	keep(ada, "#submit")
	sys.Send(t, "mia-weber", "Mia Weber", "/products/"+g.cement, map[string]any{
		"sequence": 1, "sku": "CEM-25", "name": "Cement", "price": map[string]any{"amount": 8_00, "currency": "EUR"}})
	ada.See("16.00", "table")
	pressLate(ada)
	ada.See("Not submitted", "#flashes")
	for range 3 {
		ada.Eventually(refreshed)
	}
	ada.See("It is 16.00 EUR now", "#flashes")

	// A discount that came too late.
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/orders")
	mia.Press("Draft", "[data-live-list]")
	mia.See("Set discount")
	live(mia)
	mia.Fill("Discount", "10")
	keep(mia, "#discount-form")
	ada.Press("Submit order")
	mia.See("Submitted", ".page-header")
	browser.Eval[bool](mia, `document.querySelectorAll("#flashes [data-dismiss]").forEach(b => b.click()) ?? true`)
	pressLate(mia)
	mia.See("Not discounted", "#flashes")
	for range 3 {
		mia.Eventually(refreshed)
	}
	mia.See("Not discounted", "#flashes")
}

func TestANoteIsOfferedForCopyingWhenAPaymentIsDecidedElsewhere(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Kitchen")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	row := mia.Row("Kitchen")
	mia.Press("Kitchen")
	mia.See("Decide")
	live(mia)
	browser.Eval[bool](mia, `document.getElementById("note").focus() ?? true`)
	mia.Type("Half a note")

	tomDecides(t, sys, row, "Reject payment", "Rejected", "Reason", "Twice")

	mia.See("Rejected", ".page-header")
	mia.See("Rejected by Tom Berg", "#flashes")
	mia.See("Half a note", "#flashes")
	mia.Find("Copy")
	require.Equal(t, 0, browser.Eval[int](mia, `document.querySelectorAll("main :is(form, textarea)").length`))
	mia.Screenshot("note-offered")
}

func TestAQuantityTypedTwiceIsTheOneTypedLast(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	stock(t, sys)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/orders/new")
	add(ada, "Cement", "4")
	ada.See("31.60")
	other := b.Tab(t, ada.URL())
	typed := func(keys string) {
		t.Helper()
		browser.Eval[bool](ada, "document.querySelector('.set-quantity input:not([type=hidden])').select() ?? true")
		ada.Type(keys)
	}
	for _, round := range []struct{ keys, last string }{
		{"9" + kb.Enter + kb.Enter, "9"}, {"7" + kb.Enter + kb.Enter, "7"},
		{"5" + kb.Enter + kb.Backspace + "12" + kb.Enter, "12"},
	} {
		live(ada)
		live(other)
		now := browser.Eval[string](other, quantityOf)
		other.Press("Add one")
		other.Eventually(quantityOf + " !== '" + now + "'")
		typed(round.keys)
		sys.Settle(t)
		ada.Eventually(quantityOf + " === '" + round.last + "'")
		other.Eventually(quantityOf + " === '" + round.last + "'")
		sameAsAReload(ada)
	}
}

func TestAQueuedPressSubmitsOnlyTheTotalThatWasSeen(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	stock(t, sys)
	ada := browser.New(t).Tab(t, "about:blank")
	ada.OnEveryPage(slow)
	ada.Open(sys.URL(testsystem.Contractor) + "/orders/new")
	add(ada, "Cement", "2")
	ada.Fill("Customer", "Linden School")
	ada.Press("Choose customer")
	ada.See("Draft for Linden School")
	live(ada)
	hold(ada)
	ada.Press("Add one")
	ada.Press("Submit order")
	give(ada)
	ada.See("The total is now 23.70 EUR", "#flashes")
	ada.See("Draft for Linden School")
	ada.Press("Submit order")
	ada.See("Submitted", "main")
}

func TestBackShowsWhatIsTrue(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Kitchen", "Lamps", "Gravel")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	mia.Press("Kitchen")
	mia.See("Decide")
	mia.Press("Payments", "main")
	row := mia.Row("Kitchen")
	mia.Press("Accept", row)
	mia.SeeNot("Kitchen", "[data-live-list]")

	// A page of a moment ago.
	browser.Eval[bool](mia, `(() => {
		const look = () => {
			if (/payments\/./.test(location.pathname) && document.querySelector("#accept-form")?.checkVisibility()) window.lied = true
			requestAnimationFrame(look)
		}
		look()
		return true
	})()`)
	mia.Back()
	mia.See("What happened")
	mia.See("Mia Weber accepted it")
	require.False(t, browser.Eval[bool](mia, "window.lied === true"), "it showed a decided payment that can be accepted")

	// A page that the browser kept whole.
	mia.Open(sys.URL(testsystem.Manager))
	lamps := mia.Row("Lamps")
	live(mia)
	browser.Eval[bool](mia, `addEventListener("pageshow", ({ persisted }) => {
		window.kept = persisted
		const button = document.querySelector("[data-live-list] button")
		window.lied = getComputedStyle(button).visibility === "visible" && getComputedStyle(button).pointerEvents !== "none"
	}, { capture: true }) ?? true`)
	mia.Open(sys.URL(testsystem.Contractor))
	tomDecides(t, sys, lamps, "Accept", "Accepted")
	mia.Back()
	mia.SeeNot("Lamps", "[data-live-list]")
	mia.See("Gravel", "[data-live-list]")
	t.Log("kept whole:", browser.Eval[bool](mia, "window.kept === true"))
	require.False(t, browser.Eval[bool](mia, "window.kept === true && window.lied"))
	mia.Press("Accept", mia.Row("Gravel"))
	mia.SeeNot("Gravel", "[data-live-list]")
	sameAsAReload(mia)
}

func TestAFormReachedByBackSendsItsPaymentWithOnePress(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	ada := browser.New(t).Tab(t, sys.URL(testsystem.Contractor))
	fill := func(amount, description string) {
		ada.Fill("Amount", amount)
		ada.Fill("Description", description)
		ada.Press("Request payment")
		ada.See(description, ".facts")
	}
	ada.Press("Request new payment")
	fill("3.10", "Tape")
	ada.Back()
	ada.See("Request payment")
	fill("4.00", "Glue")
	ada.See("You asked for 4.00 EUR", "#flashes")
	ada.Back()
	ada.See("Request payment")
	fill("4.00", "Glue")
	sys.Settle(t)
	require.Len(t, sys.Topic(t), 2)
}

// within waits in the page for an expression to hold, no longer than limit.
func within(t *testing.T, limit time.Duration, tab *browser.Tab, expression string) {
	t.Helper()
	require.True(t, browser.Eval[bool](tab, fmt.Sprintf(`new Promise((done) => {
		const until = performance.now() + %d
		const look = () => (%s) ? done(true) : performance.now() > until ? done(false) : setTimeout(look, 20)
		look()
	})`, limit.Milliseconds(), expression)), expression)
}

func TestOfflineIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Kitchen", "Lamps")
	b := browser.New(t)
	mia := b.Tab(t, sys.URL(testsystem.Manager))
	row := mia.Row("Kitchen")
	live(mia)
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/payments/new")
	ada.Fill("Amount", "12.00")
	ada.Fill("Description", "Typed at length")
	live(ada)

	mia.Network(false)
	ada.Network(false)

	within(t, 2*time.Second, mia, `document.querySelector("[data-live-state]").textContent === "Offline"`)
	within(t, 2*time.Second, ada, `document.querySelector("[data-live-state]").textContent === "Offline"`)

	// A form says that it was not sent, and keeps what was typed.
	ada.Press("Request payment")
	ada.See("Not sent", "#flashes")
	require.Equal(t, "Typed at length", browser.Eval[string](ada, "document.getElementById('description').value"))
	mia.Press("Accept", row)
	mia.See("Not sent", "#flashes")
	mia.See("Accept", row)
	mia.Screenshot("offline")

	// A link stays on the page.
	mia.Press("Lamps")
	mia.See("This page cannot be left", "#flashes")
	mia.Press("Reject", row)
	require.Contains(t, mia.URL(), sys.URL(testsystem.Manager))
	wasNotReloaded(t, mia)

	// All comes back by itself.
	asked(t, sys, "Gravel")
	mia.Network(true)
	ada.Network(true)
	live(mia)
	mia.See("Gravel", "[data-live-list]")
	mia.Press("Accept", row)
	mia.SeeNot("Kitchen", "[data-live-list]")
	ada.Press("Request payment")
	ada.See("Typed at length", ".facts")
	sys.Settle(t)
	require.Len(t, sys.Topic(t), 4)
}

// A network that fails silently closes no socket, and the browser does not notice it.
func TestADeadSocketIsNoticedWhenThePageIsLookedAt(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	mia := browser.New(t).Tab(t, "about:blank")
	mia.OnEveryPage(`(() => {
		const Real = WebSocket
		window.WebSocket = class extends Real { constructor(...a) { super(...a); window.last = this } send(m) { if (!window.dead) super.send(m) }
			set onmessage(f) { super.onmessage = (e) => { if (!window.dead) f(e) } } get onmessage() { return super.onmessage } }
	})()`)
	mia.Open(sys.URL(testsystem.Manager))
	live(mia)
	browser.Eval[bool](mia, `(window.dead = true, window.last.tag = "old", dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })), true)`)
	within(t, 2500*time.Millisecond, mia, `window.last.tag !== "old"`) // the socket is replaced
	browser.Eval[bool](mia, "window.dead = false")
	asked(t, sys, "Kitchen "+uuid.NewString())
	mia.See("Kitchen", "[data-live-list]")
}

// A page that the browser kept is right again soon, also where no socket can be opened.
func TestAPageReachedByBackIsRightWithoutASocket(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Kitchen", "Lamps")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	kitchen, lamps := mia.Row("Kitchen"), mia.Row("Lamps")
	live(mia)
	back := func() {
		browser.Eval[bool](mia, `(() => {
			for (const name of ["pagehide", "pageshow"]) dispatchEvent(new PageTransitionEvent(name, { persisted: true }))
			return true
		})()`)
	}
	browser.Eval[bool](mia, "Boolean(window.WebSocket = class { send() {} close() {} })")
	tomDecides(t, sys, kitchen, "Accept", "Accepted")
	back()
	mia.SeeNot("Kitchen", "[data-live-list]")
	mia.Press("Accept", lamps)
	mia.SeeNot("Lamps", "[data-live-list]")

	mia.Network(false)
	back()
	mia.See("This page may be out of date", "#flashes")
}

// A button says what was sent, and what may have been done.
func TestAnAnswerThatIsLostIsNotCalledUnsent(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Kitchen")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	row := mia.Row("Kitchen")
	live(mia)
	browser.Eval[bool](mia, `(() => {
		const real = window.fetch
		window.fetch = async (...args) => { await real(...args); throw new TypeError("lost") }
		return true
	})()`)
	mia.Press("Accept", row)
	mia.See("it may have been done", "#flashes")
	require.Equal(t, "alert", browser.Eval[string](mia, `document.querySelector("#flashes .tone-bad").role`))
	mia.SeeNot("Kitchen", "[data-live-list]")
}
