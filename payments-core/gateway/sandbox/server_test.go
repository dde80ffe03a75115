package sandbox_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/gateway/sandbox"
)

// post sends a request by hand, so that what a client of ours would not send can be tried.
func (tr *trial) post(t *testing.T, path, key, bearer, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tr.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Idempotency-Key", key)
	request.Header.Set("Authorization", bearer)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestBadRequests(t *testing.T) {
	const good = `{"payment_id":"p","amount":{"amount":100,"currency":"EUR"},"description":"d"}`
	const bearer = "Bearer " + token
	tests := map[string]struct {
		path, key, bearer, body string
		status                  int
	}{
		"no token":          {"/authorizations", "k", "", good, 401},
		"another token":     {"/authorizations", "k", "Bearer x", good, 401},
		"no scheme":         {"/authorizations", "k", token, good, 401},
		"no key":            {"/authorizations", "", bearer, good, 400},
		"long key":          {"/authorizations", strings.Repeat("k", 256), bearer, good, 400},
		"no body":           {"/authorizations", "k", bearer, "", 400},
		"not JSON":          {"/authorizations", "k", bearer, "<x>", 400},
		"long body":         {"/authorizations", "k", bearer, good + strings.Repeat(" ", 70<<10), 400},
		"zero":              {"/authorizations", "k", bearer, strings.Replace(good, "100", "0", 1), 400},
		"negative":          {"/authorizations", "k", bearer, strings.Replace(good, "100", "-100", 1), 400},
		"fraction":          {"/authorizations", "k", bearer, strings.Replace(good, "100", "1.5", 1), 400},
		"overflow":          {"/authorizations", "k", bearer, strings.Replace(good, "100", "9223372036854775808", 1), 400},
		"unknown currency":  {"/authorizations", "k", bearer, strings.Replace(good, "EUR", "XXZ", 1), 400},
		"no payment":        {"/authorizations", "k", bearer, strings.Replace(good, `"p"`, `""`, 1), 400},
		"NUL in a payment":  {"/authorizations", "k", bearer, strings.Replace(good, `"p"`, `"p\u0000"`, 1), 400},
		"NUL in a text":     {"/authorizations", "k", bearer, strings.Replace(good, `"d"`, `"\u0000"`, 1), 400},
		"long text":         {"/authorizations", "k", bearer, strings.Replace(good, `"d"`, `"`+strings.Repeat("d", 2001)+`"`, 1), 400},
		"no such hold":      {"/authorizations/x/capture", "k", bearer, `{"amount":{"amount":100,"currency":"EUR"}}`, 404},
		"NUL in a hold":     {"/authorizations/x%00/capture", "k", bearer, `{"amount":{"amount":100,"currency":"EUR"}}`, 400},
		"no such operation": {"/authorizations/x/cancel", "k", bearer, good, 404},
	}
	g := newTrial(t, sandbox.Options{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			status, answer := g.post(t, test.path, test.key, test.bearer, test.body)
			if status != test.status {
				t.Errorf("got %d %s, want %d", status, answer, test.status)
			}
		})
	}
	for record, err := range g.Records(t.Context(), "") {
		t.Errorf("on record: %+v, %v", record, err)
	}
}

func TestSameAnswerByteForByte(t *testing.T) {
	g := newTrial(t, sandbox.Options{})
	const body = `{"payment_id":"p<é>\\","amount":{"amount":100,"currency":"JPY"},"description":"Ünï <b>"}`
	_, first := g.post(t, "/authorizations", `k\"1`, "Bearer "+token, body)
	_, again := g.post(t, "/authorizations", `k\"1`, "Bearer "+token, " "+body)
	if first != again || !strings.Contains(first, `"approved"`) {
		t.Errorf("got  %s\nthen %s", first, again)
	}
}

func TestManyRecordsAreListedOnceAndInOrder(t *testing.T) {
	// given more than two pages
	g := newTrial(t, sandbox.Options{})
	_, err := g.db.Pool().Exec(t.Context(), `
		insert into requests (key, fingerprint, kind, payment_id, amount, outcome, answer, answered_at)
		select key, '', 'authorize', 'p', 100, 'refused', json_build_object('key', key, 'kind', 'authorize', 'payment_id', 'p',
			'amount', json_build_object('amount', 100, 'currency', 'EUR'), 'outcome', 'refused', 'code', 'do_not_honor', 'final', true, 'at', now()), now()
		from (select 'k' || n as key from generate_series(1, 1001) n) k`)
	if err != nil {
		t.Fatal(err)
	}
	// when
	last, n := "", 0
	for record, err := range g.Records(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		// then
		if record.Key <= last {
			t.Fatalf("%s after %s", record.Key, last)
		}
		last, n = record.Key, n+1
	}
	if n != 1001 {
		t.Errorf("%d records, want 1001", n)
	}
}

func TestAuditFindsWhatDoesNotAddUp(t *testing.T) {
	// given
	g := newTrial(t, sandbox.Options{})
	reference := mustAuthorize(t, g, gateway.Request{Key: "k", PaymentID: "p", Amount: eur(100)}).Reference
	set := func(captured int) {
		if _, err := g.db.Pool().Exec(t.Context(), "update holds set captured = $1", captured); err != nil {
			t.Fatal(err)
		}
	}
	// when
	set(1)
	// then
	if err := g.server.Audit(t.Context()); err == nil || !strings.Contains(err.Error(), reference) {
		t.Errorf("got %v, want %s named", err, reference)
	}
	set(0)
}
