package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// many asks for as many payments as from and to say, each named by its number.
func many(t *testing.T, sys *testsystem.System, from, to int) {
	t.Helper()
	var payments []string
	for n := from; n <= to; n++ {
		payments = append(payments, "10.00", fmt.Sprintf("Payment %02d", n))
	}
	askFor(t, sys, payments...)
}

// all is a manager's list of all payments, the newest first, which is as long as a page and has more behind,
// with the pointer in it.
func all(t *testing.T, sys *testsystem.System) (mia *browser.Tab) {
	t.Helper()
	many(t, sys, 1, 27)
	mia = browser.New(t).Tab(t, "about:blank")
	mia.OnEveryPage(slow)
	mia.Open(sys.URL(testsystem.Manager) + "/payments?tab=all")
	mia.See("Payment 27", "[data-live-list]")
	live(mia)
	require.Equal(t, 25, rows(mia))
	mia.Move(over(mia, mia.Row("Payment 20"), ""))
	return mia
}

// Of more than a page of rows that wait, there is the number.
func TestMoreRowsThanAPageWaitWhileAListIsHeld(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	mia := all(t, sys)
	many(t, sys, 28, 57)
	mia.See("30 new", ".list-news")
	require.Equal(t, 25, rows(mia))
	mia.Click(mia.Find("30 new"))
	mia.See("Payment 57", "[data-live-list]")
	sameAsAReload(mia)
	require.Equal(t, 25, rows(mia))
	wasNotReloaded(t, mia)
}

// A page that comes while a list is held has rows in front: what it has no room for is behind, and not gone.
func TestWhatIsOnTheNextPageHasNotLeftAHeldList(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	mia := all(t, sys)
	last := mia.Row("Payment 03")
	many(t, sys, 28, 29)
	mia.See("2 new", ".list-news")
	mia.Eventually(refreshed)
	mia.See("2 new", ".list-news")
	require.Equal(t, 0, browser.Eval[int](mia, `document.querySelectorAll(".gone").length`))
	mia.See("Payment 03", last)
	tomDecides(t, sys, mia.Row("Payment 20"), "Accept", "Accepted")
	mia.See("Accepted", mia.Row("Payment 20"))
	away(mia)
	mia.See("Payment 29", "[data-live-list]")
	sameAsAReload(mia)
}

// A page that was made before a row changed does not show for a moment what the row was.
func TestAPageFromBeforeARowChangedDoesNotChangeItBack(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	mia := all(t, sys)
	row := mia.Row("Payment 20")
	for _, held := range []bool{true, false} {
		if !held {
			away(mia)
			row = mia.Row("Payment 19")
		}
		browser.Eval[bool](mia, fmt.Sprintf(`(() => {
			window.lied = false
			window.watched = %q
			new MutationObserver(() => {
				const says = document.querySelector(window.watched)?.innerText ?? ""
				if (says.includes("Accepted")) window.was = window.watched
				else if (window.was === window.watched) window.lied = says
			}).observe(document.body, { childList: true, subtree: true, characterData: true })
			window.slow = true
			window.came = new Promise((done) => addEventListener("turbo:render", () => done(true), { once: true }))
			window.due = false
			window.came.then(() => { window.due = true })
			Turbo.session.refresh(document.baseURI, { method: "morph", scroll: "preserve" })
			return true
		})()`, row))
		tomDecides(t, sys, row, "Accept", "Accepted")
		mia.See("Accepted", row)
		require.False(t, browser.Eval[bool](mia, "window.due"), "the page from before has come already")
		give(mia)
		mia.Eventually("window.due")
		sameAsAReload(mia)
		require.Equal(t, false, browser.Eval[any](mia, "window.lied"), "held: %v", held)
	}
}
