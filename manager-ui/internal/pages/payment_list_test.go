package pages_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
)

var (
	rowIDs = regexp.MustCompile(`<tr id="payment-([0-9a-f-]+)"`)
	links  = regexp.MustCompile(`rel="(next|prev)" href="([^"]+)"`)
)

// ids are the payments on a page, and link where its pager leads.
func (a answer) ids() (ids []string) {
	for _, m := range rowIDs.FindAllStringSubmatch(a.text, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func (a answer) link(rel string) string {
	for _, m := range links.FindAllStringSubmatch(a.text, -1) {
		if m[1] == rel {
			return strings.ReplaceAll(m[2], "&amp;", "&")
		}
	}
	return ""
}

func TestPages(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	var events []event.Event
	var asked []string
	for i := range 2*readmodel.PageSize + 3 {
		e := requested(ada, int64(i+1), fmt.Sprintf("Day %d", i), i/3) // several at the same time
		events = append(events, e)
	}
	slices.SortStableFunc(events, func(a, b event.Event) int {
		if !a.Time.Equal(b.Time) {
			return a.Time.Compare(b.Time)
		}
		return strings.Compare(a.Subject, b.Subject)
	})
	for _, e := range events {
		asked = append(asked, e.Subject)
	}
	o.receive(events...)

	for _, test := range []struct {
		name, path string
		want       []string
	}{
		{"waiting, oldest first", "/payments", asked},
		{"all, newest first", "/payments?tab=all", reversed(asked)},
		{"a search", "/payments?tab=all&q=day", reversed(asked)},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen []string
			page, pages := mia.get(test.path).is(200), []string{}
			for {
				seen = append(seen, page.ids()...)
				pages = append(pages, strings.Join(page.ids(), ","))
				next := page.link("next")
				if next == "" {
					break
				}
				page = mia.get(next).is(200)
			}
			if !slices.Equal(seen, test.want) {
				t.Errorf("forwards saw %d of %d, or in another order", len(seen), len(test.want))
			}
			for i := len(pages) - 2; i >= 0; i-- {
				page = mia.get(page.link("prev")).is(200)
				if got := strings.Join(page.ids(), ","); got != pages[i] {
					t.Errorf("page %d backwards differs", i)
				}
			}
			if page.link("prev") != "" {
				t.Error("there is a page before the first")
			}
		})
	}
}

func reversed(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Reverse(ids)
	return ids
}

func TestTabsAndSearch(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	waits := requested(ada, 31040, "Tiles, order 2026/11/000042", 0)
	yes := requested(jon, 200, "Van rental in Łódź", 1)
	no := requested(ada, 300, "漢字 "+strings.Repeat("長", 1900), 2)
	gone := requested(jon, 125000, `"quoted' \ & | ! (x:*)`, 3)
	o.receive(waits, yes, no, gone)
	o.receive(
		written("/manager-ui", yes.Subject, event.Meta{Actor: "tom-berg", ActorName: "Tom Berg"}, payment.Accepted{}, 4),
		written("/manager-ui", no.Subject, event.Meta{Actor: "tom-berg", ActorName: "Tom Berg"}, payment.Rejected{Reason: "No"}, 4),
		written("/contractor-ui", gone.Subject, jon, payment.Withdrawn{}, 4),
	)
	for _, test := range []struct {
		query string
		want  []string
	}{
		{"", []string{waits.Subject}},
		{"?tab=accepted", []string{yes.Subject}},
		{"?tab=rejected", []string{no.Subject}},
		{"?tab=all", []string{gone.Subject, no.Subject, yes.Subject, waits.Subject}},
		{"?tab=all&q=jon", []string{gone.Subject, yes.Subject}},
		{"?tab=all&q=PARK+van", []string{yes.Subject}},
		{"?tab=all&q=000042", []string{waits.Subject}},
		{"?tab=all&q=2026%2F11", []string{waits.Subject}},
		{"?tab=all&q=%C5%82%C3%B3d", []string{yes.Subject}},
		{"?tab=all&q=310.40", []string{waits.Subject}},
		{"?tab=all&q=310.40+eur", []string{waits.Subject}},
		{"?tab=all&q=1250.00", []string{gone.Subject}},
		{"?tab=all&q=1,250.00+EUR", []string{gone.Subject}},
		{"?tab=all&q=%E6%BC%A2", []string{no.Subject}},
		{"?tab=all&q=" + yes.Subject, []string{yes.Subject}},
		{"?tab=all&q=" + yes.Subject[:9], []string{yes.Subject}},
		{"?tab=all&q=%27+%22+%5C+%26+%7C", []string{gone.Subject}},
		{"?tab=all&q=%25", nil},
		{"?tab=all&q=LODZ", []string{yes.Subject}},
		{"?tab=all&q=ental", []string{yes.Subject}},
		{"?tab=all&q=%00%ff", []string{gone.Subject, no.Subject, yes.Subject, waits.Subject}},
		{"?tab=accepted&q=ada", nil},
	} {
		if got := mia.get("/payments" + test.query).is(200).ids(); !slices.Equal(got, test.want) {
			t.Errorf("%s shows %v, want %v", test.query, got, test.want)
		}
	}
	mia.get("/payments?q=nobody").is(200, "Nothing found", "nobody", `>Waiting <span class="count"></span>`)
	mia.get("/payments?q=tiles").is(200, `>Waiting <span class="count">1</span>`)
	mia.get("/payments").is(200, `data-live-fragment="waiting-count">1<`)
}

func TestWhatIsFoundIsCountedUpToABound(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	for i := range 101 {
		o.receive(requested(ada, 100, "Tiles", i))
	}
	o.receive(requested(jon, 200, "Van rental", 0))
	mia.get("/payments?q=tiles").is(200, `>Waiting <span class="count">100&#43;</span>`)
	mia.get("/payments?q=van").is(200, `>Waiting <span class="count">1</span>`)
	mia.get("/payments").is(200, `data-live-fragment="waiting-count">102<`)
}

func TestScriptIsText(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	evil := `<script>alert(1)</script><img src=x onerror=alert(2)>`
	r := requested(event.Meta{Actor: "eve", ActorName: evil}, 100, evil, 0)
	o.receive(r)

	mia.get("/payments").is(200, "&lt;script&gt;alert(1)").without("<script>alert", "<img src=x")
	mia.get("/payments/"+r.Subject).is(200, "&lt;script&gt;alert(1)").without("<script>alert", "<img src=x")
	mia.get("/payments?q=%3Cscript%3E").is(200).without("<script>alert", `value="<script>`)

	rows, err := pages.NewLive(o.db, o.renderer).Rows(t.Context(), []string{payment.Stream(r.Subject)})
	o.must(err)
	if len(rows) != 1 || strings.Contains(locale.English.Write(rows[0].HTML), "<script") || !strings.Contains(rows[0].HTML, "&lt;script&gt;") {
		t.Errorf("pushed %+v", rows)
	}
}

func TestLiveEqualsPage(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	r, unknown := requested(ada, 125000, "Kitchen", 0), written("/payments-core", requested(ada, 1, "x", 0).Subject, event.Meta{}, payment.Released{}, 0)
	o.receive(r, unknown)
	renderer := pages.NewLive(o.db, o.renderer)

	// when
	rows, err := renderer.Rows(t.Context(), []string{payment.Stream(r.Subject), payment.Stream(unknown.Subject), "order-1", "payment-x"})
	o.must(err)
	fragments, err := renderer.Fragments(t.Context(), "managers")
	o.must(err)

	// then the push is what the page shows
	page := mia.get("/payments").is(200, ">Accept<").without("See order")
	o.manager("iris-hahn").get("/payments").is(200, forAuditors(rows[0].HTML)).without(">Accept<", ">Reject<")
	if len(rows) != 1 || !strings.Contains(page.text, forManagers(rows[0].HTML)) {
		t.Fatalf("the page lacks the pushed row: %+v", rows)
	}
	if got := rows[0]; got.Revision != 2 || got.List != "payments" || !slices.Equal(got.Tabs, []string{"waiting", "all"}) ||
		got.Sort != "2026-11-23T12:00:00.000000Z" || got.ID != "payment-"+r.Subject || got.Audience != "managers" {
		t.Errorf("pushed %+v", got)
	}
	orders := mia.get("/orders")
	for _, f := range fragments {
		if strings.HasPrefix(f.Name, "orders-") {
			page = orders
		}
		page.is(200, `data-live-fragment="`+f.Name+`">`+locale.English.Write(f.HTML)+"<")
	}
}
