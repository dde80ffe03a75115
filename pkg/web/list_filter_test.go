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
