package pages_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestEveryPageAnswersHead(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("20.00", "Tape")
	order := ada.submitted(d.core)
	for _, path := range []string{"/", "/?tab=all", "/payments/new", "/payments/" + id, "/orders", "/orders/new", order, order + "/cancel", "/nothing"} {
		want := ada.get(path)
		response, err := ada.client.Head(d.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != want.status || len(body) > 0 {
			t.Errorf("%s: HEAD %d with %d bytes, GET %d", path, response.StatusCode, len(body), want.status)
		}
		if slash := ada.get(path + "/"); path != "/" && path != "/?tab=all" && slash.status != want.status {
			t.Errorf("%s/: %d, not %d", path, slash.status, want.status)
		}
	}
}

func TestAnUnusableKeyIsRefusedInWords(t *testing.T) {
	// given a draft
	d := newTestSite(t)
	product := d.core.product("", "TAPE", "Tape", 500, false)
	ada := d.as("ada-nowak")
	address, _ := ada.begin()
	for name, key := range map[string]string{"a newline": "a\nb", "a return": "a\rb", "a tab": "a\tb", "NUL": "a\x00b", "no UTF-8": "a\xffb", "umlauts": "kä", "spaces": "a b", "too long": strings.Repeat("a", 101)} {
		for _, form := range []string{"/items", "/customer"} {
			page := ada.post(address+form, url.Values{"key": {key}, "product_id": {product}, "quantity": {"1"}, "customer_id": {product}})
			if page.status != http.StatusBadRequest || !strings.Contains(page.text, "Nothing was changed") {
				t.Errorf("%s in %s: %d", name, form, page.status)
			}
		}
	}
}
