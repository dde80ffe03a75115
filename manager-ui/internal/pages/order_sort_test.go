package pages_test

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
)

func TestOrdersAreSortedByEveryColumn(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	zoe := event.Meta{Actor: "zoe", ActorName: "Zoë Adler"}
	cheap := o.begin(zoe, 0).fill("Nails", 50).submit("2026/11/000001")
	dear := o.begin(ada, 10).fill("Beams", 90_000).submit("2026/11/000002")
	middle := o.begin(jon, 20).fill("Cable", 1_250).submit("2026/11/000003")
	draft := o.begin(ada, 30).fill("Sand", 500_000) // costs most, and has no fixed total
	middle.tell(jon, order.Cancelled{Reason: "No", By: order.ByManager})
	for query, want := range map[string][]*booked{
		"":                                {draft, middle, dear, cheap},
		"?sort=at":                        {cheap, dear, middle, draft},
		"?sort=total":                     {draft, cheap, middle, dear},
		"?sort=-total":                    {dear, middle, cheap, draft},
		"?tab=submitted&sort=total":       {cheap, dear},
		"?sort=-contractor&tab=submitted": {cheap, dear},
		"?tab=draft&sort=contractor":      {draft},
	} {
		var ids []string
		for _, b := range want {
			ids = append(ids, b.id)
		}
		if got := mia.get("/orders" + query).is(200).orders(); !slices.Equal(got, ids) {
			t.Errorf("%s shows %v, want %v", query, got, ids)
		}
	}
	mia.get("/orders?sort=contractor").is(200, `aria-sort="ascending"><a href="/orders?sort=-contractor">Contractor</a>`, `data-live-by="contractor" data-live-order="name"`)
	mia.get("/orders?sort=total").is(200, `data-live-by="total" data-live-order="asc"`, `data-total="EUR0000000000000000100"`, `data-total=""`,
		`<a href="/orders?tab=draft">Drafts`, "Drafts have no fixed total: a currency or an amount finds none of them.")
	// drafts are neither sorted nor filtered by totals
	mia.get("/orders?tab=draft").is(200, `<th class="amount">Total</th>`).without(`name="least"`)
	mia.get("/orders?tab=draft&sort=total").is(404)

	// what is pushed has the places that the page has
	rows, err := pages.NewLive(o.db, o.renderer).Rows(t.Context(), []string{order.Stream(dear.id)})
	o.must(err)
	mia.get("/orders?sort=customer").is(200, locale.English.Write(rows[0].HTML))
	for _, sort := range []string{"at", "total", "customer", "contractor"} {
		if page := mia.get("/orders?size=50&sort=-" + sort).is(200); len(page.orders()) != 4 {
			t.Errorf("by %s it has %d", sort, len(page.orders()))
		}
	}
}

func TestPagesOfOrdersFollowEachOther(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	want := map[string]bool{}
	for i := range readmodel.PageSize + 7 {
		b := o.begin([]event.Meta{ada, jon}[i%2], i)
		if i%3 > 0 {
			b.fill(fmt.Sprint("Sand ", i), int64(i%4+1)*100).submit(fmt.Sprintf("2026/11/%06d", i+1))
		}
		want[b.id] = true
	}
	for _, sort := range []string{"at", "-at", "total", "-total", "customer", "-customer", "contractor", "-contractor"} {
		page := mia.get("/orders?sort=" + sort).is(200)
		first, seen := page.orders(), map[string]bool{}
		for _, id := range first {
			seen[id] = true
		}
		page = mia.get(page.link("next")).is(200)
		for _, id := range page.orders() {
			seen[id] = true
		}
		if len(seen) != len(want) {
			t.Errorf("by %s two pages have %d of %d", sort, len(seen), len(want))
		}
		if back := mia.get(page.link("prev")).is(200).orders(); !slices.Equal(back, first) {
			t.Errorf("by %s the way back leads to another page", sort)
		}
	}
}

func TestOrdersAreFilteredAndExported(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	first := o.begin(ada, 0).fill("Nails", 50_00).submit("2026/11/000001")
	second := o.begin(jon, 24*60).fill("Beams", 90_00).submit("2026/11/000002")
	draft := o.begin(ada, 48*60).fill("Sand", 70_00)
	o.receive(customerAdded(hotel, "Hotel Sonne", "office@sonne.example"))
	for query, want := range map[string][]string{
		"from=2026-11-24":                                 {draft.id, second.id},
		"to=2026-11-23":                                   {first.id},
		"currency=EUR":                                    {second.id, first.id},
		"currency=EUR&least=150":                          {second.id},
		"contractor=ada-nowak&currency=EUR":               {first.id},
		"customer=" + hotel + "&to=2026-11-24&sort=total": {first.id, second.id},
		"contractor=ada-nowak&q=sand":                     {draft.id},
	} {
		if got := mia.get("/orders?" + query).is(200).orders(); !slices.Equal(got, want) {
			t.Errorf("%s shows %v, want %v", query, got, want)
		}
	}
	page := mia.get("/orders?from=2026-11-24&contractor=jon-park").is(200, "1 order, 180.00 EUR", "From 24 Nov 2026")
	page.is(200, `<input type="hidden" name="from" value="2026-11-24">`, `<input type="hidden" name="contractor" value="jon-park">`)
	mia.get("/orders?customer="+hotel).is(200, "3 orders, 280.00 EUR, 1 of them without a fixed total")
	mia.get("/orders?tab=draft&from=2026-11-24").is(200, `1 order<`)
	mia.get("/orders?currency=USD").is(200, "No order here fits the filter.")
	mia.get("/orders?currency=EUR&least=lots").is(422, "Write the amount in digits")

	file := mia.get("/orders/export?customer=" + hotel + "&from=2026-11-24").is(200)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.text, "\ufeff"))).ReadAll()
	o.must(err)
	want := []string{
		draft.id + "||ada-nowak|Ada Nowak|Hotel Sonne|140.00|EUR|draft|2026-11-25T12:00:00Z||",
		second.id + "|2026/11/000002|jon-park|Jon Park|Hotel Sonne|180.00|EUR|submitted|2026-11-24T12:00:00Z|2026-11-24T12:03:00Z|2026-11-24T12:00:00Z",
	}
	if len(rows) != 3 || strings.Join(rows[1], "|") != want[0] || strings.Join(rows[2], "|") != want[1] {
		t.Errorf("the file holds %q", rows)
	}
	mia.post("/orders/views?contractor=jon-park&sort=-total", "view", "Jon’s").
		is(200, "This view is saved as “Jon’s”.", `<a href="/orders?contractor=jon-park&amp;sort=-total" aria-current="true">`)
	mia.get("/payments").is(200).without("Jon’s")
}
