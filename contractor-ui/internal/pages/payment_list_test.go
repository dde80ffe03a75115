package pages_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestAContractorSortsFiltersAndExportsTheirOwnPayments(t *testing.T) {
	d := newTestSite(t)
	ada, jon := d.as("ada-nowak"), d.as("jon-park")
	zinc, anvil, others := ada.ask("30.00", "Zinc"), ada.ask("200.00", "Anvil"), jon.ask("99.00", "Nails")

	for address, order := range map[string][2]string{
		"/?sort=amount": {zinc, anvil}, "/?sort=-amount": {anvil, zinc}, "/?sort=for": {anvil, zinc}, "/?sort=-for": {zinc, anvil},
		"/?sort=at": {zinc, anvil}, "/payments/export?sort=for": {anvil, zinc},
	} {
		page := ada.get(address)
		first, second := strings.Index(page.text, order[0]), strings.Index(page.text, order[1])
		if page.status != http.StatusOK || first < 0 || second < first || strings.Contains(page.text, others) {
			t.Errorf("%s answers %d, with the one at %d and the other at %d", address, page.status, first, second)
		}
	}
	ada.wants(ada.get("/?currency=EUR&least=100"), http.StatusOK, "/", "1 payment, 200.00 EUR", "At least 100.00 EUR", `href="/payments/export?currency=EUR&amp;least=100"`)
	if file := ada.get("/payments/export?currency=EUR&least=100"); strings.Contains(file.text, zinc) || !strings.Contains(file.text, anvil) {
		t.Errorf("the file holds %s", file.text)
	}
	ada.wants(ada.get("/?least=100"), http.StatusUnprocessableEntity, "/", "Choose the currency that the amounts are in.")
}
