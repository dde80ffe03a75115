package app_test

import (
	"sync/atomic"
	"testing"
	"time"

	"countersign.example/pkg/service/servicetest"
)

// clock is one that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

// submitted is an order of Ada's that waits for its payment.
func (h *harness) submitted(product, customer string) string {
	h.t.Helper()
	id := h.draft(product, customer)
	h.must(contractorUI, ada, "/orders/"+id+"/submit", `"sequence":3,"total":{"amount":2500,"currency":"EUR"}`)
	return id
}

func (h *harness) becomes(id, state string) answer {
	h.t.Helper()
	var shown answer
	h.eventually(state, func() bool {
		shown = h.get("/orders/" + id)
		return shown.body["state"] == state
	})
	return shown
}

func TestTwoInstancesExpireOrdersOnce(t *testing.T) {
	// given two cores with one database, and orders that wait for their payment
	h := newHarness(t)
	var c clock
	h.cfg.Clock = c.now
	h.start()
	stop := h.another(servicetest.FreeAddr(t))
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")
	var waiting []string
	for range 12 {
		waiting = append(waiting, h.submitted(fence, garden))
	}
	draft := h.draft(fence, garden)

	// when their time is up
	c.pass(h.cfg.OrderTTL)

	// then each of them expires by itself, once, and the draft does not
	for _, id := range waiting {
		if shown := h.becomes(id, "expired"); shown.sequence() != 5 || shown.body["expired"].(map[string]any)["by"] != nil {
			t.Errorf("it expired as %s", shown.text)
		}
	}
	h.settled()
	var events, late int
	err := h.db.Pool().QueryRow(t.Context(), `select count(*), count(*) filter (where log is distinct from sequence) from journal
		where stream like 'order-%' and type = 'order_expired'`).Scan(&events, &late)
	if err != nil || events != len(waiting) || late != 0 {
		t.Errorf("%d events say so, %d of them not in their place, %v", events, late, err)
	}
	if shown := h.get("/orders/" + draft); shown.body["state"] != "draft" {
		t.Errorf("the draft is %s", shown.text)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}

	// and when the draft has lain idle for long enough, it expires too
	c.pass(h.cfg.DraftTTL)
	h.becomes(draft, "expired")
}

func TestUntilWhenAnOrderCanBePaid(t *testing.T) {
	h := newHarness(t)
	var c clock
	h.cfg.Clock = c.now
	h.start()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")

	// given an order of the seed's that expires in two minutes
	id := h.draft(fence, garden)
	soon := time.Now().Add(2 * time.Minute).UTC().Truncate(time.Second)
	h.must(seed, ada, "/orders/"+id+"/submit", `"sequence":3,"total":{"amount":2500,"currency":"EUR"},"expires_at":"`+soon.Format(time.RFC3339)+`"`)
	if shown := h.get("/orders/" + id); shown.body["expires_at"] != soon.Format(time.RFC3339) {
		t.Errorf("shown: %s", shown.text)
	}
	c.pass(2 * time.Minute)
	h.becomes(id, "expired")

	// and one that a manager expires before its time
	id = h.submitted(fence, garden)
	h.must(managerUI, mia, "/orders/"+id+"/expire", "")
	if shown := h.becomes(id, "expired"); shown.body["expired"].(map[string]any)["by_name"] != "Mia Weber" {
		t.Errorf("shown: %s", shown.text)
	}
}
