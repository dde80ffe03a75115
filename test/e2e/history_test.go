package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

const auditor = "Iris Hahn · auditor"

// listed is how many events a page lists.
func listed(tab *browser.Tab) int {
	return browser.Eval[int](tab, `document.querySelectorAll("tr[data-position]").length`)
}

func TestWhatHappenedIsSeenAsItHappens(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, testsystem.Unlimited...)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor))
	request(sys, ada, "1250.19", "Kitchen-fitting", "By a manager, after a hold")

	// Given an auditor who looks at what happens, then it comes by itself.
	iris := b.Tab(t, sys.URL(testsystem.Manager))
	signIn(iris, auditor)
	iris.Press("History", ".site-nav")
	iris.See("payment_requested", "#events")
	live(iris)
	request(sys, ada, "20.00", "Tape", "By a manager, after a hold")
	iris.Eventually(`[...document.querySelectorAll("#events td.what a")].filter((a) => a.textContent === "payment_requested").length === 2`)

	// When it is paused, then what comes is counted, and comes when it is asked for.
	iris.Press("Pause")
	before := listed(iris)
	request(sys, ada, "30.00", "Nails", "By a manager, after a hold")
	iris.Eventually(`/^\d+ new$/.test(document.querySelector("[data-follow-news]").textContent)`)
	require.Equal(t, before, listed(iris))
	browser.Eval[bool](iris, `(document.querySelector("[data-follow-news] button").click(), true)`)
	iris.Eventually(`[...document.querySelectorAll("#events td.what a")].filter((a) => a.textContent === "payment_requested").length === 3`)

	// The filter, a word, and Back.
	iris.Open(sys.URL(testsystem.Manager) + "/history")
	iris.Press("Filter", ".list-head")
	iris.Fill("Text", "tape")
	iris.Fill("From", "tomorrow")
	iris.Press("Show", "#filter")
	iris.See("Write the time as year, month, day, hour and minute")
	looksRight(t, iris, "a filter of events that is not right")
	iris.Fill("From", "")
	iris.Press("Show", "#filter")
	iris.Eventually(`document.querySelectorAll("tr[data-position]").length === 1`)
	iris.Press("payment_requested", "#events")
	iris.See("A contractor asks to be paid.")
	iris.See("Verified", ".facts")
	iris.See(`"description": "Tape"`)
	looksRight(t, iris, "an event")
	browser.Eval[bool](iris, `(document.querySelector("[data-copy]").scrollIntoView({ behavior: "instant", block: "center" }), true)`)
	iris.Click(iris.Find("Copy the data")) // a browser lets a page copy for a real press alone
	iris.See("Copied the data", "#flashes")
	iris.Press("Events", ".page-header")
	iris.See("Text: tape", ".filtered")

	// Nothing is found, and the page says how to widen.
	iris.Open(sys.URL(testsystem.Manager) + "/history?text=nowhere")
	iris.See("No event is like that")
	iris.Press("Show all events")
	iris.See("payment_requested", "#events")

	// Streams lead to their events.
	iris.Press("Streams", ".section")
	iris.See("By name")
	looksRight(t, iris, "streams")
	browser.Eval[bool](iris, `(document.querySelector("td[data-label=Events] a").click(), true)`)
	iris.See("Stream: payment-", ".filtered")

	// An operator does not see what people typed, nor find it.
	omar := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	signIn(omar, operator)
	omar.Open(sys.URL(testsystem.Manager) + "/history?text=tape")
	omar.See("No event is like that")
	omar.Open(sys.URL(testsystem.Manager) + "/history?type=payment_requested")
	omar.Press("payment_requested", "#events")
	omar.See("(masked)")
	omar.SeeNot("Nails")
}

// Without scripts all of it works but what comes by itself.
func TestTheHistoryWithoutScripts(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, testsystem.Unlimited...)
	askFor(t, sys, "30.00", "Beams")
	iris := browser.New(t).Tab(t, sys.URL(testsystem.Manager), browser.WithoutJavaScript, browser.Phone)
	iris.Fill("Signed in as", auditor)
	iris.Press("Switch")
	iris.See("History", ".site-nav")
	iris.Open(sys.URL(testsystem.Manager) + "/history")
	iris.SeeNot("Pause")
	iris.Press("Filter", ".list-head")
	iris.Fill("Text", "beams")
	iris.Press("Show", "#filter")
	iris.See("Text: beams", ".filtered")
	iris.Press("payment_requested", "#events")
	iris.See(`"description": "Beams"`)
	iris.Press("Events", ".page-header")
	iris.See("Text: beams", ".filtered")
}
