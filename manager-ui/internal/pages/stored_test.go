package pages_test

import (
	"strings"
	"testing"
	"time"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// Whatever times and texts are stored, every page of a list is shown, and so is every payment.
func TestNothingStoredBreaksAPage(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	hostile := []string{"{{.}}", "</script><!--", "\u202egnp.exe", "a\u2028b\u2029c", "'\"`<>&", strings.Repeat("𝕏", 200), "\u0085\ufeff\u200b", "%s%d%!"}
	var ids []string
	for i, year := range []int{-4000, 0, 1, 1999, 9999, 10_000, 100_000} {
		for n := range 8 {
			text := hostile[(i+n)%len(hostile)]
			r := requested(event.Meta{Actor: "ada-nowak", ActorName: text}, 125000, text, 0)
			r.Time = time.Date(year, 12, 31, 23, 59, 59, n, time.UTC)
			yes := written("/manager-ui", r.Subject, event.Meta{Actor: "tom", ActorName: text}, payment.Accepted{Note: text}, 1)
			yes.Time = r.Time
			o.receive(r, yes)
			ids = append(ids, r.Subject)
		}
	}
	walk := func(when string) {
		seen := map[string]bool{}
		for at, pages := "/payments?tab=all", 0; at != ""; pages++ {
			page := mia.get(at).is(200)
			for _, id := range page.ids() {
				seen[id] = true
			}
			if at = page.link("next"); pages > 10 {
				t.Fatalf("%s: the pages do not end", when)
			}
		}
		if len(seen) != len(ids) {
			t.Errorf("%s: the pages show %d of %d payments", when, len(seen), len(ids))
		}
		streams := make([]string, len(ids))
		for i, id := range ids {
			mia.get("/payments/" + id).is(200)
			streams[i] = payment.Stream(id)
		}
		if rows, err := pages.NewLive(o.db, o.renderer).Rows(t.Context(), streams); err != nil || len(rows) != len(ids) {
			t.Errorf("%s: %d rows are pushed, %v", when, len(rows), err)
		}
	}
	walk("heard")

	// and what an earlier version has stored as it came
	for _, sql := range []string{
		"update journal set time = time + interval '20000 years' where subject = '" + ids[0] + "'",
		"update journal set time = '4000-01-01 BC' where subject = '" + ids[1] + "'",
		"update payment_rows set requested_at = '10000-01-01', updated_at = '4000-01-01 BC', decided_at = '20000-01-01' where id = '" + ids[2] + "'",
		"update payment_rows set requested_at = '0001-01-01 BC', updated_at = '20000-01-01' where id = '" + ids[3] + "'",
	} {
		_, err := o.db.Pool().Exec(t.Context(), sql)
		o.must(err)
	}
	walk("stored")
}
