package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/payment"
)

const (
	byMia = `{"actor":{"id":"mia","name":"Mia Weber"}}`
	byTom = `{"actor":{"id":"tom","name":"Tom Berg"},"reason":"the job is off"}`
)

// held publishes a payment for manual capture and waits for its hold.
func (h *harness) held(minor int64) string {
	h.t.Helper()
	id, events := accepted(minor, payment.Manual)
	h.publish(events...)
	h.story(id, authorized)
	return id
}

func TestManagersCommand(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	h.start()

	t.Run("capture", func(t *testing.T) {
		id := h.held(30_00)
		key := uuid.NewString()
		first := h.post("/payments/"+id+"/capture", key, byMia)
		if first.status != http.StatusAccepted || first.location != "/payments/"+id {
			t.Fatalf("answered %d %s", first.status, first.text)
		}
		h.story(id, captured)
		// the same again, after it is done
		if again := h.post("/payments/"+id+"/capture", key, byMia); again.status != first.status || !sameJSON(again.text, first.text) {
			t.Errorf("the same key and body: %d %s, not %s", again.status, again.text, first.text)
		}
		// another one
		late := h.post("/payments/"+id+"/release", uuid.NewString(), byTom)
		if late.status != http.StatusConflict || late.body["detail"] != "already captured by Mia Weber" || late.media != "application/problem+json" {
			t.Errorf("a release after the capture: %d %s", late.status, late.text)
		}
		if at, err := time.Parse(time.RFC3339, fmt.Sprint(late.body["at"])); err != nil || time.Since(at) > time.Minute {
			t.Errorf("captured at %v", late.body["at"])
		}
		shown := h.get("/payments/" + id)
		if shown.body["money"] != "captured" || len(shown.body["operations"].([]any)) != 2 {
			t.Errorf("shown: %s", shown.text)
		}
		h.agree(id)
	})

	t.Run("release", func(t *testing.T) {
		id := h.held(30_15) // done, and then no answer comes
		if a := h.post("/payments/"+id+"/release", uuid.NewString(), byTom); a.status != http.StatusAccepted {
			t.Fatalf("answered %d %s", a.status, a.text)
		}
		h.story(id, released)
		var actor, reason string
		if err := h.db.Pool().QueryRow(t.Context(), "select actor_name, data->>'reason' from journal where type = $1 and subject = $2",
			released, id).Scan(&actor, &reason); err != nil || actor != "Tom Berg" || reason != "the job is off" {
			t.Errorf("the event says %q, %q, %v", actor, reason, err)
		}
		h.agree(id)
	})

	t.Run("capture and release at once", func(t *testing.T) {
		for range 5 {
			id := h.held(30_08) // the capture's answer is late
			var answers [4]answer
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() {
					command, body := "capture", byMia
					if i%2 == 1 {
						command, body = "release", byTom
					}
					answers[i] = h.post("/payments/"+id+"/"+command, uuid.NewString(), body)
				})
			}
			wg.Wait()
			won := 0
			for _, a := range answers {
				switch {
				case a.status == http.StatusAccepted:
					won++
				case a.status != http.StatusConflict:
					t.Errorf("answered %d %s", a.status, a.text)
				}
			}
			if won != 1 {
				t.Errorf("%d commands won", won)
			}
			h.eventually("settled", func() bool {
				got := h.confirmed(id)
				return slices.Contains(got, captured) || slices.Contains(got, released)
			})
			h.agree(id)
		}
	})
}

func TestCommandsRefuse(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	h.start()
	id := h.held(30_00)
	undecided, events := accepted(10_00, payment.Manual)
	h.publish(events[:1]...)
	h.story(undecided, requested)
	used := uuid.NewString()
	if a := h.post("/payments/"+undecided+"/capture", used, byMia); a.status != http.StatusConflict {
		t.Fatalf("capture without a decision: %d %s", a.status, a.text)
	}
	capture := "/payments/" + id + "/capture"
	tests := map[string]struct {
		path, key, body string
		headers         map[string]string
		status          int
	}{
		"unknown payment":        {"/payments/" + uuid.NewString() + "/capture", "k1", byMia, nil, 404},
		"bad id":                 {"/payments/nonsense/capture", "k2", byMia, nil, 404},
		"id in capitals":         {"/payments/" + strings.ToUpper(id) + "/capture", "k3", byMia, nil, 404},
		"no token":               {capture, "k4", byMia, map[string]string{"Authorization": ""}, 401},
		"wrong token":            {capture, "k5", byMia, map[string]string{"Authorization": "Bearer " + callerToken + "x"}, 401},
		"no key":                 {capture, "", byMia, nil, 422},
		"key too long":           {capture, strings.Repeat("k", 201), byMia, nil, 422},
		"key of another body":    {"/payments/" + undecided + "/capture", used, byTom, nil, 422},
		"key of another path":    {capture, used, byMia, nil, 422},
		"nobody":                 {capture, "k6", `{"actor":{"id":" "}}`, nil, 422},
		"no actor":               {capture, "k7", `{}`, nil, 422},
		"NUL":                    {capture, "k8", `{"actor":{"id":"mia\u0000"}}`, nil, 422},
		"reason too long":        {capture, "k9", `{"actor":{"id":"mia"},"reason":"` + strings.Repeat("x", 2001) + `"}`, nil, 422},
		"unknown member":         {capture, "k10", `{"actor":{"id":"mia"},"amount":1}`, nil, 422},
		"not JSON":               {capture, "k11", `actor=mia`, nil, 422},
		"more than an object":    {capture, "k14", byMia + "}", nil, 422},
		"a form":                 {capture, "k12", `actor=mia`, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415},
		"ten megabytes":          {capture, "k13", `{"actor":{"id":"` + strings.Repeat("x", 10<<20) + `"}}`, nil, 413},
		"the same refused again": {"/payments/" + undecided + "/capture", used, byMia, nil, 409},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			headers := map[string]string{"Authorization": "Bearer " + callerToken, "Idempotency-Key": test.key, "Content-Type": "application/json"}
			for k, v := range test.headers {
				headers[k] = v
			}
			a := h.call(http.MethodPost, test.path, test.body, headers)
			if a.status != test.status || a.media != "application/problem+json" {
				t.Errorf("answered %d %s %s, not %d", a.status, a.media, a.text, test.status)
			}
		})
	}
	if got := h.operations(id); !slices.Equal(got, []string{"authorize:1 succeeded"}) {
		t.Errorf("the operations are %v", got)
	}
}

// sameJSON compares texts but for the order and spacing that jsonb gives them.
func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
