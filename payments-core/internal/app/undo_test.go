package app_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// acceptedAt makes the events of a payment that a manager accepted at a time.
func acceptedAt(at time.Time) (string, []event.Event) {
	id, events := accepted(30_00, payment.Automatic)
	events[1].Time = at
	return id, events
}

func TestAnAcceptanceIsTakenBackWithinItsGrace(t *testing.T) {
	// given a grace of ten minutes, and an accepted payment
	h := newHarness(t, sandbox.Options{})
	h.cfg.PayoutGrace = 10 * time.Minute
	h.start()
	id, events := acceptedAt(time.Now())
	h.publish(events...)
	h.story(id, payment.TypeAccepted)

	// when a manager takes the acceptance back, twice by the same key
	key := uuid.NewString()
	for range 2 {
		if a := h.post("/payments/"+id+"/reopen", key, byTom); a.status != http.StatusOK || a.body["payment_id"] != id {
			t.Fatalf("answered %d %s", a.status, a.text)
		}
	}

	// then it waits again, by the log, and nothing was asked of the gateway
	want := []string{payment.TypeRequested, payment.TypeAccepted, payment.TypeReopened}
	if types := h.story(id, payment.TypeReopened); !slices.Equal(types, want) {
		t.Errorf("the log has %q", types)
	}
	if shown := h.get("/payments/" + id); shown.body["decision"] != "requested" || len(h.operations(id)) != 0 {
		t.Errorf("shown: %s, operations: %v", shown.text, h.operations(id))
	}
	for text, a := range map[string]answer{
		"no manager has accepted it": h.post("/payments/"+id+"/reopen", uuid.NewString(), byMia),
		"an acceptance can only be taken back by another person than the one to be paid": h.post("/payments/"+id+"/reopen", uuid.NewString(), `{"actor":{"id":"ada","name":"Ada Nowak"}}`),
	} {
		if a.status != http.StatusConflict || a.body["detail"] != text {
			t.Errorf("answered %d %s, not %q", a.status, a.text, text)
		}
	}

	// and when it is accepted again, and the grace passes, it is paid out, and cannot be taken back
	again := payment.New("/manager-ui", id, payment.Accepted{})
	again.Time, again.Meta = time.Now().Add(time.Second-h.cfg.PayoutGrace), events[1].Meta
	h.publish(again)
	h.story(id, captured)
	var opened time.Time
	if err := h.db.Pool().QueryRow(t.Context(), "select min(opened_at) from operations where payment_id = $1", id).Scan(&opened); err != nil {
		t.Fatal(err)
	}
	if due := again.Time.Add(h.cfg.PayoutGrace); opened.Before(due) {
		t.Errorf("opened %s before the grace had passed", due.Sub(opened))
	}
	if a := h.post("/payments/"+id+"/reopen", uuid.NewString(), byTom); a.status != http.StatusConflict || a.body["detail"] != "already captured" {
		t.Errorf("answered %d %s", a.status, a.text)
	}
	h.agree(id)
}

func TestAnAcceptanceIsNotTakenBackOnceTheGatewayIsAsked(t *testing.T) {
	// given a gateway that takes its time, and a payment that it is asked about
	h := newHarness(t, sandbox.Options{SlowDelay: 20 * time.Second})
	h.start()
	id, events := accepted(30_04, payment.Automatic)
	h.publish(events...)
	h.eventually("asked", func() bool { return len(h.operations(id)) == 1 })

	// when a manager wants it back, then payments-core says what is under way
	a := h.post("/payments/"+id+"/reopen", uuid.NewString(), byTom)
	if a.status != http.StatusConflict || a.body["code"] != "under_way" || a.body["detail"] != "already being authorized" {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}
