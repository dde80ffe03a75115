package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
)

// What submitting would freeze is what every page says of a draft.
func TestADraftHasOneTotal(t *testing.T) {
	// given a draft of two drills
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 4000, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"2"}})
	ada.wants(ada.get("/orders"), http.StatusOK, "", "80.00")

	// when the drill has another price
	d.core.product(drill, "DR-18", "Drill", 4400, false)
	product, err := d.live.Rows(t.Context(), []string{catalog.ProductStream(drill)})
	if err != nil || len(product) != 1 {
		t.Fatalf("pushed %+v, %v", product, err)
	}

	// then list, page and question say the same, and the list that is open knows what it depends on
	for _, path := range []string{"/orders", "/orders?tab=draft", address, address + "/cancel"} {
		page := ada.get(path)
		ada.wants(page, http.StatusOK, "", "88.00")
		if path != address { // which tells both prices
			without(t, page, "80.00")
		}
	}
	ada.wants(ada.get("/orders"), http.StatusOK, "", fmt.Sprintf(`data-live-parts="product-%s@%d"`, drill, product[0].Revision))
	row, err := d.live.Rows(t.Context(), []string{order.Stream(orderIDIn(address))})
	if err != nil || len(row) != 1 || !strings.Contains(row[0].HTML, "88.00") {
		t.Errorf("pushed %+v, %v", row, err)
	}
}

func TestACustomerArchivedMeanwhileIsMarkedAndAnotherIsPicked(t *testing.T) {
	// given a draft that can be submitted
	d := newTestSite(t)
	hofmann := d.core.customer("Hofmann")
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {d.core.product("", "DR-18", "Drill", 1250, false)}, "quantity": {"2"}})
	seen := ada.press(page, address+"/customer", "", url.Values{"customer_id": {hofmann}})
	without(t, seen, "has been archived")

	// when the customer is archived, then ordering-core refuses, before this app has received it
	d.core.archive(hofmann)
	refused := ada.press(seen, address+"/submit", "", nil)
	ada.wants(refused, http.StatusConflict, "", `id="customer-error">Hofmann has been archived. Choose another customer.`, "Draft for Hofmann")

	// and once it has, her open page is told, and every page of the draft says so
	d.core.catalog(hofmann, catalog.CustomerArchived{CustomerID: hofmann})
	pushed, err := d.live.Rows(t.Context(), []string{catalog.CustomerStream(hofmann)})
	if err != nil || len(pushed) != 1 || pushed[0].Audience != "contractor:ada-nowak" {
		t.Fatalf("pushed %+v, %v", pushed, err)
	}
	page = ada.get(address)
	ada.wants(page, http.StatusOK, "", `id="customer-error">Hofmann has been archived. Choose another customer.`, "Choose another customer to submit this order.",
		" disabled>Submit order", fmt.Sprintf(`data-live-subject="customer-%s" data-revision="%d"`, hofmann, pushed[0].Revision))

	// and with another one it can be submitted
	page = ada.press(page, address+"/customer", "", url.Values{"customer_id": {d.core.customer("Brandt")}})
	without(t, page, "has been archived")
	ada.wants(ada.press(page, address+"/submit", "", nil), http.StatusOK, address, "Order 2026/11/000042", "Brandt")
}

func TestADraftThatHasChangedIsNotDiscarded(t *testing.T) {
	// given the question whether to discard a draft
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	ada.press(page, address+"/items", "", url.Values{"product_id": {d.core.product("", "DR-18", "Drill", 100, false)}, "quantity": {"2"}})
	question := ada.get(address + "/cancel")

	// when a manager changes it meanwhile, then it is kept, and she is told what changed and asked again
	d.core.does(orderIDIn(address), mia, order.DiscountSet{BasisPoints: 1250})
	refused := ada.press(question, address+"/cancel", "", url.Values{"reason": {"No longer wanted"}})
	ada.wants(refused, http.StatusConflict, "", "Not cancelled: the order has changed since you looked at it. Look at the order as it is now",
		"One change was made meanwhile:", "Mia Weber set a discount of 12.5%.", "Discard this draft?", "No longer wanted</textarea>")
	ada.wants(ada.press(refused, address+"/cancel", "", nil), http.StatusOK, address, "Discarded.")
}
