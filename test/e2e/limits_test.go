package e2e

import (
	"testing"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestAPageThatIsOneTooManySaysThatItIsNotLive(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, "SOCKETS_PER_SESSION=1")
	b := browser.New(t)
	first := b.Tab(t, sys.URL(testsystem.Manager))
	first.See("Live")
	second := b.Tab(t, sys.URL(testsystem.Manager))
	second.See("Not live: too many pages are open")
	second.Screenshot("too-many-pages")

	// It is live once the other has gone, and somebody looks at it.
	first.Open("about:blank")
	second.Eventually(`(dispatchEvent(new Event("focus")), document.querySelector("[data-live-state]").textContent === "Live")`)
}
