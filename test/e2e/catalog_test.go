package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestTheCatalogInThreeTabs(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	sys.Customer(t, "Linden School", "caretaker@linden-school.example")
	b := browser.New(t)

	// Given the catalog open at two managers, and a contractor.
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/catalog")
	tom := browser.New(t).Tab(t, sys.URL(testsystem.Manager)+"/catalog")
	signIn(tom, "Tom Berg")
	tom.Open(sys.URL(testsystem.Manager) + "/catalog")
	live(tom)
	ada := b.Tab(t, sys.URL(testsystem.Contractor))

	// When Mia adds a product, then Tom sees it, and Ada has it in a draft.
	mia.Press("Add product")
	mia.Fill("Name", "Oak boards")
	mia.Fill("SKU", "OAK-2")
	mia.Fill("Price", "12.50")
	mia.Press("Add product", "main")
	mia.See("Added: Oak boards, 12.50 EUR.")
	tom.See("Oak boards")
	sys.Settle(t)
	ada.Open(sys.URL(testsystem.Contractor) + "/orders/new")
	add(ada, "Oak boards", "2")
	pick(ada, "Customer", "Linden School")
	ada.See("Draft for Linden School")

	// When Mia changes its price, then Ada's open draft shows both, and her order has the one that she saw.
	browser.Eval[bool](ada, `!new MutationObserver(() => { window.waited ||= document.querySelector("#submit :disabled") !== null })
		.observe(document.getElementById("submit"), { attributes: true, subtree: true })`)
	mia.Press("Oak boards")
	mia.Fill("Price", "15")
	mia.Press("Save")
	tom.See("15.00")
	ada.See("12.50 EUR 15.00 EUR", "table")
	ada.See("Prices have changed since you added these products.")
	ada.Eventually("window.waited") // for she saw it change
	ada.Press("Submit order")
	ada.See("/000001")
	ada.See("30.00", "table")
	order := ada.URL()

	// When Mia archives it, then it stays on that order, and on no list to choose from.
	mia.Press("Oak boards")
	mia.Press("Archive product")
	mia.See("Archive this product?")
	mia.Press("Archive product", "form")
	mia.See("Archived: Oak boards.")
	tom.SeeNot("Oak boards")
	tom.See("No products yet")
	sys.Settle(t)
	ada.Open(sys.URL(testsystem.Contractor) + "/orders/new")
	ada.Fill("Product", "Oak boards")
	ada.Press("Add")
	ada.See("Nothing in the list has “Oak boards” in it.")
	ada.Open(order)
	ada.See("Oak boards", "table")

	wasNotReloaded(t, tom)
	sameAsAReload(tom)
	sys.Settle(t)
	sys.CheckInvariants(t)
}

func TestCustomersFromAFile(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)

	// Given the customers open at two managers, one of whom adds one.
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/customers")
	tom := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	signIn(tom, "Tom Berg")
	tom.Open(sys.URL(testsystem.Manager) + "/customers")
	live(tom)
	mia.Press("Add customer")
	mia.Fill("Name", "Linden School")
	mia.Fill("E-mail address", "caretaker@linden-school.example")
	mia.Press("Add customer", "main")
	tom.See("Linden School")

	// When she uploads a file with an error, then she is told its line, and nothing comes of it.
	mia.Press("Import")
	mia.Upload("CSV file", "customers.csv", "Name,Email\nBeech House,office@beech.example\nNo address,beech.example\n")
	mia.Press("Preview")
	mia.See("Line 3, Email:")
	mia.See("Nothing was changed.")
	mia.SeeNot("Import", "button")

	// When she uploads one without, then she sees what it would do, and Tom what it did.
	mia.Press("Choose another file")
	mia.Upload("CSV file", "customers.csv", "Name,Email\nBeech House,office@beech.example\nLinden School West,caretaker@linden-school.example\n")
	mia.Press("Preview")
	mia.See("1 new, 1 changed, 0 unchanged.")
	mia.See("Name from “Linden School”")
	require.Equal(t, 1, rows(tom))
	mia.Press("Import")
	mia.See("Imported: 1 added, 1 changed, 0 unchanged.")
	tom.See("Beech House")
	tom.See("Linden School West")
	require.Equal(t, 2, rows(tom))

	wasNotReloaded(t, tom)
	sameAsAReload(tom)
	sys.Settle(t)
	sys.CheckInvariants(t)
}

// rows is how many rows the list of an open page has.
func rows(tab *browser.Tab) int {
	return browser.Eval[int](tab, `document.querySelectorAll("[data-live-list] tr").length`)
}

func TestTheCatalogOnAPhone(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	id := sys.Product(t, "A-VERY-LONG-SKU-THAT-NOBODY-CAN-BREAK-0000001", "Scaffoldinganchorswithoutanyspaceinthename", 999_999_999_99)
	sys.Customer(t, "The Society of Friends of the Old Waterworks", "the.society.of.friends@old-waterworks.example")
	sys.Settle(t)
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager), browser.Phone)
	for _, page := range []string{"/catalog", "/catalog/" + id, "/catalog/new", "/catalog/import", "/customers", "/customers/new", "/orders"} {
		mia.Open(sys.URL(testsystem.Manager) + page)
		fits(t, mia)
	}
	mia.Open(sys.URL(testsystem.Manager) + "/catalog/import")
	mia.Upload("CSV file", "products.csv", "SKU,Name,Price,Currency\nA-1,Apple,1,EUR\nA-VERY-LONG-SKU-THAT-NOBODY-CAN-BREAK-0000002,Pear,0,EUR\n")
	mia.Press("Preview")
	mia.See("Line 3, Price:")
	fits(t, mia)
}

func TestTwoManagersChangeOneProduct(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	id := sys.Product(t, "OAK-2", "Oak boards", 10_00)
	sys.Settle(t)
	page := sys.URL(testsystem.Manager) + "/catalog/" + id
	for name, options := range map[string][]browser.Option{"with scripts": nil, "without scripts": {browser.WithoutJavaScript}} {
		t.Run(name, func(t *testing.T) {
			// given two who have it open, of whom one has begun to rename it
			mia := browser.New(t).Tab(t, page, options...)
			tom := browser.New(t).Tab(t, page)
			signIn(tom, "Tom Berg")
			tom.Open(page)
			mia.Fill("Name", "Boards of oak")
			tom.Fill("Price", "20")
			tom.Press("Save")
			tom.See("Saved: Oak boards, 20.00 EUR.")

			// when she saves, then she is asked, with his price in its field, and saving again keeps both
			mia.Press("Save")
			mia.See("Not saved. It was changed meanwhile by Tom Berg", "#flashes")
			mia.See("It was “10.00 EUR” when you began.", "form")
			mia.Eventually(`document.querySelector("#price").value === "20.00" && document.querySelector("#name").value === "Boards of oak"`)
			mia.Press("Save")
			mia.See("Saved: Boards of oak, 20.00 EUR.")

			// when both have typed a price, then hers stands beside his
			mia.Open(page)
			tom.Open(page)
			mia.Fill("Price", "12")
			tom.Fill("Price", "10")
			tom.Fill("Name", "Oak boards")
			tom.Press("Save")
			tom.See("Saved: Oak boards, 10.00 EUR.")
			mia.Press("Save")
			mia.See("It is “10.00 EUR” now, and was “20.00 EUR” when you began. Yours is kept", "form")
			mia.Eventually(`document.querySelector("#price").value === "12" && document.querySelector("#name").value === "Oak boards"`)
			if options == nil {
				mia.Screenshot("product-conflict")
				mia.Resize(390, 844)
				mia.Screenshot("product-conflict-phone")
			}
			mia.Press("Save")
			mia.See("Saved: Oak boards, 12.00 EUR.")
			tom.Open(page)
			tom.Fill("Price", "10")
			tom.Press("Save")
			tom.See("Saved: Oak boards, 10.00 EUR.")
		})
	}
}

func TestAFileIsNotImportedOverWhatHasChangedSinceItsPreview(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	id := sys.Product(t, "OAK-2", "Oak boards", 20_00)
	sys.Settle(t)
	b := browser.New(t)
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/catalog/import")
	mia.Upload("CSV file", "products.csv", "SKU,Name,Price,Currency\nOAK-2,Oak boards,33,EUR\nOAK-3,Oak beams,5,EUR\n")
	mia.Press("Preview")
	mia.See("Price from “20.00”")
	sys.Send(t, "tom-berg", "Tom Berg", "/products/"+id, map[string]any{
		"sequence": 1, "sku": "OAK-2", "name": "Oak boards", "price": map[string]any{"amount": 44_00, "currency": "EUR"}})

	mia.Press("Import", "form")
	mia.See("Changed since the preview")
	mia.See("Line 2, SKU OAK-2: Tom Berg has changed Price from “20.00” to “44.00”.")
	mia.See("Price from “44.00”", "table")
	mia.Screenshot("import-changed")
	list := b.Tab(t, sys.URL(testsystem.Manager)+"/catalog")
	list.See("44.00")
	list.SeeNot("Oak beams")

	mia.Press("Import", "#import-form")
	mia.See("Imported: 1 added, 1 changed, 0 unchanged.")
	mia.See("33.00")
}
