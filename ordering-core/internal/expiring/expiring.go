// Package expiring ends orders in time: those submitted and not paid, and drafts that lie idle.
//
// Invariants:
//   - An order expires once, whoever sweeps: it is looked at again under its locks.
//   - A payment that captures by itself holds the expiry back while its outcome is open, MaxHold at most. One that
//     waits for a person does not, nor does one that could not pay the order.
//   - Nothing that is wrong with one order keeps the others from expiring: it is put off, further each time.
package expiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"countersign.example/ordering-core/internal/confirming"
	"countersign.example/ordering-core/internal/orders"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
)

// MaxHold is how long a payment under way holds an order's expiry back at most.
const MaxHold = 15 * time.Minute

const (
	// every is how often deadlines are looked for; the next one known is not waited for longer than it takes.
	every = time.Second
	// sweepWithin bounds a sweep: what is left is due at the next one.
	sweepWithin = 15 * time.Second
	// atOnce bounds what is read at a time.
	atOnce = 100
	// maxPutOff bounds the wait after failures.
	maxPutOff = 5 * time.Minute
	// patience bounds the wait for what somebody else holds of an order: the others that are due wait behind it.
	patience = "set local lock_timeout = '500ms'"
)

// What the events say.
const (
	reasonUnpaid = "not paid in time"
	reasonIdle   = "the draft lay idle"
)

// Sweeper expires what is due.
type Sweeper struct {
	db       *pg.DB
	desk     *orders.Desk
	payments *confirming.Manager
	log      *slog.Logger
	expired  prometheus.Counter
	failures prometheus.Counter
}

// NewSweeper returns a sweeper; Run runs it.
func NewSweeper(db *pg.DB, desk *orders.Desk, payments *confirming.Manager, log *slog.Logger) *Sweeper {
	return &Sweeper{
		db: db, desk: desk, payments: payments, log: log,
		expired:  prometheus.NewCounter(prometheus.CounterOpts{Name: "orders_expired_total", Help: "Orders that expired by themselves."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "order_expiry_failures_total", Help: "Attempts to expire an order that failed and are repeated."}),
	}
}

// Collectors are the sweeper's metrics.
func (s *Sweeper) Collectors() []prometheus.Collector {
	return []prometheus.Collector{s.expired, s.failures}
}

// Run sweeps until ctx ends. One replica does at a time; two, for a moment, only get in each other's way.
func (s *Sweeper) Run(ctx context.Context) error {
	_ = s.db.Lead(ctx, "expiring", s.lead)
	return nil
}

// lead needs no fencing token: an order is looked at again under its locks.
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
		wait := every
		sweepCtx, cancel := context.WithTimeout(ctx, sweepWithin)
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

// next is how long to wait: until the next deadline, or what may have come meanwhile.
func (s *Sweeper) next(ctx context.Context) (time.Duration, error) {
	var at *time.Time
	if err := s.db.Pool().QueryRow(ctx, "select min(sweep_at) from deadlines").Scan(&at); err != nil {
		return every, fmt.Errorf("look for the next deadline: %w", err)
	}
	if at == nil {
		return every, nil
	}
	return max(0, min(every, at.Sub(s.desk.Now()))), nil
}

// Sweep looks at every order that is due now, and returns how many expired. Its error is the database's; what is
// wrong with a single order is logged, and that order is put off.
func (s *Sweeper) Sweep(ctx context.Context) (expired int, err error) {
	for {
		rows, err := s.db.Pool().Query(ctx, "select order_id from deadlines where sweep_at <= $1 order by sweep_at limit $2", s.desk.Now(), atOnce)
		if err != nil {
			return expired, fmt.Errorf("look for what is due: %w", err)
		}
		due, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return expired, fmt.Errorf("look for what is due: %w", err)
		}
		for _, id := range due {
			did, err := s.try(ctx, id)
			if ctx.Err() != nil || pg.IsAway(err) {
				return expired, err
			}
			if err != nil {
				s.failures.Inc()
				s.log.Error("an order could not be expired, and is put off", "order", id, "error", err)
				if err := s.putOff(ctx, id, err); err != nil {
					return expired, err
				}
			}
			if did {
				expired++
				s.expired.Inc()
			}
		}
		if len(due) < atOnce {
			return expired, nil
		}
	}
}

// try is look, with panics as errors.
func (s *Sweeper) try(ctx context.Context, id string) (did bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			did, err = false, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return s.look(ctx, id)
}

// look expires one order if it is still due, and otherwise says when to look again.
func (s *Sweeper) look(ctx context.Context, id string) (did bool, err error) {
	ctx = event.WithMeta(ctx, event.Meta{CorrelationID: event.NewID().String()})
	err = s.db.InTx(ctx, func(tx *pg.Tx) error {
		tx.Queue(patience)
		c, err := s.desk.Load(ctx, tx, id)
		if err != nil {
			return err
		}
		now := s.desk.Now()
		var sweep time.Time
		err = tx.QueryRow(ctx, "select sweep_at from deadlines where order_id = $1", id).Scan(&sweep)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil // somebody was faster
		case err != nil:
			return fmt.Errorf("read a deadline: %w", err)
		case sweep.After(now):
			return nil
		}
		due := s.desk.Due(c.Order)
		switch {
		case due.IsZero():
			_, err := tx.Exec(ctx, "delete from deadlines where order_id = $1", id)
			return err
		case due.After(now): // a draft that was edited
			return move(ctx, tx, id, due, due)
		}
		reason := reasonIdle
		if c.Order.State == order.StateSubmitted {
			reason = reasonUnpaid
			if latest := due.Add(MaxHold); now.Before(latest) {
				held, err := s.underWay(ctx, tx, c)
				if err != nil {
					return err
				}
				if held {
					return move(ctx, tx, id, due, latest)
				}
			}
		}
		body, err := c.Order.Expire(reason)
		if err != nil {
			return err
		}
		did = true
		return s.desk.Record(ctx, tx, c, body)
	})
	return did && err == nil, err
}

// move has an order looked at again at a time; nothing is wrong with it.
func move(ctx context.Context, tx *pg.Tx, id string, due, sweep time.Time) error {
	_, err := tx.Exec(ctx, "update deadlines set due_at = $2, sweep_at = $3, failures = 0, last_error = '' where order_id = $1", id, due, sweep)
	if err != nil {
		return fmt.Errorf("move a deadline: %w", err)
	}
	return nil
}

// putOff has an order looked at later: after a second, two, four ... Who holds the order may hold its deadline too:
// that one is left as it is.
func (s *Sweeper) putOff(ctx context.Context, id string, cause error) error {
	text := []rune(cause.Error())
	_, err := s.db.Pool().Exec(ctx, `update deadlines set failures = failures + 1, last_error = $3,
		sweep_at = $2::timestamptz + least(interval '1 second' * power(2, least(failures, 20)), $4::interval)
		where order_id = (select order_id from deadlines where order_id = $1 for update skip locked)`,
		id, s.desk.Now(), string(text[:min(len(text), 2000)]), maxPutOff)
	if err != nil {
		return fmt.Errorf("put a deadline off: %w", err)
	}
	return nil
}
