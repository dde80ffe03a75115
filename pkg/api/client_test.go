package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign.example/pkg/event"
)

const id = "0193f3a0-0000-7000-8000-000000000001"

// paymentAnswer is an answer that is believed only if it is about id.
type paymentAnswer struct {
	PaymentID string `json:"payment_id"`
}

func (a *paymentAnswer) Check() error {
	if a.PaymentID != id {
		return errors.New("it is about another payment")
	}
	return nil
}

func newClient(t *testing.T, url string) *Client {
	t.Helper()
	client, err := NewClient("payments-core", "PAYMENTS_CORE_URL", url, "secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// respond is an answer of the service.
func respond(status int, media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const (
	jsonMedia = "application/json"
	problem   = "application/problem+json"
)

func hang(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestPost(t *testing.T) {
	recorded := respond(202, jsonMedia, `{"payment_id":"`+id+`","operation":{"kind":"capture"}}`)
	tests := []struct {
		name     string
		answers  []http.HandlerFunc // one for each attempt
		refusal  *Refusal
		err      error
		attempts int64 // if not one for each answer, or all of them for an error
	}{
		{name: "recorded", answers: []http.HandlerFunc{recorded}},
		{name: "under way", answers: []http.HandlerFunc{respond(409, problem, `{"type":"about:blank","title":"Conflict","status":409,"detail":"capture is under way","code":"under_way","by":"Mia"}`)},
			refusal: &Refusal{409, "under_way", "capture is under way", map[string]json.RawMessage{"by": json.RawMessage(`"Mia"`)}}},
		{name: "unknown payment", answers: []http.HandlerFunc{respond(404, problem, `{"detail":"There is no such payment."}`)},
			refusal: &Refusal{404, "", "There is no such payment.", map[string]json.RawMessage{}}},
		{name: "a failure, then recorded", answers: []http.HandlerFunc{respond(500, problem, `{"detail":"x"}`), recorded}},
		{name: "a lost answer, then recorded", answers: []http.HandlerFunc{hangUp, recorded}},
		{name: "no answer in time, then recorded", answers: []http.HandlerFunc{hang, recorded}},
		{name: "failing", answers: []http.HandlerFunc{respond(503, problem, `{"detail":"x"}`)}, err: ErrUnknown},
		{name: "no answer in time", answers: []http.HandlerFunc{hang}, err: ErrUnknown},
		{name: "rubbish", answers: []http.HandlerFunc{respond(202, jsonMedia, `<html>`)}, err: ErrUnknown},
		{name: "someone else's page", answers: []http.HandlerFunc{respond(200, "text/html", `<html>`)}, err: ErrUnknown},
		{name: "another payment", answers: []http.HandlerFunc{respond(202, jsonMedia, `{"payment_id":"x"}`)}, err: ErrUnknown},
		{name: "a conflict without words", answers: []http.HandlerFunc{respond(409, problem, `{}`)}, err: ErrUnknown},
		{name: "a page that is not found", answers: []http.HandlerFunc{respond(404, "text/plain", `404`)}, err: ErrUnknown},
		{name: "token refused", answers: []http.HandlerFunc{respond(401, problem, `{"detail":"no"}`)}, err: ErrDenied},
		{name: "not understood", answers: []http.HandlerFunc{respond(400, problem, `{"detail":"no"}`)}, err: ErrDenied},
		{name: "forbidden", answers: []http.HandlerFunc{respond(403, problem, `{}`)}, err: ErrDenied},
		{name: "too large", answers: []http.HandlerFunc{respond(413, problem, `{"detail":"no"}`)}, err: ErrDenied},
		{name: "another medium", answers: []http.HandlerFunc{respond(415, problem, `rubbish`)}, err: ErrDenied},
		{name: "a lost answer, then token refused", answers: []http.HandlerFunc{hangUp, respond(401, problem, `{"detail":"no"}`)}, err: ErrUnknown, attempts: 2},
		{name: "somebody else's 403", answers: []http.HandlerFunc{respond(403, "text/html", `<html>`)}, err: ErrUnknown},
		{name: "a redirect", answers: []http.HandlerFunc{http.RedirectHandler("/", http.StatusTemporaryRedirect).ServeHTTP}, err: ErrUnknown},
		{name: "an answer without end", answers: []http.HandlerFunc{respond(202, jsonMedia, strings.Repeat(" ", 1<<20)+`{}`)}, err: ErrUnknown},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := int(asked.Add(1))
				body, _ := io.ReadAll(r.Body)
				if r.Header.Get("Idempotency-Key") != "k1" || r.Header.Get("Authorization") != "Bearer secret" ||
					r.Method != http.MethodPost || r.URL.Path != "/payments/"+id+"/release" ||
					string(body) != `{"actor":{"id":"mia-weber","name":"Mia Weber"},"reason":"late"}` {
					t.Errorf("attempt %d was %s %s %v %s", n, r.Method, r.URL, r.Header, body)
				}
				test.answers[min(n, len(test.answers))-1](w, r)
			}))
			defer server.Close()
			client := newClient(t, server.URL+"/")
			client.timeout = 50 * time.Millisecond
			ctx := event.WithMeta(t.Context(), event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"})

			err := client.Post(ctx, "/payments/"+id+"/release", "k1", map[string]string{"reason": "late"}, &paymentAnswer{})

			var refusal *Refusal
			switch {
			case test.refusal != nil:
				if !errors.As(err, &refusal) || !reflect.DeepEqual(refusal, test.refusal) {
					t.Errorf("answered %v, want %+v", err, test.refusal)
				}
			case !errors.Is(err, test.err):
				t.Errorf("answered %v, want %v", err, test.err)
			}
			want := int64(len(test.answers))
			if test.err != nil && !errors.Is(test.err, ErrDenied) {
				want = cmp.Or(test.attempts, attempts)
			}
			if asked.Load() != want {
				t.Errorf("%d attempts, want %d", asked.Load(), want)
			}
		})
	}
}

func TestABodyIsNotLargerThanItNeedsToBe(t *testing.T) {
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = string(body)
		respond(200, jsonMedia, `{}`)(w, r)
	}))
	defer server.Close()
	rows := []struct{ Name string }{{"<Tiles> & \"grout\""}}
	ctx := event.WithMeta(t.Context(), event.Meta{Actor: "mia-weber", ActorName: "Mia & Tom"})

	err := newClient(t, server.URL).Post(ctx, "/import", "k1", map[string]any{"rows": rows}, nil)

	if want := `{"actor":{"id":"mia-weber","name":"Mia & Tom"},"rows":[{"Name":"<Tiles> & \"grout\""}]}`; err != nil || sent != want {
		t.Errorf("sent %s, want %s; %v", sent, want, err)
	}
}

func TestAway(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // nobody listens there any more
	err := newClient(t, server.URL).Post(t.Context(), "/orders", "k1", nil, nil)
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "payments-core cannot be reached") {
		t.Errorf("answered %v", err)
	}
}

func TestBadAddress(t *testing.T) {
	for _, address := range []string{"", "localhost:5001", "ftp://x", "http://"} {
		if _, err := NewClient("ordering-core", "ORDERING_CORE_URL", address, "x"); err == nil || !strings.Contains(err.Error(), "ORDERING_CORE_URL") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
