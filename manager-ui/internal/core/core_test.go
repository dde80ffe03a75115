package core

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
)

const id = "0193f3a0-0000-7000-8000-000000000001"

func TestSend(t *testing.T) {
	for name, test := range map[string]struct {
		about string
		err   error
	}{
		"recorded":        {id, nil},
		"another payment": {"x", api.ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.Header.Get("Idempotency-Key") != "k1" || r.URL.Path != "/payments/"+id+"/release" ||
					string(body) != `{"actor":{"id":"mia-weber","name":"Mia Weber"},"reason":"late"}` {
					t.Errorf("sent %s %s %v %s", r.Method, r.URL, r.Header, body)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusAccepted)
				_, _ = fmt.Fprintf(w, `{"payment_id":%q}`, test.about)
			}))
			defer server.Close()
			client, err := New(server.URL, "secret")
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ctx := event.WithMeta(t.Context(), event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"})

			err = client.Send(ctx, Command{Operation: payment.Release, PaymentID: id, Key: "k1", Reason: "late"})

			if !errors.Is(err, test.err) {
				t.Errorf("answered %v, want %v", err, test.err)
			}
		})
	}
}

func TestBadAddressNamesTheVariable(t *testing.T) {
	if _, err := New("localhost:5001", "x"); err == nil || !strings.Contains(err.Error(), "PAYMENTS_CORE_URL") {
		t.Error(err)
	}
}
