package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// The story in Firefox: lists are live, a page that is gone back to is right, and a server that is away is
// said.
func TestFirefoxPlaysTheStory(t *testing.T) {
	t.Parallel()
	f := browser.NewFirefox(t)
	sys := testsystem.New(t, "PAYOUT_GRACE=0s")
	ada, mia := f.Tab(t, sys.URL(testsystem.Contractor)), f.Tab(t, sys.URL(testsystem.Manager))
	live(mia)
	request(sys, ada, "1,250.00", "Kitchen fitting")
	ada.Open(sys.URL(testsystem.Contractor))
	live(ada)
	mia.See("Kitchen fitting", "#payments")
	mia.See("1,250.00 EUR", `[data-live-fragment="waiting-totals"]`)
	wasNotReloaded(t, mia)
	sameAsAReload(mia)
	mia.Press("Accept", mia.Row("Kitchen fitting"))
	mia.See("Accepted: 1,250.00 EUR for Ada Nowak", "#flashes")
	ada.See("Paid out", ada.Row("Kitchen fitting"))
	wasNotReloaded(t, ada)
	sameAsAReload(ada)

	t.Run("a page gone back to is right before it can be pressed", func(t *testing.T) {
		request(sys, ada, "20.00", "Tiles")
		mia.See("Tiles", "#payments")
		mia.Open(sys.URL(testsystem.Manager) + "/robots.txt") // another document: the page is kept whole
		ada.Open(sys.URL(testsystem.Contractor))
		ada.Press("Tiles")
		ada.Press("Withdraw 20.00 EUR")
		ada.See("Withdrawn", "main")
		sys.Settle(t)
		mia.Back()
		mia.See("Nothing waits for you")
		require.Zero(t, browser.Eval[int](mia, `document.querySelectorAll("#payments [data-key=a]").length`))
	})
	t.Run("without the server, what was typed stays", func(t *testing.T) {
		ada.Open(sys.URL(testsystem.Contractor) + "/payments/new")
		ada.See("Live", "header")
		require.NoError(t, sys.Stop(testsystem.Contractor))
		ada.SeeNot("Live", "header")
		ada.Fill("Amount", "30.00")
		ada.Fill("Description", "Sand")
		ada.Press("Request payment")
		ada.See("What you typed is kept", "#flashes")
		require.Equal(t, "Sand", browser.Eval[string](ada, `document.querySelector("textarea").value`))
		sys.Start(testsystem.Contractor)
		sys.WaitReady(testsystem.Contractor)
		ada.See("Live", "header")
		ada.Press("Request payment")
		ada.See("You asked for 30.00 EUR", "#flashes")
		mia.See("Sand", "#payments")
	})
}
