package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/house"
)

// The row goes with the first press, and another one comes under the pointer.
func TestADoubleClickDecidesOnePayment(t *testing.T) {
	h := house.New(t)
	b := browser.New(t)
	ada := b.Tab(t, h.URL(house.Contractor))
	for _, description := range []string{"First", "Second", "Third"} {
		request(h, ada, "10.00", description)
	}
	mia := b.Tab(t, h.URL(house.Manager))
	mia.See("Third")
	accept := mia.Find("Accept")

	mia.Click(accept)
	mia.SeeNot("First", "[data-live-list]")
	next := mia.Find("Accept")
	mia.Click(browser.Place{X: accept.X, Y: next.Y}) // the list has moved by the message above it
	mia.Click(browser.Place{X: accept.X + 3, Y: next.Y + 2})

	require.Equal(t, 2, rows(mia))
	// Whoever aims anew is not held up.
	mia.Click(browser.Place{X: 5, Y: 5})
	mia.Click(mia.Find("Accept"))
	mia.SeeNot("Second", "[data-live-list]")
	mia.See("Third", "[data-live-list]")
}

func TestADraftByKeyboard(t *testing.T) {
	h := house.New(t)
	stock(t, h)
	b := browser.New(t)
	ada := b.Tab(t, h.URL(house.Contractor)+"/orders")
	ada.Press("New order")
	add(ada, "Cement", "1")
	focused := func(expression string) { t.Helper(); ada.Eventually("document.activeElement." + expression) }
	focused("matches('#add [role=combobox]')") // for the next one

	browser.Eval[bool](ada, "document.querySelector('[title=\"Add one\"]').focus() ?? true")
	for _, quantity := range []string{"2", "3"} {
		ada.Type(kb.Enter)
		ada.See(quantity, "[data-label=Quantity]")
		focused("matches('[title=\"Add one\"]')")
	}

	// What is wrong is marked and has the focus.
	browser.Eval[bool](ada, "document.getElementById('quantity').select() ?? true")
	ada.Type("0" + kb.Enter)
	ada.See("Enter a whole number from 1")
	focused("matches('#product[aria-invalid=true]')") // the first of the two
	ada.Eventually("document.getElementById('quantity').matches('.is-invalid[aria-invalid=true]')")
	require.Equal(t, "0", browser.Eval[string](ada, "document.getElementById('quantity').value"))
}
