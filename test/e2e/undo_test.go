package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestAnAcceptanceIsUndone(t *testing.T) {
	t.Parallel()
	// Given a grace that does not pass meanwhile, and a payment that Mia has just accepted.
	at := testsystem.New(t, "PAYOUT_GRACE=10m")
	b := browser.New(t)
	ada := b.Tab(t, at.URL(testsystem.Contractor))
	mia := b.Tab(t, at.URL(testsystem.Manager))
	live(mia)
	request(at, ada, "1250.00", "Kitchen-fitting")
	ada.Open(at.URL(testsystem.Contractor))
	live(ada)
	row := ada.Row("Kitchen-fitting")
	mia.Press("Accept", mia.Row("Kitchen-fitting"))
	ada.See("Mia Weber", row)

	// When she presses Undo in the message.
	mia.Press("Undo", "#flashes")

	// Then it waits again in both lists, without a reload, and the message is gone.
	mia.See("Undone: 1,250.00 EUR for Ada Nowak waits again.", "#flashes")
	mia.SeeNot("Undo", "#flashes button")
	ada.See("Waiting", row)
	ada.SeeNot("Mia Weber", row)

	// And she may accept it and undo that on the payment's page, too, which says what happened.
	page := at.URL(testsystem.Manager) + "/payments/" + strings.TrimPrefix(row, "#payment-")
	mia.Open(page)
	mia.Press("Accept")
	mia.See("Accepted: ", "#flashes")
	mia.Open(page)
	mia.See("Accepted by Mia Weber")
	mia.Press("Undo", "main .facts")
	mia.See("Decide")
	mia.See("Mia Weber took the acceptance back")
	ada.See("Waiting", row)

	// And without scripts.
	tom := b.Tab(t, at.URL(testsystem.Manager), browser.WithoutJavaScript)
	reloadUntil(t, tom, "Kitchen-fitting")
	tom.Press("Accept")
	tom.Press("Undo")
	tom.See("Undone: 1,250.00 EUR for Ada Nowak waits again.")
}

func TestAnAcceptanceIsUndoneInItsRow(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, "PAYOUT_GRACE=10m")
	asked(t, sys, "First", "Second")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	first, second := mia.Row("First"), mia.Row("Second")
	live(mia)

	// Given a row that has just been accepted, in which the pointer rests.
	at := over(mia, first, "Accept")
	mia.Move(at)
	mia.Click(at)
	mia.See("Accepted by Mia Weber", first)
	mia.See("Undo", first+" .became")
	require.Contains(t, browser.Eval[string](mia, fmt.Sprintf(`document.querySelector("%s .became button").ariaLabel`, first)),
		"10.00 EUR for Ada Nowak: First")

	// When Undo is pressed in it, then it waits again in its place, and neither the row nor a message offers Undo.
	mia.Press("Undo", first)
	mia.See("Undone: 10.00 EUR for Ada Nowak waits again.", "#flashes")
	mia.See("Accept", first+" button")
	mia.SeeNot("Accepted by", first)
	mia.SeeNot("Undo", first)
	mia.SeeNot("Undo", "#flashes button")
	wasNotReloaded(t, mia)

	// And by the keyboard, whose focus stays in the row.
	focus := func(what string) {
		browser.Eval[bool](mia, fmt.Sprintf(`document.querySelector("%s").focus({ focusVisible: true }) ?? true`, what))
	}
	focus(second + " button")
	mia.Type("\r")
	mia.See("Undo", second+" .became")
	focus(second + " .became button")
	isWideEnough(t, mia, "undo")
	mia.Type("\r")
	mia.SeeNot("Accepted by", second)
	mia.Eventually(fmt.Sprintf(`document.activeElement.matches("%s a")`, second))
	sys.Settle(t)
	for _, s := range sys.Topic(t) {
		require.Equal(t, "requested", string(s.Payment.Decision), s.Payment.Description)
	}

	// And where the row stays in its list, with scripts and without.
	for _, options := range [][]browser.Option{nil, {browser.WithoutJavaScript}} {
		tab := browser.New(t).Tab(t, sys.URL(testsystem.Manager)+"/payments?tab=all", options...)
		tab.Press("Accept", first)
		tab.See("Undo", first)
		tab.Press("Undo", first)
		tab.See("Undone: 10.00 EUR for Ada Nowak waits again.")
		sys.Settle(t)
	}
}

func TestARowOffersUndoForAsLongAsTheGraceLasts(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, "PAYOUT_GRACE=5s")
	asked(t, sys, "First", "Second")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	first := mia.Row("First")
	live(mia)
	at := over(mia, first, "Accept")
	mia.Move(at)
	mia.Click(at)
	undo := first + " .became button"
	mia.Eventually(fmt.Sprintf(`document.querySelector("%s")`, undo))
	browser.Eval[bool](mia, fmt.Sprintf(`document.querySelector("%s").focus({ focusVisible: true }) ?? true`, undo))
	mia.Eventually(fmt.Sprintf(`!document.querySelector("%s")`, undo))
	mia.See("Accepted by Mia Weber", first)
	require.True(t, browser.Eval[bool](mia, fmt.Sprintf(`document.activeElement.matches("%s a")`, first)), "the focus stays in the row")
}

// A page that was read before a row came back, and is here after it, does not take it away again.
func TestAPageFromBeforeARowCameBackDoesNotTakeItAway(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, "PAYOUT_GRACE=10m")
	asked(t, sys, "First", "Second")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	first := mia.Row("First")
	live(mia)
	at := over(mia, first, "Accept")
	mia.Move(at)
	mia.Click(at)
	mia.See("Undo", first+" .became")
	mia.Eventually(fmt.Sprintf(`fetch(location.href).then((answer) => answer.text()).then((page) => (window.before = page) && !page.includes("%s"))`, first[1:]))
	browser.Eval[bool](mia, fmt.Sprintf(`(() => {
		const row = document.querySelector("%s"), real = window.fetch
		window.fetch = async (...args) => {
			const answer = await real(...args)
			if (!answer.redirected) return answer
			window.fetch = real
			while (row.classList.contains("gone")) await new Promise((done) => setTimeout(done, 20))
			document.addEventListener("page-came", () => { window.taken = true }, { once: true })
			const old = new Response(window.before, { headers: { "Content-Type": "text/html; charset=utf-8" } })
			return Object.defineProperties(old, { redirected: { value: true }, url: { value: answer.url } })
		}
		return true
	})()`, first))
	mia.Press("Undo", first)
	mia.Eventually("window.taken")
	mia.See("Accept", first+" button")
	mia.SeeNot("No longer", first)
	sameAsAReload(mia)
}
