package pages_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

func in(currency string) func(*payment.Requested) {
	return func(b *payment.Requested) { b.Amount.Currency = currency }
}

func TestPaymentsAreSortedByEveryColumn(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	var events []event.Event
	for i := range 2*readmodel.PageSize + 3 {
		by, currency := ada, "EUR"
		if i%3 == 0 {
			by = event.Meta{Actor: "ola", ActorName: "Ólafur"}
		}
		if i%5 == 0 {
			currency = "USD"
		}
		events = append(events, requested(by, int64(i%7)*1000+5, fmt.Sprintf("Day %d", i), -i/3, in(currency)))
	}
	o.receive(events...)
	key := map[string]func(event.Event) string{
		"amount":     func(e event.Event) string { return o.row(e.Subject).Place(readmodel.ByAmount).Key },
		"contractor": func(e event.Event) string { return map[string]string{"ada-nowak": "a"}[e.Actor] },
		"at":         func(e event.Event) string { return e.Time.Format("2006-01-02T15:04:05") },
	}
	for _, tab := range []string{"", "all"} {
		for name, of := range key {
			keys := map[string]string{}
			var want []string
			for _, e := range events {
				keys[e.Subject], want = of(e), append(want, e.Subject)
			}
			if name == "contractor" {
				for id, k := range keys {
					keys[id] = map[string]string{"a": "1", "": "2"}[k]
				}
			}
			slices.SortFunc(want, func(a, b string) int { return strings.Compare(keys[a]+a, keys[b]+b) })
			for _, sort := range []string{name, "-" + name} {
				t.Run(tab+" "+sort, func(t *testing.T) {
					var seen []string
					page := mia.get("/payments?tab=" + tab + "&sort=" + sort).is(200)
					direction := map[bool]string{true: "descending", false: "ascending"}[strings.HasPrefix(sort, "-")]
					page.is(200, `aria-sort="`+direction+`"`)
					for {
						seen = append(seen, page.ids()...)
						next := page.link("next")
						if next == "" {
							break
						}
						page = mia.get(next).is(200)
					}
					if strings.HasPrefix(sort, "-") {
						slices.Reverse(seen)
					}
					if !slices.Equal(seen, want) {
						t.Errorf("saw %d of %d, or in another order", len(seen), len(want))
					}
				})
			}
		}
	}
	if page := mia.get("/payments?size=50"); len(page.ids()) != 50 || len(mia.get(page.link("next")).ids()) != 3 {
		t.Error("a page of 50 has another size")
	}
	mia.get("/payments?tab=all&sort=-amount").is(200, `<option value="-amount" selected>Amount, highest first</option>`, `<option value="">Asked, newest first</option>`)
	mia.get("/payments").is(200, `<option value="" selected>Asked, oldest first</option>`, `<option value="-contractor">Contractor, Z to A</option>`)
	mia.get("/payments?sort=colour").is(404)
	mia.get("/payments?size=1000").is(404)
}

func TestPaymentsAreFiltered(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	first, second, third := requested(ada, 100_00, "One", 0), requested(jon, 1234_56, "Two", 24*60), requested(ada, 100, "Three", 48*60, in("JPY"))
	accepted := requested(jon, 50_00, "Four", 0)
	o.receive(first, second, third, accepted,
		written("/manager-ui", accepted.Subject, event.Meta{Actor: "tom-berg", ActorName: "Tom Berg"}, payment.Accepted{}, 1))
	for query, want := range map[string][]event.Event{
		"from=2026-11-24":                          {second, third},
		"to=2026-11-23":                            {first},
		"from=2026-11-24&to=2026-11-24":            {second},
		"currency=EUR":                             {first, second},
		"currency=EUR&least=1.000%2C00":            {second},
		"currency=EUR&most=%E2%82%AC100":           {first},
		"currency=EUR&least=100&most=1234.56":      {first, second},
		"currency=JPY&least=100":                   {third},
		"contractor=jon-park":                      {second},
		"contractor=nobody":                        nil,
		"contractor=jon-park&q=two&tab=all":        {second},
		"tab=accepted&currency=EUR&to=2026-11-23":  {accepted},
		"currency=EUR&sort=-amount&from=2026-11-1": {second, first}, // a day that is wrong narrows nothing
	} {
		page := mia.get("/payments?" + query)
		var ids []string
		for _, e := range want {
			ids = append(ids, e.Subject)
		}
		if !slices.Equal(page.ids(), ids) {
			t.Errorf("%s shows %d payments: %v, want %v", query, len(page.ids()), page.ids(), ids)
		}
	}
	mia.get("/payments?currency=EUR").is(200, "2 payments, 1,334.56 EUR", "In EUR", `<span class="count">2</span></a></li>`, `value="EUR" selected`)
	mia.get("/payments?contractor=jon-park").is(200, "1 payment, 1,234.56 EUR", "Of Jon Park")
	mia.get("/payments?currency=EUR&least=5000").is(200, "0 payments", "No payment here fits the filter.", "At least 5,000.00 EUR")
	mia.get("/payments").is(200).without("4 payments", "Show everything")
	for query, says := range map[string]string{
		"from=yesterday":                "Write the day as year, month and day",
		"from=2026-11-25&to=2026-1-1":   "Write the day as year, month and day",
		"from=2026-11-25&to=2026-11-24": "The last day is before the first one.",
		"least=100":                     "Choose the currency that the amounts are in.",
		"currency=EUR&least=lots":       "Write the amount in digits",
		"currency=EUR&least=1+USD":      "This amount is in USD",
		"currency=EUR&least=1.234":      `name="pick-least" value="1234.00"`,
		"currency=XXX1":                 "Choose a currency from the list.",
		"currency=EUR&least=2&most=1":   "This is less than the other amount.",
	} {
		mia.get("/payments?"+query).is(422, says, `<details name="list-head" class="filter" open>`)
	}
	mia.get("/payments?currency=EUR&least=1.234&pick-least=1.234%2C00").is(200, "At least 1,234.00 EUR")
}
