package operations

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/uuid"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// What was ever asked of the gateway stays, and operators are about what is open.
func TestOperatorsWalkOverFewOperations(t *testing.T) {
	db, err := pg.Open(t.Context(), pgtest.Alone(newURL(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	for _, sql := range []string{
		`insert into operations (payment_id, kind, n, amount, currency, state, closed_at, stuck_at, attempts)
			select gen_random_uuid(), 'authorize', 1, 100, 'EUR', case when n % 2500 = 1 then 'open' else 'succeeded' end,
			case when n % 2500 <> 1 then now() end, case when n % 5000 = 1 then now() end, 1 from generate_series(1, 10000) n`,
		"vacuum analyze operations",
	} {
		if _, err := db.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	service, err := NewService(db, journal.New(db, "/payments-core"), Rules{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	list := func(part Part, want int) func() error {
		return func() error {
			open, more, err := service.OpenOnes(t.Context(), part, 0)
			if len(open) != want || more {
				return fmt.Errorf("%d are open, and more: %t; %w", len(open), more, err)
			}
			return err
		}
	}
	for name, do := range map[string]func() error{
		"all": list(All, 4), "stuck": list(Stuck, 2), "unknown": list(Asked, 2),
		"retry": func() error {
			err := db.InTx(t.Context(), func(tx *pg.Tx) error {
				_, err := service.Retry(t.Context(), tx, uuid.NewString()+":authorize:1", Handling{By: "Omar", Why: "a test"})
				return err
			})
			if !errors.Is(err, ErrNotStuck) {
				return fmt.Errorf("retried: %w", err)
			}
			return nil
		},
	} {
		var before, after int
		scanned := func(n *int) {
			if err := db.Pool().QueryRow(t.Context(), "select seq_tup_read from pg_stat_user_tables where relname = 'operations'").Scan(n); err != nil {
				t.Fatal(err)
			}
		}
		scanned(&before)
		walked := pgtest.Walked(t, db, "operations", func() {
			if err := do(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		if scanned(&after); walked+after-before > 100 {
			t.Errorf("%s: %d of 10,000 are walked over, and %d read", name, walked, after-before)
		}
	}
}
