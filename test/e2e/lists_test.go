package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestTheWayBackLeadsToTheListAsItWas(t *testing.T) {
	sys := testsystem.New(t)
	asked(t, sys, "Red paint", "Red brick", "Sand")
	b := browser.New(t)
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/payments?tab=all&q=red")

	// A search goes on as one types, and the focus stays.
	mia.See("Red brick", "[data-live-list]")
	browser.Eval[bool](mia, `(() => { const box = document.querySelector("[type=search]"); box.focus(); box.setSelectionRange(3, 3); return true })()`)
	mia.Type(" p")
	mia.SeeNot("Red brick", "[data-live-list]")
	mia.Type("a")
	mia.Eventually(`new URL(location).searchParams.get("q") === "red pa"`)
	mia.See("Red paint", "[data-live-list]")
	require.True(t, browser.Eval[bool](mia, `document.activeElement.value === "red pa" && document.activeElement.selectionStart === 6`))
	list := mia.URL()

	// The payment's page knows the list, after a refresh by news of it, too.
	mia.Press("Red paint")
	mia.See("What happened")
	page := mia.URL()
	tomDecides(t, sys, "#payment-"+paymentIn(page), "Accept", "Accepted")
	mia.See("Accepted by Tom Berg")
	mia.Press("Payments", ".page-header")
	mia.See("Red paint", "[data-live-list]")
	require.Equal(t, query(t, list), query(t, mia.URL()))

	// Reject from a payment's page leads back, with and without scripts.
	for _, tab := range []*browser.Tab{mia, b.Tab(t, sys.URL(testsystem.Manager)+"/payments?q=sand", browser.WithoutJavaScript)} {
		payment := map[bool]string{true: "Red brick", false: "Sand"}[tab == mia]
		tab.Open(sys.URL(testsystem.Manager) + "/payments?q=" + strings.ToLower(payment[:3]))
		tab.Press(payment)
		tab.See("Decide")
		tab.Press("Reject")
		tab.Fill("Reason", "Too dear")
		tab.Press("Reject payment")
		tab.See("Rejected: ")
		require.Contains(t, tab.URL(), "/payments?q="+strings.ToLower(payment[:3]))
	}
}

// query is what an address asks for.
func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Query()
}

// paymentIn is the id in a page's address.
func paymentIn(address string) string {
	_, id, _ := strings.Cut(address, "/payments/")
	id, _, _ = strings.Cut(id, "?")
	return id
}
