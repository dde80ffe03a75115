package e2e

import (
	"fmt"
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
	at := mia.Find("Accept")
	// The second press comes as soon as the page has changed, on what is there now.
	browser.Eval[bool](mia, fmt.Sprintf(`addEventListener("turbo:render", () => {
		const press = new MouseEvent("click", { bubbles: true, cancelable: true, detail: 2, clientX: %.0f, clientY: %.0f })
		document.querySelector("[data-live-list] button").dispatchEvent(press)
		window.dropped = press.defaultPrevented
	}, { once: true }) ?? true`, at.X+3, at.Y+2))

	mia.Click(at)

	mia.Eventually("window.dropped")
	mia.SeeNot("First", "[data-live-list]")
	require.Equal(t, 2, rows(mia))
	mia.Press("Accept")
	mia.SeeNot("Second", "[data-live-list]")
	require.Equal(t, 1, rows(mia))
}

// quantityOf is what the field of a draft's only line says.
const quantityOf = "document.querySelector('.set-quantity input:not([type=hidden])').value"

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
