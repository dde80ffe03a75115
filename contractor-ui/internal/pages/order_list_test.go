package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAContractorSortsFiltersAndExportsTheirOwnOrders(t *testing.T) {
	d := newTestSite(t)
	ada, jon := d.as("ada-nowak"), d.as("jon-park")
	first, others := ada.submitted(d.core), jon.submitted(d.core)
	draft, page := ada.begin()
	product := d.core.product("", "AN-1", "Anvil", 90_000, false)
	ada.press(page, draft+"/items", "", url.Values{"product_id": {product}, "quantity": {"1"}})
	for address, order := range map[string][2]string{
		"/orders": {draft, first}, "/orders?sort=at": {first, draft}, "/orders?sort=total": {draft, first}, "/orders?sort=-total": {first, draft},
		"/orders?sort=-customer": {first, draft}, "/orders?sort=customer&size=50": {draft, first},
	} {
		page := ada.get(address)
		one, two := strings.Index(page.text, `href="`+order[0]+`"`), strings.Index(page.text, `href="`+order[1]+`"`)
		if page.status != http.StatusOK || one < 0 || two < one || strings.Contains(page.text, others) {
			t.Errorf("%s answers %d, with the one at %d and the other at %d", address, page.status, one, two)
		}
	}
	found := ada.get("/orders?currency=EUR")
	ada.wants(found, http.StatusOK, "", "1 order, ", "In EUR", `href="/orders/export?currency=EUR"`, first)
	ada.never(found, draft)
	ada.wants(ada.get("/orders?currency=EUR&least=99999"), http.StatusOK, "", "No order here fits the filter.")
	ada.wants(ada.get("/orders?least=1"), http.StatusUnprocessableEntity, "", "Choose the currency that the amounts are in.")
	ada.wants(ada.get("/orders?tab=draft&sort=total"), http.StatusNotFound, "")

	file := ada.get("/orders/export")
	ada.wants(file, http.StatusOK, "", "ID,Number,Contractor ID,Contractor,Customer,Total", orderIDIn(first)+",2026/11/000042,ada-nowak,Ada Nowak,", orderIDIn(draft)+",,ada-nowak,Ada Nowak,,900.00,EUR,draft,")
	ada.never(file, orderIDIn(others))
	ada.wants(ada.post("/orders/views?sort=-total", url.Values{"view": {"Dear first"}}), http.StatusOK, "", `<a href="/orders?sort=-total" aria-current="true"><bdi>Dear first</bdi></a>`)
	ada.never(ada.get("/"), "Dear first")
}
