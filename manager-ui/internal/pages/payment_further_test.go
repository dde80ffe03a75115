package pages_test

import (
	"regexp"
	"strings"
	"testing"
)

var further = regexp.MustCompile(`href="([^"]+)">Look further<`)

// Of 3,300 payments the newest 1,200 are in EUR, and one in seven of the others in USD.
func TestAPageSaysHowFarItHasLookedAndLeadsOn(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	_, err := o.db.Pool().Exec(t.Context(), `insert into payment_rows (id, revision, contractor_id, contractor_name, amount, currency, description,
		capture_method, decision, money, final, decided_by_name, requested_at, updated_at, pending, words)
		select gen_random_uuid(), 1, 'ada-nowak', 'Ada Nowak', n, case when n <= 1200 then 'EUR' when n % 7 = 0 then 'USD' else 'JPY' end, 'Sand', 'automatic', 'rejected', '',
		false, '', now() - n * interval '1 minute', now(), false, '' from generate_series(1, 4000) n`)
	o.must(err)
	_, err = o.db.Pool().Exec(t.Context(), "analyze payment_rows")
	o.must(err)

	first := mia.get("/payments?tab=all&currency=JPY").is(200, "Nothing found so far", "1,000 looked through, and there are more.", "None so far")
	next := strings.ReplaceAll(further.FindStringSubmatch(first.text)[1], "&amp;", "&")
	second := mia.get(next).is(200, `rel="next"`).without("looked through")
	if len(second.ids()) != 25 {
		t.Errorf("further on there are %d", len(second.ids()))
	}
	// what few have is found at once, wherever it is
	mia.get("/payments?tab=all&currency=USD").is(200, "400 payments, ").without("Look further")
	mia.get("/payments?tab=all&currency=USD&sort=amount").is(200, "400 payments, ").without("Look further")
}
