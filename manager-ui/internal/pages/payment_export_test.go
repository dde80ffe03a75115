package pages_test

import (
	"bufio"
	"encoding/csv"
	"runtime"
	"strings"
	"testing"

	"countersign.example/payments-core/payment"
)

func TestTheExportHasWhatTheListHas(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	first, second := requested(ada, 1234_56, "=HYPERLINK(\"x\")", 0), requested(jon, 50, "Two, \"quoted\"", 1, in("JPY"))
	o.receive(first, second)

	file := mia.get("/payments/export").is(200)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.text, "\ufeff"))).ReadAll()
	o.must(err)
	want := []string{first.Subject, "", "Ada Nowak", "'=HYPERLINK(\"x\")", "1234.56", "EUR", "requested", "", "2026-11-23T12:00:00Z", "", "", ""}
	if len(rows) != 3 || strings.Join(rows[1], "|") != strings.Join(want, "|") || rows[2][3] != "Two, \"quoted\"" || rows[2][4] != "50" {
		t.Errorf("the file holds %q", rows)
	}
	mia.get("/payments/export?currency=JPY&contractor=jon-park").is(200, second.Subject).without(first.Subject)
	mia.get("/payments/export?tab=rejected").is(200, "ID,Reference").without(first.Subject, second.Subject)
	mia.get("/payments/export?currency=EUR&least=lots").is(400, "Please mend it in the list first.")
	mia.get("/payments?currency=JPY").is(200, `href="/payments/export?currency=JPY"`)
}

func TestALongExportTakesNoMoreMemory(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	r := requested(ada, 100, "Sand", 0)
	o.receive(r)
	const count = 30_000
	_, err := o.db.Pool().Exec(t.Context(), `insert into payment_rows (id, revision, contractor_id, contractor_name, amount, currency, description,
		capture_method, decision, money, final, decided_by_name, requested_at, updated_at, pending, words)
		select gen_random_uuid(), 1, 'ada-nowak', 'Ada Nowak', n, 'EUR', repeat('Sand ', 20), $2, 'rejected', '', false, '', now(), now(), false, ''
		from generate_series(1, $1::int) n`, count, string(payment.Automatic))
	o.must(err)

	response, err := mia.browser.Get(o.server.URL + "/payments/export?tab=all&sort=-amount")
	o.must(err)
	defer response.Body.Close()
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	lines, before, most := 0, uint64(0), uint64(0)
	for s := bufio.NewScanner(response.Body); s.Scan(); lines++ {
		switch {
		case lines == 2000:
			before = held()
		case lines > 0 && lines%5000 == 0:
			most = max(most, held())
		}
	}
	if lines != count+2 {
		t.Errorf("the file has %d lines", lines)
	}
	if most > before+4<<20 {
		t.Errorf("it holds %d kB at 2,000 rows, and up to %d kB later", before>>10, most>>10)
	}
}
