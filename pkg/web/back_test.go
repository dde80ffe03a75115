package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestBackLeadsToItsListAlone(t *testing.T) {
	for given, want := range map[string]string{
		"/payments?tab=all&q=%2Fx&after=abc":          "/payments?after=abc&q=%2Fx&tab=all",
		"/payments":                                   "/payments",
		"/payments?back=%2Fpayments":                  "/payments",
		"/payments#top":                               "/payments",
		"//payments":                                  "",
		"//evil.example/payments":                     "",
		"https://evil.example/payments":               "",
		"https:/payments":                             "",
		"https:payments":                              "",
		`/\evil.example/payments`:                     "",
		`\payments`:                                   "",
		"/payments/../../evil":                        "",
		"/payments/":                                  "",
		"%2F%2Fevil.example":                          "",
		"javascript:alert(1)":                         "",
		"/orders":                                     "",
		"/payments?q=%zz":                             "",
		"/payments\r\nLocation: //evil.example":       "",
		"/payments?q=" + strings.Repeat("x", maxBack): "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/payments/1?back="+url.QueryEscape(given), nil)
		if got := Back(echo.New().NewContext(r, nil), "/payments"); got != want {
			t.Errorf("back to %q leads to %q, not to %q", given, got, want)
		}
	}
}

func TestBackIsWhereSomebodyCameFrom(t *testing.T) {
	for referer, want := range map[string]string{
		"http://example.com/payments?tab=all":                        "/payments?tab=all",
		"http://example.com/payments/1?back=%2Fpayments%3Ftab%3Dall": "/payments?tab=all",
		"http://example.com/payments/1?back=%2F%2Fevil.example":      "",
		"http://evil.example/payments?tab=all":                       "",
		"http://example.com/orders":                                  "",
		"":                                                           "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/payments/1", nil)
		r.Header.Set("Referer", referer)
		if got := Back(echo.New().NewContext(r, nil), "/payments"); got != want {
			t.Errorf("from %q back leads to %q, not to %q", referer, got, want)
		}
	}
}
