package catalog

import (
	"testing"

	"countersign.example/pkg/money"
)

func TestTextsOfTheCatalogFollowTheRules(t *testing.T) {
	price := money.Amount{Minor: 1250, Currency: "EUR"}
	for _, test := range []struct{ sku, name, wantSKU, wantName, field, says string }{
		{"T-1", "Ku\u0308che ", "T-1", "Küche", "", ""},
		{"T\u200b-1\ufeff", "Tiles", "T-1", "Tiles", "", ""},
		{"T-1", "👩\u200d🔧", "T-1", "👩\u200d🔧", "", ""},
		{"T-1", "\u200b", "T-1", "", "name", "Enter a name."},
		{"\u3164", "Tiles", "", "Tiles", "sku", "Enter an SKU."},
		{"T-1", "Ti\u2028les", "T-1", "Ti\u2028les", "name", "Use letters, digits and signs in one line."},
		{"T-1", "Ti\u202eles", "T-1", "Ti\u202eles", "name", "Remove the invisible characters that turn the direction of the text."},
		{"T\n1", "Tiles", "T\n1", "Tiles", "sku", "Use letters, digits and signs in one line."},
	} {
		sku, name := CleanProduct(test.sku, test.name)
		if sku != test.wantSKU || name != test.wantName {
			t.Errorf("%+q %+q became %+q %+q", test.sku, test.name, sku, name)
		}
		wrong := CheckProduct(sku, name, price)
		if (test.field == "") != (len(wrong) == 0) || test.field != "" && (wrong[0].Field != test.field || wrong[0].Message != test.says) {
			t.Errorf("%+q %+q: %+v", test.sku, test.name, wrong)
		}
	}
	// and whoever does not clean before is told so
	for _, name := range []string{"Ku\u0308che", "Tiles\u200b"} {
		if wrong := CheckProduct("T-1", name, price); len(wrong) != 1 {
			t.Errorf("%+q: %+v", name, wrong)
		}
	}
	if name, email := CleanCustomer("\u2800Sonne", "office\u200b@sonne.example"); name != "Sonne" || email != "office@sonne.example" {
		t.Errorf("%+q %+q", name, email)
	}
}
