package app_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/payment"
)

func TestReconcileNamesDifferences(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	h.start()
	order := uuid.NewString()
	id, events := acceptedFor(order, 10_00, payment.Automatic)
	h.publish(submitted(order)...)
	h.publish(events...)
	h.story(id, captured)
	h.publish(ofOrder(order, "order_paid", `{"payment_id": "`+id+`"}`))
	h.eventually("the order is paid", func() bool {
		var n int
		err := h.db.Pool().QueryRow(t.Context(), "select count(*) from journal where type = 'order_paid'").Scan(&n)
		return err == nil && n == 1
	})
	h.settled()
	reopened := `insert into operations (payment_id, kind, n, amount, currency, state, closed_at, last_error)
			values ('` + id + `', 'refund', 1, 1000, 'EUR', 'failed', now(), 'not now');
		insert into operations (payment_id, kind, n, amount, currency, opened_at) values ('` + id + `', 'refund', 2, 1000, 'EUR', now() - interval '11 minutes');`
	const undone = "delete from river_job where state = 'scheduled'; delete from operations where kind = 'refund'"
	tests := map[string]struct{ tamper, undo, says string }{
		"a refund that was refused, and that nobody asks for again": {
			reopened, undone,
			"key " + id + ":refund:2: open since",
		},
		"a refund that was refused, and is asked for again in an hour": {
			reopened + `insert into river_job (kind, args, state, max_attempts, scheduled_at) select 'gateway_call', jsonb_build_object('operation', id),
				'scheduled', 100, now() + interval '1 hour' from operations where kind = 'refund' and n = 2`, undone,
			"", // of refund:2, see below
		},
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
			"after 24 attempts: no answer; asked next: never",
		},
		"a dead order that keeps money": {
			"update journal set type = 'order_expired' where type = 'order_paid'", "update journal set type = 'order_paid' where type = 'order_expired'",
			"order " + order + ": payment " + id + " is to be let go (refund), and nothing is under way: order 2026/11/000042 expired",
		},
		"an order that should be paid": {
			"update journal set type = 'order_praised' where type = 'order_paid'", "update journal set type = 'order_paid' where type = 'order_praised'",
			"order " + order + ": it is not paid, and payment " + id + " keeps 10.00 EUR for it",
		},
		"an order paid by nothing": {
			"update journal set data = data || '{\"order_id\": \"" + uuid.NewString() + "\"}' where type = 'payment_requested'",
			"update journal set data = data || '{\"order_id\": \"" + order + "\"}' where type = 'payment_requested'",
			"order " + order + ": it was paid by payment " + id + ", and 0 payments keep money for it",
		},
		"an order paid with another amount": {
			"update journal set data = jsonb_set(data, '{amount,amount}', '999') where type = 'payment_captured'",
			"update journal set data = jsonb_set(data, '{amount,amount}', '1000') where type = 'payment_captured'",
			"order " + order + ": its total is 10.00 EUR, and payment " + id + ", which paid it, captured 9.99 EUR",
		},
		"a key that waits behind nothing": {
			"insert into quarantined_keys (topic, key) values ('payments', 'stranded')", "delete from quarantined_keys",
			"topic payments: 0 events of stranded wait since",
		},
		"an event that the topic lacks": {
			"update journal set event_id = gen_random_uuid() where type = 'payment_captured'", "",
			"is in the topic and not in the journal's log",
		},
	}
	for name, test := range tests {
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
		} else if test.says == "" && strings.Contains(got, "refund:2") {
			t.Errorf("%s: reconcile says %q", name, got)
		}
		if _, err := h.db.Pool().Exec(t.Context(), test.undo); err != nil {
			t.Fatal(err)
		}
	}
}

// What is under way is no difference: neither what is published, received, asked of the gateway and recorded
// while it compares, nor that an order that has just been paid says so a moment later.
func TestReconcileIsCalmWhileMuchIsUnderWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	h.cfg.ReconcilePatience = patience // nothing differs for ever, and the machine may be busy
	h.start()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var people sync.WaitGroup
	people.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if n%5 > 0 {
				_, events := accepted(10_00, payment.Automatic)
				h.publish(events...)
				continue
			}
			order := uuid.NewString()
			id, events := acceptedFor(order, 10_00, payment.Automatic)
			h.publish(submitted(order)...)
			h.publish(events...)
			h.story(id, captured)
			h.publish(ofOrder(order, "order_paid", `{"payment_id": "`+id+`"}`))
		}
	})
	for range 4 {
		for _, difference := range h.reconcile() {
			t.Error(difference)
		}
	}
	cancel()
	people.Wait()
}
