package web

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/readmodel"
)

func TestAFilterIsSaidAsItsReaderHasIt(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/?from=2026-09-03&to=2026-09-04&currency=EUR&least=1.234&most=1.234,50", nil)
	r.Header.Set("Accept-Language", "de")
	l, err := ReadList(echo.New().NewContext(r, nil), ListOptions{Path: "/", Time: "at", Money: readmodel.ByMoney("amount", "currency", "minor")})
	if err != nil || !l.Filter.OK() {
		t.Fatal(err, l.Filter)
	}
	for i, want := range []string{"From 03.09.2026", "To 04.09.2026", "At most 1.234,50 EUR", "At least 1.234,00 EUR"} {
		if got := locale.Locale("de").Write(l.Chips[i].Text); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

type placedRow struct{}

func (placedRow) Place(readmodel.Sort) readmodel.Place { return readmodel.Place{} }

func TestAnEmptyPageLeadsOnTheWayThatItWasLookedThrough(t *testing.T) {
	for name, sort := range map[string]readmodel.Sort{"text": {Name: "name", Type: "text"}, "times": {Name: "at", Type: "timestamptz", Desc: true}} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/?q=rare", nil)
			l, err := ReadList(echo.New().NewContext(r, nil), ListOptions{Path: "/", Before: "before", After: "after", Default: sort, Sorts: []readmodel.Sort{sort}})
			if err != nil {
				t.Fatal(err)
			}
			stopped := &readmodel.Place{Key: "2026-11-30T12:00:00Z", ID: "01890000-0000-7000-8000-000000000000"}
			link := func(parameter string) string { return l.Address(parameter, EncodeCursor(sort.Fields(*stopped))) }
			for _, backwards := range []bool{false, true} {
				page := readmodel.Page[placedRow]{Before: stopped, After: stopped, Looked: 1000, Backwards: backwards}
				pager, on := ListPager(l, page), link("after")
				if backwards {
					on = link("before")
				}
				if got := pager.EmptyOr(Empty{}).Action.Href; got != on {
					t.Errorf("looked through backwards: %v; it leads on to %s, not %s", backwards, got, on)
				}
				if got := pager.Previous + pager.Newer; got != link("before") {
					t.Errorf("the page before is %s", got)
				}
			}
			if pager := ListPager(l, readmodel.Page[placedRow]{}); pager.Previous+pager.Newer != l.Address("before", "") {
				t.Errorf("a page whose rows have gone does not lead to the first: %v", pager)
			}
		})
	}
}
