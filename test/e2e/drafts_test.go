package e2e

import (
	"testing"

	"github.com/google/uuid"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// drafted is a draft of Ada's with two sacks of cement for the school.
func drafted(t *testing.T, sys *testsystem.System, g goods) (id string) {
	t.Helper()
	id = uuid.NewString()
	sys.Send(t, "ada-nowak", "Ada Nowak", "/orders", map[string]any{"order_id": id})
	sys.Send(t, "ada-nowak", "Ada Nowak", "/orders/"+id+"/items", map[string]any{"product_id": g.cement, "quantity": 2})
	sys.Send(t, "ada-nowak", "Ada Nowak", "/orders/"+id+"/customer", map[string]any{"customer_id": g.customer})
	sys.Settle(t)
	return id
}

func reprice(t *testing.T, sys *testsystem.System, g goods, cents, sequence int) {
	t.Helper()
	sys.Send(t, "tom-berg", "Tom Berg", "/products/"+g.cement, map[string]any{
		"sequence": sequence, "sku": "CEM-25", "name": "Cement", "price": map[string]any{"amount": cents, "currency": "EUR"}})
}

func TestADraftHasOneTotalWhoeverLooks(t *testing.T) {
	t.Parallel()
	// given a draft on four screens
	sys := testsystem.New(t)
	g := stock(t, sys)
	id := drafted(t, sys, g)
	b := browser.New(t)
	list := b.Tab(t, sys.URL(testsystem.Contractor)+"/orders")
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/orders/"+id)
	managers := b.Tab(t, sys.URL(testsystem.Manager)+"/orders")
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/orders/"+id)
	screens := []*browser.Tab{list, ada, managers, mia}
	for _, tab := range screens {
		tab.See("15.80")
		live(tab)
	}

	// when the catalog has another price, then all show what submitting takes, without a reload
	reprice(t, sys, g, 8_80, 1)
	for _, tab := range screens {
		tab.See("17.60")
		tab.SeeNot("15.80")
		wasNotReloaded(t, tab)
		sameAsAReload(tab)
	}
	ada.Screenshot("draft-new-price-contractor")
	mia.Screenshot("draft-new-price-manager")

	// and a list that has come by a change of the draft is told of the next price, too
	live(list)
	sys.Send(t, "ada-nowak", "Ada Nowak", "/orders/"+id+"/items", map[string]any{"product_id": g.bricks, "quantity": 1})
	list.See("103.60")
	reprice(t, sys, g, 9_00, 2)
	list.See("104.00")
	managers.See("104.00")
}

func TestADraftWhoseCustomerIsArchivedMeanwhile(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	g := stock(t, sys)
	sys.Customer(t, "Meyer family", "k.meyer@mail.example")
	id := drafted(t, sys, g)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/orders/"+id)
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/orders/"+id)
	plain := b.Tab(t, sys.URL(testsystem.Contractor)+"/orders/"+id, browser.WithoutJavaScript)
	live(ada)
	live(mia)

	// when the customer is archived, then both open pages say so
	sys.Send(t, "tom-berg", "Tom Berg", "/customers/"+g.customer+"/archive", map[string]any{})
	ada.See("Linden School has been archived. Choose another customer.")
	ada.See("Choose another customer to submit this order.")
	mia.See("Archived", "#facts ~ dl")
	wasNotReloaded(t, ada)
	wasNotReloaded(t, mia)
	ada.Screenshot("draft-archived-contractor")
	mia.Screenshot("draft-archived-manager")

	// and a page from before is refused beside the field, with the draft as it was
	send(plain, "Submit order")
	plain.See("Linden School has been archived. Choose another customer.")
	plain.See("Cement", "table")

	// and with another customer it is submitted
	pick(ada, "Customer", "Meyer family")
	ada.See("Draft for Meyer family")
	ada.SeeNot("has been archived")
	ada.Press("Submit order")
	ada.See("Submitted", "main")
	mia.See("Meyer family", "main")
}

func TestADiscountOnWhatHasChangedIsAskedAgain(t *testing.T) {
	t.Parallel()
	// given a manager who types a discount while the contractor adds to the order
	sys := testsystem.New(t)
	g := stock(t, sys)
	id := drafted(t, sys, g)
	b := browser.New(t)
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/orders/"+id)
	live(mia)
	mia.Fill("Discount", "10")
	sys.Send(t, "ada-nowak", "Ada Nowak", "/orders/"+id+"/items", map[string]any{"product_id": g.bricks, "quantity": 1})
	mia.See("101.80", "main")

	// when they press, then they are told what has changed since they began, and what they typed is there
	mia.Press("Set discount")
	mia.See("Not discounted. The order has changed since you looked at it", "#flashes")
	mia.See("Ada Nowak added 1 × Bricks at 86.00 EUR.", "#flashes")
	mia.Eventually(`document.querySelector("#basis_points").value === "10"`)
	mia.Screenshot("discount-stale")

	// and pressing again sets it
	mia.Press("Set discount")
	mia.See("Discount of 10%")
	mia.See("91.62")
}
