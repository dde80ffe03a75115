package e2e

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// mark leaves something in the page that only a reload removes.
func mark(tab *browser.Tab) { browser.Eval[bool](tab, "window.notReloaded = true") }

// wasNotReloaded checks that the page is still the one that was marked.
func wasNotReloaded(t *testing.T, tab *browser.Tab) {
	t.Helper()
	require.True(t, browser.Eval[bool](tab, "window.notReloaded === true"), "the page was reloaded")
}

// request asks for a payment in the contractor's tab, and returns to the list.
func request(at apps, tab *browser.Tab, amount, description string, capture ...string) {
	tab.Open(at.URL(testsystem.Contractor))
	tab.Press("Request new payment")
	tab.Fill("Amount", amount)
	tab.Fill("Currency", "EUR")
	tab.Fill("Description", description)
	for _, choice := range capture {
		tab.Fill("Capture", choice)
	}
	tab.Press("Request payment")
	tab.See(description)
}

// sameAsAReload waits until the open page shows what a reload would show: badges and totals may
// come a moment after the rows.
func sameAsAReload(tab *browser.Tab) {
	tab.Eventually(`(async () => {
		const shown = page => {
			const main = page.querySelector("main").cloneNode(true)
			main.querySelectorAll("#flashes, time").forEach(e => e.remove()) // these pass by themselves
			main.querySelectorAll("select").forEach(e => e.remove())         // what can be chosen may be older, but not what is
			const chosen = [...page.querySelectorAll("main :is(select, pick-from input[type=hidden])")].map(e => e.name + "=" + e.value)
			return main.textContent.replace(/\s+/g, "") + chosen
		}
		const open = shown(document)
		const reloaded = shown(new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html"))
		let at = 0
		while (at < open.length && open[at] === reloaded[at]) at++
		window.difference = open.slice(at, at + 200) + "\n" + reloaded.slice(at, at + 200)
		return open === reloaded
	})()`)
}

func TestTheStoryInTwoTabs(t *testing.T) {
	t.Parallel()
	playTheStory(t, testsystem.New(t), "")
}

// playTheStory plays it with payments whose descriptions end in tag, among any others.
func playTheStory(t *testing.T, at apps, tag string) {
	kitchen, lamps := "Kitchen-fitting"+tag, "Site-lamps"+tag
	b := browser.New(t)

	// Given a contractor's list and a manager's list, open side by side in one browser.
	ada := b.Tab(t, at.URL(testsystem.Contractor))
	mia := b.Tab(t, at.URL(testsystem.Manager))
	ada.See("Request new payment")
	mia.See("Waiting")
	live(ada)
	live(mia)

	// When Ada asks to be paid, Mia sees it without a reload.
	request(at, ada, "1250.00", kitchen)
	mia.See("1,250.00", mia.Row(kitchen))
	wasNotReloaded(t, mia)

	// When Mia accepts, Ada's list shows it, and that it was paid out, without a reload.
	ada.Open(at.URL(testsystem.Contractor))
	row := ada.Row(kitchen)
	live(ada)
	mia.Press("Accept", mia.Row(kitchen))
	ada.See("Accepted", row)
	ada.See("Mia Weber", row)
	ada.Eventually(`/paid out|captured/i.test(document.querySelector("` + row + `").innerText)`)
	wasNotReloaded(t, ada)
	sameAsAReload(ada)

	// And a rejection, with its reason, on the open page of the payment.
	request(at, ada, "96.00", lamps)
	ada.Open(at.URL(testsystem.Contractor))
	ada.Press(lamps)
	ada.See("Withdraw")
	live(ada)
	mia.Press("Reject", mia.Row(lamps))
	mia.Fill("Reason", "No invoice")
	mia.Press("Reject payment")
	ada.See("Rejected")
	ada.See("No invoice")
	wasNotReloaded(t, ada)
	ada.See("Ask again")
	ada.Press("Ask again")
	ada.Press("Request payment")
	mia.Open(at.URL(testsystem.Manager))
	mia.Press("Accept", mia.Row(lamps))
	mia.SeeNot(lamps, "[data-live-list]")
}

func TestTheStoryWithoutJavaScript(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor), browser.WithoutJavaScript)
	mia := b.Tab(t, sys.URL(testsystem.Manager), browser.WithoutJavaScript)

	request(sys, ada, "310.40", "Van-rental")
	reloadUntil(t, mia, "Van-rental")
	mia.Press("Accept")
	ada.Open(sys.URL(testsystem.Contractor))
	reloadUntil(t, ada, "Accepted")

	request(sys, ada, "12.00", "Gloves")
	reloadUntil(t, mia, "Gloves")
	mia.Press("Reject")
	mia.Fill("Reason", "Twice")
	mia.Press("Reject payment")
	ada.Open(sys.URL(testsystem.Contractor))
	reloadUntil(t, ada, "Rejected")
}

// reloadUntil presses reload until the page shows text.
func reloadUntil(t *testing.T, tab *browser.Tab, text string) {
	t.Helper()
	testsystem.Eventually(t, "the page shows "+text, func() error {
		tab.Reload()
		if !strings.Contains(tab.Text("main"), text) {
			return errors.New("it does not yet")
		}
		return nil
	})
}

func TestSendingTheFormTwiceMakesOnePayment(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor))
	ada.Press("Request new payment")
	ada.Fill("Amount", "20.00")
	ada.Fill("Description", "Tape")
	ada.PressTwice("Request payment")
	ada.See("Tape")

	// And once more with the back button.
	ada.Back()
	ada.See("Request payment")
	ada.Fill("Amount", "20.00")
	ada.Fill("Description", "Tape")
	ada.Press("Request payment")
	ada.See("Tape")

	ada.Open(sys.URL(testsystem.Contractor))
	ada.See("Tape")
	require.Equal(t, 1, browser.Eval[int](ada, `document.querySelectorAll("[data-live-list] tr[id^=payment-]").length`))
}

func TestAllTabsOfABrowserAreOnePersons(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)

	// Given two tabs of one browser, both Ada's, and somebody else's browser.
	first := b.Tab(t, sys.URL(testsystem.Contractor))
	live(first)
	second := b.Tab(t, sys.URL(testsystem.Contractor))
	live(second)
	other := browser.New(t).Tab(t, sys.URL(testsystem.Contractor))
	live(other)

	// When Jon signs in in one, then so he is in the other.
	signIn(first, "Jon Park")
	second.Eventually(`document.querySelector("#person").selectedOptions[0].text === "Jon Park"`)
	live(second)

	// And going back to a page of Ada's shows Jon's, and disturbs nobody; also where no other tab could tell.
	alone := browser.New(t).Tab(t, sys.URL(testsystem.Contractor))
	live(alone)
	signIn(alone, "Jon Park")
	for _, tab := range []*browser.Tab{first, alone} {
		mark(tab) // as are those of Ada's
		tab.Back()
		tab.Eventually(`!window.notReloaded && document.querySelector("#person")?.selectedOptions[0].text === "Jon Park"`)
	}
	wasNotReloaded(t, second)
	// A page of Ada's that the browser had kept would be refused its socket, on which it is loaded again.
	browser.Eval[bool](alone, `(() => {
		const socket = new WebSocket(location.origin.replace("http", "ws") + "/live?as=ada-nowak")
		socket.onclose = ({ code }) => { window.closedWith = code }
		return true
	})()`)
	alone.Eventually("window.closedWith === 1008")

	// And it shows his news, which nobody else is told.
	request(sys, first, "33.00", "Gravel")
	second.See("Gravel")
	wasNotReloaded(t, second)
	sameAsAReload(second)
	wasNotReloaded(t, other)
	other.SeeNot("Gravel")
}
