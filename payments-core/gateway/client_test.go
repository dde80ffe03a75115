package gateway_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/money"
)

const approvedHold = `{"key":"k","kind":"authorize","payment_id":"p","amount":{"amount":1099,"currency":"EUR"},
	"outcome":"approved","reference":"h","expires_at":"2026-11-30T09:00:00Z","at":"2026-11-23T09:00:00Z"}`

var theRequest = gateway.Request{Key: "k", PaymentID: "p", Amount: money.Amount{Minor: 1099, Currency: "EUR"}}

// What is not a definite answer to this very request is unknown, never approved or refused.
func TestAnswers(t *testing.T) {
	change := func(old, replacement string) string {
		if !strings.Contains(approvedHold, old) {
			t.Fatalf("%q is not in the answer", old)
		}
		return strings.Replace(approvedHold, old, replacement, 1)
	}
	problem := func(code string) string { return fmt.Sprintf(`{"code":%q}`, code) }
	tests := map[string]struct {
		status int
		body   string
		want   error // nil: definite
	}{
		"approved": {200, approvedHold, nil},
		"refused": {200, change(`"approved","reference":"h"`,
			`"refused","code":"do_not_honor","reason":"no","final":true`), nil},
		"key reused":              {422, problem("key_reused"), gateway.ErrKeyReused},
		"422 of somebody else":    {422, "<html>", gateway.ErrUnknown},
		"202":                     {202, approvedHold, gateway.ErrUnknown},
		"204":                     {204, "", gateway.ErrUnknown},
		"redirect":                {302, "", gateway.ErrUnknown},
		"400":                     {400, problem("malformed"), gateway.ErrUnknown},
		"401":                     {401, problem("unauthorized"), gateway.ErrUnknown},
		"404":                     {404, problem("not_found"), gateway.ErrUnknown},
		"409":                     {409, "", gateway.ErrUnknown},
		"429":                     {429, "", gateway.ErrUnknown},
		"500":                     {500, approvedHold, gateway.ErrUnknown},
		"503":                     {503, "", gateway.ErrUnknown},
		"empty":                   {200, "", gateway.ErrUnknown},
		"cut off":                 {200, approvedHold[:100], gateway.ErrUnknown},
		"HTML":                    {200, "<html>", gateway.ErrUnknown},
		"too long":                {200, approvedHold + strings.Repeat(" ", 1<<20), gateway.ErrUnknown},
		"no outcome":              {200, change(`"approved"`, `""`), gateway.ErrUnknown},
		"unknown outcome":         {200, change(`"approved"`, `"pending"`), gateway.ErrUnknown},
		"approved, no reference":  {200, change(`"h"`, `""`), gateway.ErrUnknown},
		"approved, no expiry":     {200, change(`"2026-11-30T09:00:00Z"`, `null`), gateway.ErrUnknown},
		"refused, no code":        {200, change(`"approved"`, `"refused","final":true`), gateway.ErrUnknown},
		"refused, final not said": {200, change(`"approved"`, `"refused","code":"x"`), gateway.ErrUnknown},
		"reference with a NUL":    {200, change(`"h"`, `"h\u0000"`), gateway.ErrUnknown},
		"reference too long":      {200, change(`"h"`, `"`+strings.Repeat("h", 201)+`"`), gateway.ErrUnknown},
		"refused, code of NULs":   {200, change(`"approved"`, `"refused","code":"\u0000","final":true`), gateway.ErrUnknown},
		"another key":             {200, change(`"k"`, `"l"`), gateway.ErrUnknown},
		"another kind":            {200, change(`"authorize"`, `"capture"`), gateway.ErrUnknown},
		"another payment":         {200, change(`"p"`, `"q"`), gateway.ErrUnknown},
		"another amount":          {200, change(`1099`, `1098`), gateway.ErrUnknown},
		"another currency":        {200, change(`EUR`, `USD`), gateway.ErrUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given
			client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			})
			// when
			result, err := client.Authorize(t.Context(), theRequest)
			// then
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err != nil && (result != gateway.Result{}) {
				t.Errorf("got %+v together with an error", result)
			}
		})
	}
}

// PostgreSQL must be able to keep every refusal: the same key gets the same one for ever.
func TestARefusalIsCleaned(t *testing.T) {
	// given
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"key":"k","kind":"authorize","payment_id":"p","amount":{"amount":1099,"currency":"EUR"},
			"outcome":"refused","code":"do_not\u0000_honor%s","reason":"no\u0000 %s","final":true}`,
			strings.Repeat("ä", 300), "\xff"+strings.Repeat("ö", 3000))
	})
	// when
	result, err := client.Authorize(t.Context(), theRequest)
	// then
	if err != nil || result.Refusal == nil {
		t.Fatalf("got %+v, %v", result, err)
	}
	for name, test := range map[string]struct {
		text, begins string
		most         int
	}{"code": {result.Refusal.Code, "do_not_honorä", 200}, "reason": {result.Refusal.Reason, "no \uFFFDö", 2000}} {
		if !strings.HasPrefix(test.text, test.begins) || utf8.RuneCountInString(test.text) != test.most || !utf8.ValidString(test.text) {
			t.Errorf("the %s is %q", name, test.text)
		}
	}
}

func TestAProblemsCodeIsCleaned(t *testing.T) {
	// given
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"code":"mal\u0000formed%s"}`, strings.Repeat("x", 10_000))
	})
	// when
	_, err := client.Authorize(t.Context(), theRequest)
	// then
	if !errors.Is(err, gateway.ErrUnknown) || !strings.Contains(err.Error(), "malformedx") || len(err.Error()) > 300 {
		t.Errorf("got %.400q", err)
	}
}

func TestAnswerThatIsNotDeclaredJSON(t *testing.T) {
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(approvedHold))
	})
	if _, err := client.Authorize(t.Context(), theRequest); !errors.Is(err, gateway.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}

func TestNobodyListens(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	client, err := gateway.NewClient(gateway.ClientConfig{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	if _, err := client.Authorize(t.Context(), theRequest); !errors.Is(err, gateway.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	for _, err := range client.Records(t.Context(), "") {
		if !errors.Is(err, gateway.ErrUnknown) {
			t.Errorf("records: got %v, want ErrUnknown", err)
		}
	}
}

func TestURLOfTheGateway(t *testing.T) {
	for _, url := range []string{"", "localhost:5003", "ftp://localhost", "http://", "://"} {
		if _, err := gateway.NewClient(gateway.ClientConfig{URL: url}); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
}

func newClient(t *testing.T, handler http.HandlerFunc) *gateway.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := gateway.NewClient(gateway.ClientConfig{URL: server.URL, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
