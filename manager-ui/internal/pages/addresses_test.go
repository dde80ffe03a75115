package pages_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
)

func TestEveryPageAnswersHead(t *testing.T) {
	o := open(t, "http://127.0.0.1:1")
	mia := o.manager("mia-weber")
	payment := requested(ada, 2000, "Tape", 0)
	o.receive(payment)
	for _, path := range []string{"/payments", "/payments?tab=all", "/payments/" + payment.Subject, "/orders", "/catalog", "/catalog/new", "/catalog/import",
		"/customers", "/customers/new", "/orders/" + uuid.NewString(), "/nothing"} {
		want := mia.do(http.MethodGet, path, "", "")
		if got := mia.do(http.MethodHead, path, "", ""); got.status != want.status || got.text != "" {
			t.Errorf("%s: HEAD %d with %d bytes, GET %d", path, got.status, len(got.text), want.status)
		}
	}
	mia.get("/payments/").is(http.StatusOK, "Tape")
	mia.get("/catalog/?q=x").is(http.StatusOK)
}

func TestAnUnusableKeyIsRefusedInWords(t *testing.T) {
	o := open(t, "http://127.0.0.1:1")
	mia := o.manager("mia-weber")
	payment := requested(ada, 2000, "Tape", 0, manual)
	o.receive(payment)
	id := uuid.NewString()
	for name, key := range map[string]string{"a newline": id + "\nb", "NUL": id + "\x00", "no UTF-8": id + "\xff", "none": "", "spaces": "a b"} {
		for path, fields := range map[string][]string{
			"/payments/" + payment.Subject + "/capture": nil,
			"/customers": {"id", uuid.NewString(), "name", "Hofmann"},
			"/catalog":   {"id", uuid.NewString(), "sku", "T-1", "name", "Tape", "price", "1.00", "currency", "EUR"},
		} {
			if got := mia.post(path, append(fields, "key", key)...); got.status != http.StatusBadRequest {
				t.Errorf("%s at %s: %d", name, path, got.status)
			}
		}
	}
}
