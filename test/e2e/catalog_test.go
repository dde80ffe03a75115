package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestTheCatalogInThreeTabs(t *testing.T) {
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
