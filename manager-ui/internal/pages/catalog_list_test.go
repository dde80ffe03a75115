package pages_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

var namesListed = regexp.MustCompile(`<td class="what" data-label="Name"><a href="[^"]*">([^<]*)</a>`)

// names are what a list of products or of customers has.
func (a answer) names() (names []string) {
	for _, m := range namesListed.FindAllStringSubmatch(a.text, -1) {
		names = append(names, m[1])
	}
	return names
}

func productAdded(sku, name string, minor int64, currency string) event.Event {
	id := uuid.NewString()
	e := catalog.New("/ordering-core", id, catalog.ProductAdded{ProductID: id, SKU: sku, Name: name, Price: money.Amount{Minor: minor, Currency: currency}})
	e.Time, e.Sequence = noon, 1
	return e
}

func TestTheCatalogIsSortedFilteredAndExported(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	sand := productAdded("Z-1", "=Sand", 700, "EUR")
	gone := productAdded("Q-1", "Quartz", 100, "EUR")
	archived := catalog.New("/ordering-core", gone.Subject, catalog.ProductArchived{ProductID: gone.Subject})
	archived.Time, archived.Sequence = noon, 2
	o.receive(productAdded("B-2", "Zinc", 50, "EUR"), productAdded("Ä-1", "Anvil", 20_000, "EUR"), sand, productAdded("C-3", "Yen", 900, "JPY"), gone, archived)
	for query, want := range map[string]string{
		"":                          "=Sand Anvil Yen Zinc",
		"?sort=-name":               "Zinc Yen Anvil =Sand",
		"?sort=sku":                 "Anvil Zinc Yen =Sand",
		"?sort=price":               "Zinc =Sand Anvil Yen",
		"?currency=EUR&sort=-price": "Anvil =Sand Zinc",
		"?currency=EUR&least=5":     "=Sand Anvil",
		"?q=z&sort=-sku":            "=Sand Zinc",
		"?tab=archived&sort=price":  "Quartz",
	} {
		if got := mia.get("/catalog" + query).is(200).names(); strings.Join(got, " ") != want {
			t.Errorf("%s shows %q, not %q", query, got, want)
		}
	}
	mia.get("/catalog?currency=EUR&least=5").is(200, "2 products<", "At least 5.00 EUR", `href="/catalog/export/list?currency=EUR&amp;least=5"`)
	mia.get("/catalog?sort=price").is(200, `data-live-by="price" data-live-order="asc"`, `data-price="EUR0000000000000000050"`, `data-sku="B-2"`)
	mia.get("/catalog").is(200, `data-live-order="name"`).without("data-live-by", `name="from"`)
	mia.get("/catalog?currency=USD").is(200, "No product here fits the filter.")
	mia.get("/catalog/export/list?currency=EUR&most=10&sort=-price").is(200,
		"ID,State,Changed at,SKU,Name,Price,Currency\r\n"+sand.Subject+",current,2026-11-23T12:00:00Z,Z-1,'=Sand,7.00,EUR\r\n").without("Anvil", "Quartz")
	mia.get("/catalog/export/list?tab=archived").is(200, gone.Subject+",archived,").without("Zinc")
	mia.post("/catalog/views?sort=-price", "view", "Dear first").is(200, `<a href="/catalog?sort=-price" aria-current="true"><bdi>Dear first</bdi></a>`)
}

func TestCustomersAreSortedAndExported(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	o.receive(customerAdded(uuid.NewString(), "Anna", "z@example.com"), customerAdded(uuid.NewString(), "Zoë", "a@example.com"))
	for query, want := range map[string][]string{
		"": {"Anna", "Zoë"}, "?sort=-name": {"Zoë", "Anna"}, "?sort=email": {"Zoë", "Anna"}, "?sort=-email": {"Anna", "Zoë"}, "?size=50": {"Anna", "Zoë"},
	} {
		if got := mia.get("/customers" + query).is(200).names(); !slices.Equal(got, want) {
			t.Errorf("%s shows %q, not %q", query, got, want)
		}
	}
	// nothing to filter by is no filter, but an order where there are no heads
	mia.get("/customers").is(200, `class="filter of-cards"`, `<option value="-email">E-mail, Z to A</option>`).without(`name="currency"`)
	mia.get("/customers?q=anna").is(200, "1 customer<")
	mia.get("/customers/export/list?sort=email&q=example").is(200, "ID,State,Changed at,Name,Email\r\n", "Zoë,a@example.com\r\n", "Anna,z@example.com\r\n")
	mia.get("/customers/export/list?q=anna").is(200, "Anna").without("Zoë")
}
