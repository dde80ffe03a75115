package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// A payment is called the same in both apps, wherever it is named; one copies it in the one and finds it in
// the other.
func TestAPaymentsReferenceIsTheSameInBothApps(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "Another one")
	b := browser.New(t)
	ada, mia := b.Tab(t, sys.URL(testsystem.Contractor)+"/payments/new"), b.Tab(t, sys.URL(testsystem.Manager))
	ada.Fill("Amount", "12.00")
	ada.Fill("Description", "Lamps")
	ada.Press("Request payment")
	ada.See("You asked for 12.00 EUR", "#flashes")
	reference := browser.Eval[string](ada, `document.querySelector(".page-header .copy-id").innerText`)
	require.Regexp(t, `^P-\d{4}-000002$`, reference)
	called := func(tab *browser.Tab, page string) {
		t.Helper()
		tab.See(reference, ".page-header")
		require.Contains(t, browser.Eval[string](tab, "document.title"), reference)
		require.Equal(t, page, paymentIn(tab.URL()))
	}
	page := paymentIn(ada.URL())
	called(ada, page)
	ada.See(reference, "#flashes")

	// Copied, and pasted into the other app's search.
	ada.Click(ada.Find("Copy " + reference))
	ada.See("Copied "+reference+".", "#flashes")
	row := mia.Row("Lamps")
	mia.See(reference, row)
	browser.Eval[bool](mia, `document.querySelector("[type=search]").focus() ?? true`)
	mia.Paste()
	mia.SeeNot("Another one", "[data-live-list]")
	require.Equal(t, reference, query(t, mia.URL()).Get("q"))
	mia.See(reference, row)

	// In a message, on its page, and as an address.
	mia.Press("Accept", row)
	mia.See(reference, "#flashes")
	for app, tab := range map[string]*browser.Tab{testsystem.Contractor: ada, testsystem.Manager: mia} {
		for _, spelling := range []string{reference, strings.ToLower(reference)} {
			tab.Open(sys.URL(app) + "/payments/" + spelling)
			called(tab, page)
		}
	}
	ada.Open(sys.URL(testsystem.Contractor) + "/?q=" + url.QueryEscape(reference))
	ada.See("Lamps", "[data-live-list]")
	ada.SeeNot("Another one", "[data-live-list]")
	ada.See(reference, ada.Row("Lamps"))

	// Where nothing lets a page copy, the number is marked.
	ada.Press("Lamps", "[data-live-list]")
	called(ada, page)
	browser.Eval[bool](ada, `Boolean(navigator.clipboard.writeText = () => Promise.reject(), document.execCommand = () => false, true)`)
	ada.Press("Copy " + reference)
	ada.See("The number is marked", "#flashes")
	require.Equal(t, reference, browser.Eval[string](ada, "getSelection().toString()"))
}
