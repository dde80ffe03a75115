// Package references gives payments the numbers that people call them by: P-2026-004217.
//
// Invariants:
//   - A number is given once, by however many processes: the database's sequence gives it, and whoever takes
//     one waits for nobody. One that nothing came of is a gap.
//   - A database that may be older than the topic gives none. Only when its journal has what this service has
//     written, and its numbers go on after the highest of those, does a process give any: after its start,
//     and after each of the database's server. Until then payments have no reference, and are asked for all
//     the same.
package references

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

const (
	// waitForCheck is how long a request waits for a check that has begun and not failed yet.
	waitForCheck = 2 * time.Second
	// checkWithin bounds one check.
	checkWithin = time.Minute
	// lookAgainAfter is the longest pause between checks that fail.
	lookAgainAfter = 5 * time.Second
	// highestPassed is far more than a year has payments, and far below the end of the sequence: whoever can
	// write to the topic cannot use a year up.
	highestPassed = 999_999_999
)

// Numbers gives the references of one database.
type Numbers struct {
	db    *pg.DB
	holds func(context.Context) error
	now   func() time.Time
	log   *slog.Logger

	doubted chan struct{} // holds one notification

	mu      sync.Mutex
	checked string        // the incarnation of the database that may give numbers; "" for none
	looked  chan struct{} // closed once the check that runs has come to anything
}

// New returns the numbers of db. holds returns nil if the journal in it has what this service has written to
// the topic. No number is given before Check has returned nil, which Run sees to.
func New(db *pg.DB, holds func(context.Context) error, now func() time.Time, log *slog.Logger) *Numbers {
	return &Numbers{db: db, holds: holds, now: now, log: log, doubted: make(chan struct{}, 1), looked: make(chan struct{})}
}

// Run checks the database until it may give numbers, and again whenever another one is found in its place.
func (n *Numbers) Run(ctx context.Context) error {
	for {
		wait.Until(ctx, lookAgainAfter, func() error { return n.Check(ctx) }, func(err error, first bool) {
			if first && ctx.Err() == nil {
				n.log.WarnContext(ctx, "payments get no reference until this database is known to have all requests that the topic has", "error", err)
			}
		})
		select {
		case <-ctx.Done():
			return nil
		case <-n.doubted:
		}
	}
}

// Check finds out whether the database may give numbers, and has them go on after those that were given.
func (n *Numbers) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	checked, err := n.check(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.checked = checked
	select {
	case <-n.looked:
	default:
		close(n.looked)
	}
	return err
}

func (n *Numbers) check(ctx context.Context) (checked string, err error) {
	if err := n.db.Pool().QueryRow(ctx, "select "+pg.Incarnation).Scan(&checked); err != nil {
		return "", fmt.Errorf("look which database it is: %w", err)
	}
	if err := n.holds(ctx); err != nil {
		return "", err
	}
	year := n.now().UTC().Year()
	for _, y := range []int{year - 1, year, year + 1} { // another process's clock may be in another year
		if err := n.pass(ctx, y); err != nil {
			return "", err
		}
	}
	return checked, nil
}

// pass has a year's numbers go on after the highest that a payment here has.
func (n *Numbers) pass(ctx context.Context, year int) error {
	const behind = "where year = $1 and (select last_value from payment_references) - base < $2"
	return n.db.InTx(ctx, func(tx *pg.Tx) error {
		// Or two of these would wait for each other.
		tx.Queue("select pg_advisory_xact_lock(hashtextextended('payment references', 0))")
		given, err := highest(ctx, tx, year)
		if err != nil || given == 0 {
			return err
		}
		var is bool
		err = tx.QueryRow(ctx, "select exists (select from reference_years "+behind+")", year, given).Scan(&is)
		if err != nil || !is {
			return err
		}
		// Who takes a number has read the base, or waits to read the new one.
		if _, err := tx.Exec(ctx, "lock table reference_years in access exclusive mode"); err != nil {
			return fmt.Errorf("lock the numbers: %w", err)
		}
		if _, err := tx.Exec(ctx, "update reference_years set base = (select last_value from payment_references) - $2 "+behind, year, given); err != nil {
			return fmt.Errorf("move the numbers of %d on: %w", year, err)
		}
		n.log.InfoContext(ctx, "the numbers of payments go on after what the topic has", "after", payment.Reference(year, given))
		return nil
	})
}

// highest is the highest number of a year that a payment here has, up to highestPassed; 0 if none has one.
func highest(ctx context.Context, tx *pg.Tx, year int) (number int64, err error) {
	for length := len(payment.Reference(year, highestPassed)); length >= len(payment.Reference(year, 1)) && number == 0; length-- {
		var reference string
		err := tx.QueryRow(ctx, `select coalesce(max(reference), '') from payment_rows where reference is not null and length(reference) = $1
			and reference between $2 and $3`, length, fmt.Sprintf("P-%04d-", year), fmt.Sprintf("P-%04d-A", year)).Scan(&reference)
		if err != nil {
			return 0, fmt.Errorf("look for the highest number of %d: %w", year, err)
		}
		_, number, _ = payment.ReferenceNumber(reference)
	}
	return number, nil
}

// Ready waits for a check that runs, unless it has failed before. Call it before the transaction of a
// request.
func (n *Numbers) Ready(ctx context.Context) {
	n.mu.Lock()
	looked := n.looked
	n.mu.Unlock()
	timer := time.NewTimer(waitForCheck)
	defer timer.Stop()
	select {
	case <-looked:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Take queues the taking of a number, for the round trip of the transaction's next statement. After that the
// function that it returns has the reference of a payment that is asked for at that time; "" if the database
// may give none.
func (n *Numbers) Take(tx *pg.Tx, at time.Time) func(ctx context.Context) (string, error) {
	n.mu.Lock()
	checked := n.checked
	n.mu.Unlock()
	if checked == "" {
		return func(context.Context) (string, error) { return "", nil }
	}
	year := at.UTC().Year()
	var number *int64
	var incarnation string
	const take = "select nextval('payment_references') - (select base from reference_years where year = $1), " + pg.Incarnation
	tx.QueueRow(take, []any{year}, &number, &incarnation)
	return func(ctx context.Context) (string, error) {
		if incarnation != checked {
			n.doubt(checked)
			return "", nil
		}
		if number == nil {
			first, err := begin(ctx, tx, year)
			return payment.Reference(year, first), err
		}
		return payment.Reference(year, *number), nil
	}
}

// doubt has a database checked that has taken the place of the one that may give numbers.
func (n *Numbers) doubt(checked string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.checked != checked { // it has been seen before
		return
	}
	n.checked, n.looked = "", make(chan struct{})
	wait.Signal(n.doubted)
}

// begin takes a number of a year that has none yet. Once a year, others wait until the transaction ends.
func begin(ctx context.Context, tx *pg.Tx, year int) (number int64, err error) {
	given, err := highest(ctx, tx, year)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, "insert into reference_years (year, base) select $1, nextval('payment_references') - $2::bigint on conflict do nothing", year, given)
	if err != nil {
		return 0, fmt.Errorf("begin the numbers of %d: %w", year, err)
	}
	err = tx.QueryRow(ctx, "select nextval('payment_references') - base from reference_years where year = $1", year).Scan(&number)
	if err != nil {
		return 0, fmt.Errorf("take a number of %d: %w", year, err)
	}
	return number, nil
}
