package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// withThree is a manager's list with the payments First, Second and Third.
func withThree(t *testing.T) *browser.Tab {
	t.Helper()
	sys := testsystem.New(t)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor))
	for _, description := range []string{"First", "Second", "Third"} {
		request(sys, ada, "10.00", description)
	}
	return b.Tab(t, sys.URL(testsystem.Manager))
}

// The row stays where it is, and nothing can be pressed in it any more.
func TestADoubleClickDecidesOnePayment(t *testing.T) {
	t.Parallel()
	mia := withThree(t)
	mia.See("Third")
	at := mia.Find("Accept")
	for range 4 {
		mia.Click(at)
	}
	mia.See("Accepted by Mia Weber", mia.Row("First"))
	away(mia)
	mia.SeeNot("First", "[data-live-list]")
	require.Equal(t, 2, rows(mia))
	mia.Press("Accept")
	mia.SeeNot("Second", "[data-live-list]")
	require.Equal(t, 1, rows(mia))
}

// quantityOf is what the field of a draft's only line says.
const quantityOf = "document.querySelector('.set-quantity input:not([type=hidden])').value"

func TestADraftByKeyboard(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	stock(t, sys)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/orders")
	ada.Press("New order")
	add(ada, "Cement", "1")
	focused := func(expression string) { t.Helper(); ada.Eventually("document.activeElement." + expression) }
	focused("matches('#add [role=combobox]')") // for the next one

	browser.Eval[bool](ada, "document.querySelector('[title=\"Add one\"]').focus() ?? true")
	for _, quantity := range []string{"2", "3"} {
		ada.Type(kb.Enter)
		ada.Eventually(quantityOf + " === '" + quantity + "'")
		focused("matches('[title=\"Add one\"]')")
	}

	// A quantity is typed, and the focus stays there.
	typed := func(quantity string) {
		t.Helper()
		browser.Eval[bool](ada, "document.querySelector('.set-quantity input:not([type=hidden])').select() ?? true")
		ada.Type(quantity + kb.Enter)
	}
	typed("1000000")
	ada.See("7,900,000.00", "table")
	focused("matches('.set-quantity input')")

	// What went wrong is told until something goes well.
	ada.Press("Add one")
	ada.See("Not changed: an order has 1,000,000 of one product at most")
	typed("100")
	ada.See("790.00", "table")
	ada.SeeNot("Not changed")

	// What is wrong is marked and has the focus.
	browser.Eval[bool](ada, "document.getElementById('quantity').select() ?? true")
	ada.Type("0" + kb.Enter)
	ada.See("Enter a whole number from 1")
	focused("matches('#product[aria-invalid=true]')") // the first of the two
	ada.Eventually("document.getElementById('quantity').matches('.is-invalid[aria-invalid=true]')")
	require.Equal(t, "0", browser.Eval[string](ada, "document.getElementById('quantity').value"))
}

func TestWhatIsTypedSurvivesWhatGoesWrong(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	stock(t, sys)
	b := browser.New(t)
	refresh := `new Promise((done) => {
		addEventListener("turbo:load", () => done(true), { once: true })
		Turbo.session.refresh(document.baseURI, { method: "morph", scroll: "preserve" })
	})`
	value := func(tab *browser.Tab, id string) string {
		return browser.Eval[string](tab, "document.getElementById('"+id+"').value")
	}

	// A form that could not be sent.
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/payments/new")
	ada.Fill("Amount", "12.00")
	ada.Fill("Description", "Typed at length")
	browser.Eval[bool](ada, `(window.fetched = window.fetch, window.fetch = (address, options) =>
		options?.method?.toUpperCase() === "POST" ? Promise.reject(new TypeError("away")) : window.fetched(address, options), true)`)
	browser.Eval[bool](ada, `addEventListener("turbo:submit-end", () => { window.ended = true }) ?? true`)
	ada.Press("Request payment")
	ada.Eventually("window.ended")
	ada.Eventually(refresh)
	require.Equal(t, "Typed at length", value(ada, "description"))
	require.Equal(t, "12.00", value(ada, "amount"))

	// A form that was refused.
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/catalog")
	mia.Press("Change")
	mia.See("Archive")
	mia.Fill("Name", "A name typed at length")
	mia.Fill("Price", "abc")
	mia.Press("Save")
	mia.Eventually("document.querySelector('form[data-touched] [aria-invalid=true]')")
	mia.Eventually(refresh)
	require.Equal(t, "A name typed at length", value(mia, "name"))
	mia.Eventually("document.querySelector('[aria-invalid=true]')")

	// A quantity that was typed, though the line has changed meanwhile.
	ada.Open(sys.URL(testsystem.Contractor) + "/orders/new")
	add(ada, "Cement", "2")
	ada.Eventually(quantityOf + " === '2'")
	browser.Eval[bool](ada, "document.querySelector('.set-quantity input:not([type=hidden])').select() ?? true")
	ada.Type("5")
	ada.Press("Add one")
	ada.See("23.70", "table")
	ada.Press("Set")
	ada.See("39.50", "table")
	require.Equal(t, "5", browser.Eval[string](ada, quantityOf))
}

func TestOrdersAreFilteredByKeyboard(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	stock(t, sys)
	ada := browser.New(t).Tab(t, sys.URL(testsystem.Contractor))
	for _, name := range []string{"Ada Nowak", "Jon Park"} {
		signIn(ada, name)
		ada.Open(sys.URL(testsystem.Contractor) + "/orders/new")
		add(ada, "Cement", "1")
	}
	sys.Settle(t)
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager)+"/orders")
	browser.Eval[bool](mia, "document.querySelector('[name=contractor]').focus() ?? true")
	browser.Eval[bool](mia, "addEventListener('submit', () => { window.sent = true }, { capture: true, once: true }) ?? true")
	for _, chosen := range []string{"1", "2"} {
		mia.Type(kb.ArrowDown)
		mia.Eventually("document.querySelector('[name=contractor]').selectedIndex === " + chosen)
	}
	require.False(t, browser.Eval[bool](mia, "window.sent === true"))
	mia.Type(kb.Enter)
	mia.Eventually("location.search.includes('contractor=')")
	mia.Eventually("document.activeElement.matches('[name=contractor]')")
}
