package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign.example/pkg/web"
)

func TestAnAppIsAddressedByItsNamesAlone(t *testing.T) {
	config := web.IdentityConfig{PublicURL: "https://pay.example:8443", AllowedHosts: []string{"inside"}}
	for host, in := range map[string]struct{ development, production bool }{
		"pay.example:8443":    {true, true},
		"PAY.example.":        {true, true},
		"inside:3000":         {true, true},
		"localhost:3000":      {true, false},
		"app.localhost":       {true, false},
		"127.0.0.1:3000":      {true, false},
		"[::1]:3000":          {true, false},
		"[::1]":               {true, false},
		"192.0.2.7":           {true, false},
		"evil.example":        {false, false},
		"evil.example:3000":   {false, false},
		"localhost.evil.test": {false, false},
		"pay.example.evil":    {false, false},
		"":                    {false, false},
	} {
		for environment, want := range map[string]bool{"development": in.development, "production": in.production} {
			reached := false
			handler := config.Addressed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }), environment)
			request, answer := httptest.NewRequest(http.MethodPost, "/payments", nil), httptest.NewRecorder()
			request.Host = host
			handler.ServeHTTP(answer, request)
			if reached != want {
				t.Errorf("%q in %s: reached the app: %v", host, environment, reached)
			}
			if !want && (answer.Code != http.StatusMisdirectedRequest || !strings.Contains(answer.Body.String(), "nothing was done")) {
				t.Errorf("%q in %s: %d %s", host, environment, answer.Code, answer.Body)
			}
		}
	}
}
