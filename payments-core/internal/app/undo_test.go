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
	t.Parallel()
	// given a grace of ten minutes, and an accepted payment
	h := newHarness(t, sandbox.Options{})
	h.cfg.PayoutGrace = 10 * time.Minute
	h.start()
	id, events := acceptedAt(time.Now())
	h.publish(events[0])
	h.story(id, payment.TypeRequested)

	// when a manager takes the acceptance back, before it arrives, then twice by the same key
	command := func(by, acceptance string) string { return `{"actor":` + by + `,"acceptance_id":"` + acceptance + `"}` }
	byTom, byAda := `{"id":"tom","name":"Tom Berg"}`, `{"id":"ada","name":"Ada Nowak"}`
	key := uuid.NewString()
	if a := h.post("/payments/"+id+"/reopen", key, command(byTom, events[1].ID.String())); a.status != http.StatusServiceUnavailable {
		t.Errorf("before the acceptance has arrived: %d %s", a.status, a.text)
	}
	h.publish(events[1])
	h.story(id, payment.TypeAccepted)
	for range 2 {
		a := h.post("/payments/"+id+"/reopen", key, command(byTom, events[1].ID.String()))
		if a.status != http.StatusOK || a.body["payment_id"] != id {
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
	refused := func(by, acceptance, text string) {
		t.Helper()
		a := h.post("/payments/"+id+"/reopen", uuid.NewString(), command(by, acceptance))
		if a.status != http.StatusConflict || a.body["detail"] != text {
			t.Errorf("answered %d %s, not %q", a.status, a.text, text)
		}
	}
	refused(byTom, events[1].ID.String(), "no manager has accepted it")
	refused(byAda, events[1].ID.String(), "an acceptance can only be taken back by another person than the one to be paid")
	if a := h.post("/payments/"+id+"/reopen", uuid.NewString(), command(byTom, "42")); a.status != http.StatusBadRequest {
		t.Errorf("no id: %d %s", a.status, a.text)
	}

	// and when it is accepted again, what takes the first acceptance back leaves the second
	again := payment.New("/manager-ui", id, payment.Accepted{})
	again.Time, again.Meta = time.Now(), events[1].Meta
	h.publish(again)
	h.eventually("accepted again", func() bool { return h.get("/payments/" + id).body["decision"] == "accepted" })
	refused(byTom, events[1].ID.String(), "accepted again by Mia Weber")
}

func TestAPaymentIsAuthorizedWhenItsGraceHasPassed(t *testing.T) {
	t.Parallel()
	// given a payment whose grace passes in a second
	h := newHarness(t, sandbox.Options{})
	h.cfg.PayoutGrace = 10 * time.Minute
	h.start()
	at := time.Now().Add(time.Second - h.cfg.PayoutGrace)
	id, events := acceptedAt(at)
	h.publish(events...)

	// then it is paid out, not before that, and cannot be taken back
	h.story(id, captured)
	var opened time.Time
	if err := h.db.Pool().QueryRow(t.Context(), "select min(opened_at) from operations where payment_id = $1", id).Scan(&opened); err != nil {
		t.Fatal(err)
	}
	if due := at.Add(h.cfg.PayoutGrace); opened.Before(due) {
		t.Errorf("opened %s before the grace had passed", due.Sub(opened))
	}
	a := h.post("/payments/"+id+"/reopen", uuid.NewString(), `{"actor":{"id":"tom"},"acceptance_id":"`+events[1].ID.String()+`"}`)
	if a.status != http.StatusConflict || a.body["detail"] != "already captured" {
		t.Errorf("answered %d %s", a.status, a.text)
	}
	h.agree(id)
}

func TestAnAcceptanceIsNotTakenBackOnceTheGatewayIsAsked(t *testing.T) {
	t.Parallel()
	// given a gateway that takes its time, and a payment that it is asked about
	h := newHarness(t, sandbox.Options{SlowDelay: 20 * time.Second})
	h.start()
	id, events := accepted(30_04, payment.Automatic)
	h.publish(events...)
	h.eventually("asked", func() bool { return len(h.operations(id)) == 1 })

	// when a manager wants it back, then payments-core says what is under way
	a := h.post("/payments/"+id+"/reopen", uuid.NewString(),
		`{"actor":{"id":"tom"},"acceptance_id":"`+events[1].ID.String()+`"}`)
	if a.status != http.StatusConflict || a.body["code"] != "under_way" || a.body["detail"] != "already being authorized" {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}

func TestTheGraceOfAFastClockBeginsWhenTheAcceptanceArrives(t *testing.T) {
	t.Parallel()
	// given an acceptance by a clock that is an hour fast, then the grace is no hour longer
	h := newHarness(t, sandbox.Options{})
	h.cfg.PayoutGrace = time.Millisecond
	h.start()
	id, events := acceptedAt(time.Now().Add(time.Hour))
	h.publish(events...)
	h.story(id, captured)
	// and when the grace is over, nothing is taken back
	a := h.post("/payments/"+id+"/reopen", uuid.NewString(), `{"actor":{"id":"tom"},"acceptance_id":"`+events[1].ID.String()+`"}`)
	if a.status != http.StatusConflict {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}

func TestWhoAskedForAPaymentNeitherAcceptsItNorMovesItsMoney(t *testing.T) {
	// given an acceptance by the one to be paid, signed as manager-ui signs
	h := newHarness(t, sandbox.Options{})
	h.start()
	id, events := accepted(30_00, payment.Manual)
	events[1].Meta = events[0].Meta
	h.publish(events...)
	h.story(id, payment.TypeAccepted)
	// then it has no effect here: nothing is asked of the gateway
	if shown := h.get("/payments/" + id); shown.body["decision"] != "requested" || len(h.operations(id)) != 0 {
		t.Errorf("shown: %s, operations: %v", shown.text, h.operations(id))
	}
	// and for contractor-ui there is nobody's payment but that of the contractor for whom it asks
	for asked, want := range map[string]int{"ada": http.StatusOK, "ben": http.StatusNotFound, "": http.StatusUnprocessableEntity} {
		a := h.call(http.MethodGet, "/payments/"+id, "", map[string]string{"Authorization": "Bearer " + contractorToken, "Actor-Id": asked})
		if a.status != want {
			t.Errorf("asked by contractor-ui for %q: %d %s", asked, a.status, a.text)
		}
	}
	// and when another person has accepted it, its money is still for others to move
	again := payment.New("/manager-ui", id, payment.Accepted{})
	again.Time, again.Meta = time.Now(), event.Meta{Actor: "mia", ActorName: "Mia Weber"}
	h.publish(again)
	h.story(id, payment.TypeAuthorized)
	for _, command := range []string{"capture", "release"} {
		a := h.post("/payments/"+id+"/"+command, uuid.NewString(), `{"actor":{"id":"ada","name":"Ada Nowak"}}`)
		if a.status != http.StatusConflict || a.body["code"] != "not_allowed" {
			t.Errorf("%s is answered with %d %s", command, a.status, a.text)
		}
	}
}
