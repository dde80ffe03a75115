package app_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/pkg/event"
)

// pay publishes events about a payment of Ada's for an order: of the types given.
func (h *harness) pay(orderID, paymentID string, types ...string) {
	h.t.Helper()
	amount := map[string]any{"amount": 2500, "currency": "EUR"}
	var events []event.Event
	for _, typ := range types {
		data := map[string]any{}
		source, actor := "/payments-core", ""
		switch typ {
		case "payment_requested":
			source, actor = "/contractor-ui", "ada"
			data = map[string]any{"payment_id": paymentID, "order_id": orderID, "contractor_id": "ada", "amount": amount,
				"description": "A fence", "capture_method": "automatic"}
		case "payment_accepted":
			source, actor = "/manager-ui", "mia"
		case "payment_authorized":
			data = map[string]any{"gateway_reference": "g-1"}
		case "payment_captured":
			data = map[string]any{"amount": amount, "gateway_reference": "g-1"}
		}
		raw, err := json.Marshal(data)
		if err != nil {
			h.t.Fatal(err)
		}
		events = append(events, event.Event{
			ID: event.NewID(), Type: typ, Source: source, Subject: paymentID, Time: time.Now(), Data: raw,
			DataSchema: "https://countersign.example/schemas/" + typ + ".json", Meta: event.Meta{Actor: actor},
		})
	}
	h.publish("payments", events...)
}

// received waits until the core has recorded an event of a payment.
func (h *harness) received(paymentID, typ string) {
	h.t.Helper()
	h.eventually("received "+typ, func() bool {
		var there bool
		err := h.db.Pool().QueryRow(h.t.Context(), "select exists (select from journal where stream = $1 and type = $2)",
			"payment-"+paymentID, typ).Scan(&there)
		return err == nil && there
	})
}

func TestPaymentsOfAnOrder(t *testing.T) {
	h := newHarness(t)
	var c clock
	h.cfg.Clock = c.now
	h.start()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")

	t.Run("one that is captured pays it", func(t *testing.T) {
		id, payment := h.submitted(fence, garden), uuid.NewString()
		h.pay(id, payment, "payment_requested", "payment_accepted", "payment_authorized", "payment_captured")
		if shown := h.becomes(id, "paid"); shown.body["paid_by"] != payment {
			t.Errorf("shown: %s", shown.text)
		}
		if a := h.send(managerUI, mia, "/orders/"+id+"/cancel", `"reason":"too late"`); a.status != 409 {
			t.Errorf("cancelling a paid order: %d %s", a.status, a.text)
		}
	})

	// given one order whose payment takes its course, and one with none
	held, payment := h.submitted(fence, garden), uuid.NewString()
	other, late := h.submitted(fence, garden), uuid.NewString()
	h.pay(held, payment, "payment_requested", "payment_accepted")
	h.received(payment, "payment_accepted")

	t.Run("one under way holds its expiry back", func(t *testing.T) {
		c.pass(h.cfg.OrderTTL)
		h.becomes(other, "expired")
		if shown := h.get("/orders/" + held); shown.body["state"] != "submitted" {
			t.Errorf("shown: %s", shown.text)
		}
		h.pay(held, payment, "payment_authorized", "payment_captured")
		h.becomes(held, "paid")
	})

	t.Run("one that comes after the expiry is refused", func(t *testing.T) {
		h.pay(other, late, "payment_requested", "payment_accepted", "payment_authorized", "payment_captured")
		var refused []any
		h.eventually("refused", func() bool {
			refused, _ = h.get("/orders/" + other).body["refused_payments"].([]any)
			return len(refused) == 1
		})
		if refused[0].(map[string]any)["payment_id"] != late {
			t.Errorf("refused is %v", refused)
		}
	})
	h.settled()
}

func TestAPaymentThatCannotBeNamedIsADeadLetter(t *testing.T) {
	h := newHarness(t)
	h.start()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")
	id, payment := h.submitted(fence, garden), uuid.NewString()

	// given a payment whose id is none, and one for an order whose id is none
	h.pay(id, "pay-1", "payment_requested", "payment_captured")
	h.pay("not-a-uuid", uuid.NewString(), "payment_requested")
	// when a good one comes behind them
	h.pay(id, payment, "payment_requested", "payment_accepted", "payment_authorized", "payment_captured")

	// then it counts, and those are set aside, each holding its own key
	if shown := h.becomes(id, "paid"); shown.body["paid_by"] != payment {
		t.Errorf("shown: %s", shown.text)
	}
	h.eventually("three dead letters", func() bool {
		var poison, parked, all int
		err := h.db.Pool().QueryRow(t.Context(), `select count(*) filter (where kind = 'poison'), count(*) filter (where kind = 'parked'), count(*)
			from dead_letters`).Scan(&poison, &parked, &all)
		return err == nil && poison == 2 && parked == 1 && all == 3
	})
}
