package catalog

import (
	"strings"
	"testing"

	"countersign.example/pkg/money"
)

func TestCheckProduct(t *testing.T) {
	price := money.Amount{Minor: 1250, Currency: "EUR"}
	for _, test := range []struct {
		sku, name string
		price     money.Amount
		field     string // that is wrong; "" if nothing is
	}{
		{"T-1", "Tiles", price, ""},
		{"漢", strings.Repeat("ł", MaxName), money.Amount{Minor: money.Max, Currency: "KWD"}, ""},
		{"T-1", "=cmd()", price, ""},
		{"T-1", "", price, "name"},
		{"T-1", " Tiles", price, "name"},
		{"T-1", "Ti\tles", price, "name"},
		{"T-1", "Ti\x00les", price, "name"},
		{"T-1", "\xff", price, "name"},
		{"T-1", strings.Repeat("x", MaxName+1), price, "name"},
		{"", "Tiles", price, "sku"},
		{strings.Repeat("x", MaxSKU+1), "Tiles", price, "sku"},
		{"T-1", "Tiles", money.Amount{Minor: 0, Currency: "EUR"}, "price"},
		{"T-1", "Tiles", money.Amount{Minor: -1, Currency: "EUR"}, "price"},
		{"T-1", "Tiles", money.Amount{Minor: money.Max + 1, Currency: "EUR"}, "price"},
		{"T-1", "Tiles", money.Amount{Minor: 1}, "currency"},
	} {
		wrong := CheckProduct(test.sku, test.name, test.price)
		if (test.field == "") != (len(wrong) == 0) || test.field != "" && wrong[0].Field != test.field {
			t.Errorf("%.20q %.20q %v: %v", test.sku, test.name, test.price, wrong)
		}
	}
}

func TestCheckCustomer(t *testing.T) {
	for email, right := range map[string]bool{
		"office@sonne.example": true, "Łódź@żółw.example": true, "": false, "office": false, "@x": false, "a@": false, "a@b@c": false,
		"a b@c": false, "<a@b>": false, "a@b, c@d": false, strings.Repeat("x", MaxEmail) + "@x": false,
	} {
		if wrong := CheckCustomer("Hotel Sonne", email); (len(wrong) == 0) != right {
			t.Errorf("%.30q: %v", email, wrong)
		}
	}
	if wrong := CheckCustomer("", "a@b"); len(wrong) != 1 || wrong[0].Field != "name" {
		t.Errorf("without a name: %v", wrong)
	}
}
