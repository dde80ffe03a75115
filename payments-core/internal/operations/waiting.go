package operations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// OpenTooLong is when an operation without an answer is no longer just under way.
const OpenTooLong = 10 * time.Minute

// overdueAfter is how late a job may be: the workers may have much to do.
const overdueAfter = time.Minute

// Waiting is an operation that is open and not stuck: when the gateway is asked next, and why not before.
type Waiting struct {
	Key      string
	Amount   money.Amount
	OpenedAt time.Time
	Attempts int    // without an answer
	Error    string // of the last of them
	Refusal  string // of the operation before it, which it repeats
	Next     time.Time
	Asking   bool // it is being asked
	HasJob   bool // else nobody asks, and Next is zero
}

// Overdue reports whether the gateway should have been asked before now.
func (w Waiting) Overdue(now time.Time) bool {
	return !w.HasJob || !w.Asking && now.Sub(w.Next) > overdueAfter
}

// AskedNext is when the gateway is asked next, for people.
func (w Waiting) AskedNext() string {
	switch {
	case !w.HasJob:
		return "never: it has no job"
	case w.Asking:
		return "now"
	}
	return w.Next.Format(time.RFC3339)
}

// Why is the last that the gateway, or the lack of its answer, has said.
func (w Waiting) Why() string {
	switch {
	case w.Error != "":
		return w.Error
	case w.Refusal != "":
		return "refused before: " + w.Refusal
	}
	return ""
}

// EachWaiting calls each with the operations that have been open for longer than OpenTooLong and are not stuck, oldest first.
func EachWaiting(ctx context.Context, q querier, each func(Waiting) error) error {
	rows, err := q.Query(ctx, `select o.key, o.amount, o.currency, o.opened_at, o.attempts, o.last_error, coalesce(before.last_error, ''),
			coalesce(job.scheduled_at, 'epoch'), coalesce(job.state = 'running', false), job.id is not null
		from operations o
		left join operations before on before.payment_id = o.payment_id and before.kind = o.kind and before.n = o.n - 1
		left join lateral (select id, state, scheduled_at from river_job
			where kind = $2 and args @> jsonb_build_object('operation', o.id) and finalized_at is null
			order by id desc limit 1) job on true
		where o.state = 'open' and o.stuck_at is null and o.opened_at < now() - $1::interval order by o.opened_at, o.id`, OpenTooLong, callArgs{}.Kind())
	if err != nil {
		return fmt.Errorf("read what is open: %w", err)
	}
	var w Waiting
	_, err = pgx.ForEachRow(rows, []any{&w.Key, &w.Amount.Minor, &w.Amount.Currency, &w.OpenedAt, &w.Attempts, &w.Error, &w.Refusal, &w.Next, &w.Asking, &w.HasJob},
		func() error {
			if !w.HasJob {
				w.Next = time.Time{}
			}
			w.OpenedAt, w.Next = w.OpenedAt.UTC(), w.Next.UTC()
			return each(w)
		})
	if err != nil {
		return fmt.Errorf("read what is open: %w", err)
	}
	return nil
}

// Waiting returns what EachWaiting tells.
func (d *Desk) Waiting(ctx context.Context) (all []Waiting, err error) {
	err = EachWaiting(ctx, d.db.Pool(), func(w Waiting) error { all = append(all, w); return nil })
	return all, err
}

// hurry has the gateway asked at once for the operation of a key that is open and not stuck; false if there is none. Nothing else
// changes: it is the same job, which asks with the same key.
func (d *Desk) hurry(ctx context.Context, key string, by Handling) (hurried bool, err error) {
	if by, err = by.cleaned(); err != nil {
		return false, err
	}
	var paymentID string
	err = d.db.InTx(ctx, func(tx *pg.Tx) error {
		err := tx.QueryRow(ctx, "select payment_id from operations where key = $1 and stuck_at is null and closed_at is null", key).Scan(&paymentID)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for operation %s: %w", key, err)
		}
		c, err := d.load(ctx, tx, paymentID)
		if err != nil {
			return err
		}
		o, is := c.history.Open()
		if !is || o.Key != key || o.Stuck() { // it has had its answer meanwhile
			return nil
		}
		hurried = true
		var job int64
		err = tx.QueryRow(ctx, `select id from river_job where kind = $1 and args @> jsonb_build_object('operation', $2::bigint)
			and finalized_at is null order by id desc limit 1`, callArgs{}.Kind(), o.ID).Scan(&job)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return d.open(ctx, tx, nil, []river.InsertManyParams{{Args: callArgs{Operation: o.ID}}}, time.Time{})
		case err == nil:
			_, err = d.jobs.JobRetryTx(ctx, tx.Tx, job)
		}
		if err != nil {
			return fmt.Errorf("hurry the job of %s: %w", key, err)
		}
		return nil
	})
	if err != nil || !hurried {
		return false, err
	}
	d.log.InfoContext(ctx, "an operator has the gateway asked now, with the same key", "payment", paymentID, "key", key, "by", by.By, "why", by.Why)
	return true, nil
}
