package pages_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Whatever times are stored, by this version or by one before, every page of a list is shown, and so is every
// payment.
func TestNothingStoredBreaksAPage(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	for n := range 60 {
		ada.ask("10.00", fmt.Sprintf("Item %02d.", n))
	}
	for _, times := range []string{
		"'4000-01-01 BC'::timestamptz", "'0001-01-01 BC'::timestamptz", "'9999-12-31 23:59:59.999999Z'::timestamptz",
		"'10000-01-01'::timestamptz", "'200000-01-01'::timestamptz",
	} {
		for _, table := range []string{"journal set time", "payments set requested_at", "payments set updated_at"} {
			if _, err := d.db.Pool().Exec(t.Context(), "update "+table+" = "+times); err != nil {
				t.Fatal(err)
			}
		}
		page := ada.get("/?tab=waiting")
		for pages := 0; pages < 5; pages++ {
			ada.wants(page, http.StatusOK, "")
			if !strings.Contains(page.text, ">Older</a>") {
				break
			}
			page = ada.get(link(t, page, "Older"))
		}
		ids, err := d.db.Pool().Query(t.Context(), "select id::text from payment_rows limit 3")
		if err != nil {
			t.Fatal(err)
		}
		var some []string
		for ids.Next() {
			var id string
			if err := ids.Scan(&id); err != nil {
				t.Fatal(err)
			}
			some = append(some, id)
		}
		ids.Close()
		for _, id := range some {
			ada.wants(ada.get("/payments/"+id), http.StatusOK, "")
		}
	}
}
