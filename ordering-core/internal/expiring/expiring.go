// Package expiring ends orders in time: those that are submitted and not paid, and drafts that lie idle.
//
// Invariants:
//   - An order expires once, however many sweepers run: each checks it again under its locks.
//   - A payment that captures by itself delays the expiry while its outcome is open, by MaxDelay at most. One
//     that waits for a person does not, nor does one that could not pay the order.
//   - An order that fails does not keep the others from expiring: it is retried later, and ever later.
package expiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"countersign.example/ordering-core/internal/confirming"
	"countersign.example/ordering-core/internal/orders"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// MaxDelay is how long a payment with an open outcome delays an order's expiry at most.
const MaxDelay = 15 * time.Minute

const (
	// sweepInterval is how long the sweeper waits at most for the next deadline.
	sweepInterval = time.Second
	// sweepTimeout bounds a sweep. The next sweep does what is left.
	sweepTimeout = 15 * time.Second
	// batchSize is how many due orders are read at once.
	batchSize = 100
	// maxRetryDelay bounds the wait after failures.
	maxRetryDelay = 5 * time.Minute
	// setLockTimeout bounds the wait for the locks of one order: the others that are due wait behind it.
	setLockTimeout = "set local lock_timeout = '500ms'"
)

// The reasons in the events.
const (
	reasonUnpaid = "not paid in time"
	reasonIdle   = "the draft lay idle"
)

// Sweeper expires what is due.
type Sweeper struct {
	db       *pg.DB
	orders   *orders.Service
	payments *confirming.Manager
	log      *slog.Logger
	expired  prometheus.Counter
	failures prometheus.Counter
}

// NewSweeper returns a sweeper; Run runs it.
func NewSweeper(db *pg.DB, orders *orders.Service, payments *confirming.Manager, log *slog.Logger) *Sweeper {
	return &Sweeper{
		db: db, orders: orders, payments: payments, log: log,
		expired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orders_expired_total", Help: "Orders that expired by themselves.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "order_expiry_failures_total", Help: "Attempts to expire an order that failed and are repeated.",
		}),
	}
}

// Collectors are the sweeper's metrics.
func (s *Sweeper) Collectors() []prometheus.Collector {
	return []prometheus.Collector{s.expired, s.failures}
}

// Run sweeps until ctx ends. One replica does at a time; two, for a moment, only delay each other.
func (s *Sweeper) Run(ctx context.Context) error {
	_ = s.db.Lead(ctx, "expiring", s.lead)
	return nil
}

// lead needs no fencing token: each order is checked again under its locks.
func (s *Sweeper) lead(ctx context.Context, _ pg.Lease) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		wait := sweepInterval
		sweepCtx, cancel := context.WithTimeout(ctx, sweepTimeout)
		_, err := s.Sweep(sweepCtx)
		if err == nil {
			wait, err = s.next(sweepCtx)
		}
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !failing: // once, not for every try
			s.log.Warn("expiring orders failed, and will be repeated", "error", err)
		case err == nil && failing:
			s.log.Info("expiring orders goes on")
		}
		failing = err != nil
		timer.Reset(wait)
	}
}

// next is how long to wait for the next deadline. New ones may come meanwhile, so it is sweepInterval at
// most.
func (s *Sweeper) next(ctx context.Context) (time.Duration, error) {
	var at *time.Time
	if err := s.db.Pool().QueryRow(ctx, "select min(sweep_at) from deadlines").Scan(&at); err != nil {
		return sweepInterval, fmt.Errorf("look for the next deadline: %w", err)
	}
	if at == nil {
		return sweepInterval, nil
	}
	return max(0, min(sweepInterval, at.Sub(s.orders.Now()))), nil
}

// Sweep expires every order that is due now, and returns how many. Its error is the database's; an error of a
// single order is logged, and that order is retried later.
func (s *Sweeper) Sweep(ctx context.Context) (expired int, err error) {
	for {
		const query = "select order_id from deadlines where sweep_at <= $1 order by sweep_at limit $2"
		due, err := pg.Rows(ctx, s.db.Pool(), pgx.RowTo[string], query, s.orders.Now(), batchSize)
		if err != nil {
			return expired, fmt.Errorf("look for what is due: %w", err)
		}
		for _, id := range due {
			did, err := s.expireRecovering(ctx, id)
			if ctx.Err() != nil || pg.IsUnavailable(err) {
				return expired, err
			}
			if err != nil {
				s.failures.Inc()
				s.log.Error("an order could not be expired, and is put off", "order", id, "error", err)
				if err := s.retryLater(ctx, id, err); err != nil {
					return expired, err
				}
			}
			if did {
				expired++
				s.expired.Inc()
			}
		}
		if len(due) < batchSize {
			return expired, nil
		}
	}
}

// expireRecovering is expire, with a panic as its error.
func (s *Sweeper) expireRecovering(ctx context.Context, id string) (did bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			did, err = false, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return s.expire(ctx, id)
}

// expire ends one order if it is still due, and otherwise stores when to look at it again.
func (s *Sweeper) expire(ctx context.Context, id string) (expired bool, err error) {
	ctx = event.WithMeta(ctx, event.Meta{CorrelationID: event.NewID().String()})
	err = s.db.InTx(ctx, func(tx *pg.Tx) error {
		tx.Queue(setLockTimeout)
		locked, err := s.orders.Load(ctx, tx, id)
		if err != nil {
			return err
		}
		now := s.orders.Now()
		var sweep time.Time
		err = tx.QueryRow(ctx, "select sweep_at from deadlines where order_id = $1", id).Scan(&sweep)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil // another sweeper was faster
		case err != nil:
			return fmt.Errorf("read a deadline: %w", err)
		case sweep.After(now):
			return nil
		}
		due := s.orders.Due(locked.Order)
		switch {
		case due.IsZero():
			_, err := tx.Exec(ctx, "delete from deadlines where order_id = $1", id)
			return err
		case due.After(now): // a draft that was edited
			return reschedule(ctx, tx, id, due, due)
		}
		if latest := due.Add(MaxDelay); locked.Order.State == order.StateSubmitted && now.Before(latest) {
			awaits, err := s.awaitsPayment(ctx, tx, locked)
			if err != nil {
				return err
			}
			if awaits {
				return reschedule(ctx, tx, id, due, latest)
			}
		}
		reason := reasonIdle
		if locked.Order.State == order.StateSubmitted {
			reason = reasonUnpaid
		}
		body, err := locked.Order.Expire(reason)
		if err != nil {
			return err
		}
		expired = true
		return s.orders.Record(ctx, tx, locked, body)
	})
	return expired && err == nil, err
}

// reschedule sets when an order is due, and when the sweeper looks at it again. Nothing is wrong with the
// order.
func reschedule(ctx context.Context, tx *pg.Tx, id string, due, sweep time.Time) error {
	_, err := tx.Exec(ctx, `update deadlines set due_at = $2, sweep_at = $3, failures = 0, last_error = ''
		where order_id = $1`, id, due, sweep)
	if err != nil {
		return fmt.Errorf("move a deadline: %w", err)
	}
	return nil
}

// retryLater postpones an order: by a second, two, four ... A deadline that somebody else has locked stays as
// it is.
func (s *Sweeper) retryLater(ctx context.Context, id string, cause error) error {
	text := []rune(cause.Error())
	_, err := s.db.Pool().Exec(ctx, `update deadlines set failures = failures + 1, last_error = $3,
		sweep_at = $2::timestamptz + least(interval '1 second' * power(2, least(failures, 20)), $4::interval)
		where order_id = (select order_id from deadlines where order_id = $1 for update skip locked)`,
		id, s.orders.Now(), string(text[:min(len(text), 2000)]), maxRetryDelay)
	if err != nil {
		return fmt.Errorf("put a deadline off: %w", err)
	}
	return nil
}

// awaitsPayment reports whether a payment that can pay the order has an open outcome. The order's process is
// locked.
func (s *Sweeper) awaitsPayment(ctx context.Context, tx *pg.Tx, locked *orders.Locked) (bool, error) {
	payments, err := s.payments.Payments(ctx, tx, locked)
	if err != nil {
		return false, err
	}
	for _, p := range payments {
		if !p.AwaitsOutcome() {
			continue
		}
		if _, refusal := locked.Order.Pay(p.ID, p.Amount, p.ContractorID); refusal == nil {
			return true, nil
		}
	}
	return false, nil
}

// Project makes orders due again whose payment has changed: what delayed them may be over. It is a
// journal.Projector.
func (s *Sweeper) Project(ctx context.Context, tx *pg.Tx, streams []journal.Stream) error {
	var payments []string
	for _, stream := range streams {
		if strings.HasPrefix(stream.ID, payment.Stream("")) {
			payments = append(payments, stream.ID)
		}
	}
	if len(payments) == 0 {
		return nil
	}
	// The transaction holds these process locks, so no two of these updates wait for each other. A failed
	// order keeps its delay.
	_, err := tx.Exec(ctx, `update deadlines set sweep_at = due_at where sweep_at > due_at and failures = 0
		and order_id = any (array(select process_id from process_members where stream = any($1)))`, payments)
	if err != nil {
		return fmt.Errorf("make deadlines due again: %w", err)
	}
	return nil
}
