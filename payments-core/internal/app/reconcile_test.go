package app_test

import (
	"strings"
	"testing"

	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/payment"
)

func TestReconcileNamesDifferences(t *testing.T) {
	h := newHouse(t, sandbox.Options{})
	h.start()
	id, events := accepted(10_00, payment.Automatic)
	h.publish(events...)
	h.story(id, captured)
	h.settled()
	tests := map[string]struct{ tamper, undo, says string }{
		"an operation that never was": {
			"update operations set n = 9 where kind = 'capture'", "update operations set n = 1 where kind = 'capture'",
			"key " + id + ":capture:9: ours succeeded, and the gateway has no record of it",
		},
		"an outcome turned round": {
			"update operations set state = 'failed' where kind = 'capture'", "update operations set state = 'succeeded' where kind = 'capture'",
			"key " + id + ":capture:1: ours failed, the gateway's succeeded",
		},
		"an operation that stays open": {
			`insert into operations (payment_id, kind, n, amount, currency, opened_at, attempts, last_error)
				values ('` + id + `', 'refund', 1, 1000, 'EUR', now() - interval '11 minutes', 24, 'no answer')`,
			"delete from operations where kind = 'refund'",
			"after 24 attempts: no answer",
		},
		"an event that the topic lacks": {
			"update journal set event_id = gen_random_uuid() where type = 'payment_captured'", "",
			"is in the topic and not in the journal's log",
		},
	}
	for _, name := range []string{"an operation that never was", "an outcome turned round", "an operation that stays open", "an event that the topic lacks"} {
		test := tests[name]
		var original string
		if err := h.db.Pool().QueryRow(t.Context(), "select event_id from journal where type = 'payment_captured'").Scan(&original); err != nil {
			t.Fatal(err)
		}
		if test.undo == "" {
			test.undo = "update journal set event_id = '" + original + "' where type = 'payment_captured'"
		}
		if _, err := h.db.Pool().Exec(t.Context(), test.tamper); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(h.reconcile(), "\n"); !strings.Contains(got, test.says) {
			t.Errorf("%s: reconcile says %q, not %q", name, got, test.says)
		}
		if _, err := h.db.Pool().Exec(t.Context(), test.undo); err != nil {
			t.Fatal(err)
		}
	}
}
