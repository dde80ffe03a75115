package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg"
)

// Whatever a projector fails with for one key, the others go on, and soon.
func TestWhateverIsNotKnownToPassIsPoisonForItsKey(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	for name, fail := range map[string]func(ctx context.Context, tx *pg.Tx) error{
		"a check constraint": func(ctx context.Context, tx *pg.Tx) error {
			_, err := tx.Exec(ctx, "insert into amounts values (-1)")
			return err
		},
		"a check constraint, queued": func(_ context.Context, tx *pg.Tx) error {
			tx.Queue("insert into amounts values (-1)")
			return nil
		},
		"an error that nobody knows": func(context.Context, *pg.Tx) error { return errors.New("cannot do it") },
		"a panic":                    func(context.Context, *pg.Tx) error { panic("cannot stand it") },
	} {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, before %t", name, before), func(t *testing.T) {
				h := newHarness(t, addresses, 1)
				_, err := h.db.Pool().Exec(t.Context(), "create table amounts (n int check (n > 0))")
				require.NoError(t, err)
				r := h.recording()
				if before {
					r.Before = func(ctx context.Context, tx *pg.Tx, received []journal.Received) error {
						for _, e := range received {
							if e.Subject == "bad" {
								return fail(ctx, tx)
							}
						}
						return nil
					}
				} else {
					r.Projectors = []journal.Projector{func(ctx context.Context, tx *pg.Tx, streams []journal.Stream) error {
						for _, s := range streams {
							if s.ID == "thing-bad" {
								return fail(ctx, tx)
							}
						}
						return nil
					}}
				}
				var events []event.Event
				for n := 1; n <= 100; n++ {
					events = append(events, newEvent("bad", n), newEvent(fmt.Sprint(n%10), n))
				}
				h.produce(addresses, h.encoded(events...)...)

				began := time.Now()
				run(t, kafka.NewConsumer(kafka.ConsumerConfig{Config: r, Client: h.client, Group: h.group}).Run)

				h.eventually(100, "journal where subject <> 'bad'")
				h.eventually(1, "dead_letters where kind = 'poison' and attempts = 3")
				h.eventually(99, "dead_letters where kind = 'parked'")
				h.eventually(1, "quarantined_keys")
				t.Logf("after %s", time.Since(began).Round(time.Millisecond))
			})
		}
	}
}
