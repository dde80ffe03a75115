package references_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/contractor-ui/internal/references"
	"countersign.example/contractor-ui/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// fixture is one database, with the clock of its processes.
type fixture struct {
	t     *testing.T
	db    *pg.DB
	clock time.Time
	holds error // what the topic says about the journal
}

func newFixture(t *testing.T) *fixture {
	return &fixture{t: t, db: pgtest.New(t, journal.Migrations, migrations.Set), clock: time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)}
}

// process is one of the database's, which has looked at it.
func (f *fixture) process() *references.Numbers {
	f.t.Helper()
	holds := func(context.Context) error { return f.holds }
	n := references.New(f.db, holds, func() time.Time { return f.clock }, slog.New(slog.DiscardHandler))
	if err := n.Check(f.t.Context()); !errors.Is(err, f.holds) {
		f.t.Fatal(err)
	}
	return n
}

// take takes a number in a transaction, in which then is called.
func (f *fixture) take(n *references.Numbers, then func() error) (reference string, err error) {
	err = f.db.InTx(f.t.Context(), func(tx *pg.Tx) error {
		taken := n.Take(tx, f.clock)
		if err := tx.Flush(f.t.Context()); err != nil {
			return err
		}
		if reference, err = taken(f.t.Context()); err != nil {
			return err
		}
		return then()
	})
	return reference, err
}

func nothing() error { return nil }

func (f *fixture) takes(n *references.Numbers, want string) {
	f.t.Helper()
	if got, err := f.take(n, nothing); err != nil || got != want {
		f.t.Errorf("%q, %v, not %q", got, err, want)
	}
}

// asked puts a payment with a reference into the read model, as the consumer does.
func (f *fixture) asked(reference string) {
	f.t.Helper()
	_, err := f.db.Pool().Exec(f.t.Context(), `insert into payment_rows (id, reference, contractor_id, contractor_name, amount_minor, currency, description,
		capture_method, decision, decided_by_name, money, final, pending, requested_at, updated_at, revision, words)
		values ($1, $2, 'ada', 'Ada', 1, 'EUR', 'Tiles', 'automatic', 'requested', '', '', false, false, now(), now(), 1, '')`, uuid.New(), reference)
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestReplicasGiveEachNumberOnce(t *testing.T) {
	// given two replicas, in a year without a number
	f := newFixture(t)
	replicas := []*references.Numbers{f.process(), f.process()}
	// when many payments are asked for at once in both, some of which come to nothing
	var mu sync.Mutex
	var given []string
	var asking sync.WaitGroup
	lost := errors.New("the transaction is undone")
	for i := range 200 {
		asking.Go(func() {
			reference, err := f.take(replicas[i%2], func() error {
				if i%10 == 9 {
					return lost
				}
				return nil
			})
			mu.Lock()
			defer mu.Unlock()
			if i%10 != 9 && err == nil {
				given = append(given, reference)
			} else if !errors.Is(err, lost) {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	// then each has a number of its own
	slices.Sort(given)
	if len(given) != 180 || len(slices.Compact(given)) != 180 {
		t.Errorf("%d payments have %v", len(given), slices.Compact(given))
	}
	if year, n, ok := payment.ReferenceNumber(given[len(given)-1]); !ok || year != 2026 || n > 250 {
		t.Errorf("the last is %s", given[len(given)-1])
	}
}

func TestARequestWaitsForNoOther(t *testing.T) {
	f := newFixture(t)
	n := f.process()
	f.takes(n, "P-2026-000001")
	// given one that has its number and has not ended
	_, err := f.take(n, func() error {
		// when another comes, it has the next at once
		f.takes(n, "P-2026-000003")
		return errors.New("undone")
	})
	if err == nil {
		t.Error("not undone")
	}
	f.takes(n, "P-2026-000004")
}

func TestAYearBeginsWithItsFirstNumber(t *testing.T) {
	f := newFixture(t)
	n, other := f.process(), f.process()
	f.takes(n, "P-2026-000001")
	f.takes(other, "P-2026-000002")
	f.clock = f.clock.Add(time.Second)
	f.takes(n, "P-2027-000001")
	// a clock that is behind goes on in its year
	f.clock = f.clock.Add(-time.Second)
	f.takes(other, "P-2026-000006") // what the new year has taken is a gap
	// it is UTC's year
	f.clock = time.Date(2027, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600))
	f.takes(n, "P-2026-000007")
}

func TestAMillionAYearHasADigitMore(t *testing.T) {
	f := newFixture(t)
	f.asked("P-2026-999998")
	n := f.process()
	f.takes(n, "P-2026-999999")
	f.takes(n, "P-2026-1000000")
	f.asked("P-2026-1000007")
	f.takes(f.process(), "P-2026-1000008")
}

// A database that was restored from a backup has its sequence from then.
func TestADatabaseThatIsOlderThanTheTopicGivesNoNumber(t *testing.T) {
	for name, before := range map[string]bool{"from a backup": true, "anew": false} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if before {
				f.takes(f.process(), "P-2026-000001")
			}
			// given one that lacks what its service has written
			f.holds = errors.New("the journal lacks 3 events")
			n := f.process()
			f.takes(n, "")
			// when it has received that, some of it forged
			for _, reference := range []string{"P-2026-000017", "P-2026-000042", "P-2026-999999999999", "P-2026-1000000000", "P-2025-000300"} {
				f.asked(reference)
			}
			f.holds = nil
			// then the numbers go on after the highest that can have been given
			if err := n.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.takes(n, "P-2026-000043")
			f.takes(f.process(), "P-2026-000044")
			f.clock = f.clock.AddDate(-1, 0, 0)
			f.takes(n, "P-2025-000301")
		})
	}
}

func TestRunLooksUntilItIsKnown(t *testing.T) {
	f := newFixture(t)
	var mu sync.Mutex
	looks := 0
	n := references.New(f.db, func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if looks++; looks < 3 {
			return fmt.Errorf("look %d", looks)
		}
		return nil
	}, func() time.Time { return f.clock }, slog.New(slog.DiscardHandler))
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- n.Run(running) }()
	n.Ready(t.Context())
	for got := ""; got == ""; {
		var err error
		if got, err = f.take(n, nothing); err != nil || got != "" && got != "P-2026-000001" {
			t.Fatal(got, err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
