package pages_test

import (
	"encoding/csv"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"countersign.example/manager-ui/internal/numbers"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

func (o *testSite) countNumbers() {
	o.tb.Helper()
	o.must(numbers.NewFollower(o.db, o.journal, slog.New(slog.DiscardHandler)).CatchUp(o.tb.Context(), 1))
}

var (
	tagsOf   = regexp.MustCompile(`<[^>]*>`)
	chartsOf = regexp.MustCompile(`(?s)<section class="card number-chart".*?</section>`)
	rowsOf   = regexp.MustCompile(`(?s)<tr>.*?</tr>`)
	cellsOf  = regexp.MustCompile(`(?s)<t[hd][^>]*>.*?</t[hd]>`)
	filesOf  = regexp.MustCompile(`href="(/numbers/export[^"]*)"`)
)

// tables are what the tables of a page have, by the address of their files.
func (a answer) tables() map[string][][]string {
	tables := map[string][][]string{}
	for _, chart := range chartsOf.FindAllString(a.text, -1) {
		file := filesOf.FindStringSubmatch(chart)
		if file == nil {
			continue
		}
		var rows [][]string
		for _, row := range rowsOf.FindAllString(chart, -1) {
			var cells []string
			for _, cell := range cellsOf.FindAllString(row, -1) {
				cells = append(cells, html.UnescapeString(tagsOf.ReplaceAllString(cell, "")))
			}
			rows = append(rows, cells)
		}
		tables[html.UnescapeString(file[1])] = rows
	}
	return tables
}

func TestNumbersShowWhatHappened(t *testing.T) {
	o := open(t, nowhere)
	a, b, c := requested(ada, 125000, "Kitchen", 0), requested(jon, 300, "Sand", 1), requested(ada, 99, "Nails", 2)
	mia := event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}
	o.receive(a, b, c, written("/manager-ui", a.Subject, mia, payment.Accepted{}, 10), written("/manager-ui", b.Subject, mia, payment.Rejected{Reason: "No"}, 20),
		written("/payments-core", a.Subject, event.Meta{}, payment.Declined{Code: "<b>funds", Final: false}, 30),
		written("/payments-core", a.Subject, event.Meta{}, payment.Authorized{GatewayReference: "g"}, 31),
		written("/payments-core", a.Subject, mia, payment.Captured{Amount: money.Amount{Minor: 125000, Currency: "EUR"}, GatewayReference: "g"}, 32))
	m := o.manager("mia-weber")
	m.get("/numbers").is(http.StatusOK, "not complete yet")
	o.countNumbers()
	page := m.get("/numbers?period=today&zone=Europe/Berlin").is(http.StatusOK, "As of", "Requests and decisions", "Money in EUR", "Time to decision", "Waiting now, by age",
		"&lt;b&gt;funds", "Ada Nowak", "<title", "days in Europe/Berlin").without("<b>funds", "being counted", " style=")
	tables := page.tables()
	if len(tables) != 6 {
		t.Fatalf("%d tables", len(tables))
	}
	for file, rows := range tables {
		sameRows(t, m.get(file).is(http.StatusOK), rows)
	}
	find := func(key string) (rows [][]string) {
		t.Helper()
		for file, table := range tables {
			address, err := url.Parse(file)
			o.must(err)
			if address.Query().Get("chart") == key {
				return table
			}
		}
		t.Fatalf("there is no %q", key)
		return nil
	}
	for key, want := range map[string]string{
		"decisions": "13:00 3 1 1 0 0", "money-EUR": "13:00 1,253.99 EUR 1,250.00 EUR 0.00 EUR 0.00 EUR", "waiting": "1 h to 4 h 1 0.99 EUR",
		"declines": "<b>funds 1", "contractors": "Ada Nowak 2 1 0 1,250.00 EUR",
	} {
		all := ""
		for _, row := range find(key) {
			all += strings.Join(row, " ") + "\n"
		}
		if !strings.Contains(all, want) {
			t.Errorf("%s has not %q:\n%s", key, want, all)
		}
	}
	m.get("/numbers?currency=JPY").is(http.StatusOK, "Nothing in this period")
	m.get("/numbers?from=2026-01-01&to=2026-01-02").is(http.StatusOK, "Nothing in this period", "Show this year")
}

// sameRows checks that a file has the numbers of a table.
func sameRows(t *testing.T, file answer, rows [][]string) {
	t.Helper()
	read, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.text, "\ufeff"))).ReadAll()
	if err != nil || len(read) != len(rows) {
		t.Fatalf("%s has %d rows, and the page %d: %v", file.path, len(read), len(rows), err)
	}
	plain := regexp.MustCompile(`^[0-9,]+(\.[0-9]+)?( [A-Z]{3})?$`)
	for i, row := range rows {
		if len(row) != len(read[i]) {
			t.Fatalf("%s: %q and %q", file.path, row, read[i])
		}
		for j, cell := range row {
			if i > 0 && !plain.MatchString(cell) {
				continue // a day or a time, which files write in another way
			}
			if number, _, _ := strings.Cut(strings.ReplaceAll(cell, ",", ""), " "); number != read[i][j] && cell != read[i][j] {
				t.Errorf("%s: the page has %q, and the file %q", file.path, cell, read[i][j])
			}
		}
	}
}

// What somebody is called, or the gateway says, is no formula in a file.
func TestFilesOfNumbersHoldNoFormulas(t *testing.T) {
	o := open(t, nowhere)
	mia := event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}
	a := requested(event.Meta{Actor: "eve", ActorName: "=HYPERLINK(1)"}, 100, "Kitchen", 0)
	o.receive(a, written("/manager-ui", a.Subject, mia, payment.Accepted{}, 1), written("/payments-core", a.Subject, event.Meta{}, payment.Declined{Code: "@funds"}, 2))
	o.countNumbers()
	m := o.manager("mia-weber")
	m.get("/numbers/export?chart=contractors&period=today").is(http.StatusOK, "'=HYPERLINK(1)")
	m.get("/numbers/export?chart=declines&period=today").is(http.StatusOK, "'@funds")
}

func TestNumbersOfWrongPeriodsAreNotCounted(t *testing.T) {
	o := open(t, nowhere)
	m := o.manager("mia-weber")
	for address, says := range map[string]string{
		"from=2026-11-30&to=2026-11-01":              "The last day is before the first one.",
		"from=2026-11-30":                            "Choose this day too.",
		"from=30.11.2026&to=2026-11-30":              "Write the day as year, month and day",
		"from=2015-01-01&to=2026-11-30":              "more than five years",
		"from=1999-01-01&to=1999-01-02":              "Choose a day from 2015 on.",
		"from=2026-11-01&to=99999-11-30":             "Write the day as year, month and day",
		"currency=XXXX":                              "Choose a currency from the list.",
		"zone=Mars/Base":                             "There is no such time zone.",
		"zone=../../etc/passwd":                      "There is no such time zone.",
		"zone=Local":                                 "There is no such time zone.",
		"period=ever":                                "There is no such period.",
		"from=2026-11-01&to=2026-11-02&zone=%3Cb%3E": "There is no such time zone.",
	} {
		m.get("/numbers?"+address).is(http.StatusUnprocessableEntity, says).without("number-chart", "<b>")
		m.get("/numbers/export?chart=decisions&" + address).is(http.StatusBadRequest)
	}
	m.get("/numbers?from=" + strings.Repeat("9", 500)).is(http.StatusBadRequest)
	m.get("/numbers/export?chart=nothing").is(http.StatusNotFound)
}

func TestALongPeriodHasFewRows(t *testing.T) {
	o := open(t, nowhere)
	o.receive(requested(ada, 100, "Sand", 0))
	o.countNumbers()
	m := o.manager("iris-hahn")
	for days, most := range map[string]int{"from=2026-11-23&to=2026-11-23": 24, "from=2026-10-01&to=2026-11-30": 61, "from=2026-06-01&to=2026-12-01": 27,
		"from=2026-01-01&to=2026-12-31": 12, "from=2022-01-01&to=2026-12-31": 60} {
		for file, rows := range m.get("/numbers?" + days).is(http.StatusOK).tables() {
			if len(rows) > most+1 {
				t.Errorf("%s has %s rows", file, fmt.Sprint(len(rows)-1))
			}
		}
	}
}
