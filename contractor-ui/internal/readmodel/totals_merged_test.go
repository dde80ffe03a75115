package readmodel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/contractor-ui/migrations"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	list "countersign.example/pkg/readmodel"
)

const change = `insert into sums (list, owner, part, currency, n, minor) select 'payments', 'ada-nowak', 'waiting', 'EUR', 1, 5 from generate_series(1, $1)`

// Sums are merged some rows at a time: a row that somebody has locked holds up its own batch alone.
func TestSumsAreMergedInBatches(t *testing.T) {
	d := newFixture(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := d.db.Pool().Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	for range 12 {
		exec(change, 100)
	}
	lock, err := d.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := lock.Exec(t.Context(), `set local idle_in_transaction_session_timeout = 0;
		select from sums where ctid = (select ctid from sums order by xid, ctid offset 700 limit 1) for update`); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- list.MergeFreshSums(ctx, d.db) }()
	left := func() (n int) {
		if err := d.db.Pool().QueryRow(t.Context(), "select count(*) from sums").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	for left() == 1200 {
		select {
		case err := <-ended:
			t.Fatalf("merging has ended with %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	if n := left(); n != 701 {
		t.Errorf("of 1,200 rows %d are left, want one for the first 500", n)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the second batch did not wait: %v", err)
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The server may be about to notice that nobody waits for the second batch.
	for began := time.Now(); left() > 1; {
		if err := list.MergeFreshSums(t.Context(), d.db); err != nil || time.Since(began) > 30*time.Second {
			t.Fatalf("%d rows are left, %v", left(), err)
		}
	}
	waits(t, d.db, 1200)
}

// While somebody's snapshot may see what was merged before, as a backup's does, nobody walks over it.
func TestMergedSumsAreReadFromTheLastOn(t *testing.T) {
	address := pgtest.NewURL(t, journal.Migrations, migrations.Set)
	db, err := pg.Open(t.Context(), pgtest.Alone(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	backup, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = backup.Close(context.WithoutCancel(t.Context())) }()
	if _, err := backup.Exec(t.Context(), "begin isolation level repeatable read read only; select from sums"); err != nil {
		t.Fatal(err)
	}
	changed := 0
	changes := func(n int) {
		t.Helper()
		if _, err := db.Pool().Exec(t.Context(), change, n); err != nil {
			t.Fatal(err)
		}
		changed += n
		if err := list.MergeFreshSums(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		changes(300)
	}
	// What transactions of other tests' databases are under way for is read again meanwhile.
	began := time.Now()
	for walked := 6000; walked > 100; {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("%d rows are walked over", walked)
		}
		changes(1)
		walked = pgtest.Walked(t, db, "sums", func() { waits(t, db, changed) })
	}
}

// Sums from a backup are right on a server whose transactions have other numbers.
func TestSumsOfAnotherServerCount(t *testing.T) {
	for _, numbers := range []int64{-500, 1_000_000_000} { // this one is ahead, or far behind
		t.Run(fmt.Sprint(numbers), func(t *testing.T) {
			d := newFixture(t)
			exec := func(sql string, args ...any) {
				t.Helper()
				if _, err := d.db.Pool().Exec(t.Context(), sql, args...); err != nil {
					t.Fatal(err)
				}
			}
			merge := func() {
				t.Helper()
				if err := list.MergeFreshSums(t.Context(), d.db); err != nil {
					t.Fatal(err)
				}
			}
			exec(change, 40)
			merge()
			exec(change, 20)
			exec("update sums set xid = greatest(xid + $1, 1), upto = greatest(upto + $1, 1)", numbers)
			waits(t, d.db, 60)
			exec(change, 3)
			waits(t, d.db, 63)
			merge()
			waits(t, d.db, 63)
			exec(change, 1)
			merge()
			waits(t, d.db, 64)
		})
	}
}

// waits fails unless so many payments wait.
func waits(t *testing.T, db *pg.DB, want int) {
	t.Helper()
	totals, err := readmodel.ReadTotals(t.Context(), db, ada.Actor)
	if err != nil || totals.Waits != want || totals.Waiting[0].Minor != int64(want)*5 {
		t.Errorf("%d wait, of %v, %v; want %d", totals.Waits, totals.Waiting, err, want)
	}
}
