package operations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// OpenTooLong is after how long an operation without an answer is reported.
const OpenTooLong = 10 * time.Minute

// overdueAfter is how late a job may be before nobody seems to work it.
const overdueAfter = time.Minute

// Unanswered is an operation that the gateway has not answered for good, and that is not stuck.
type Unanswered struct {
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
func (u Unanswered) Overdue(now time.Time) bool {
	return !u.HasJob || !u.Asking && now.Sub(u.Next) > overdueAfter
}

// NextCall is a text with the time at which the gateway is asked next.
func (u Unanswered) NextCall() string {
	switch {
	case !u.HasJob:
		return "never: it has no job"
	case u.Asking:
		return "now"
	}
	return u.Next.Format(time.RFC3339)
}

// Why is the last error, or the last refusal.
func (u Unanswered) Why() string {
	switch {
	case u.Error != "":
		return u.Error
	case u.Refusal != "":
		return "refused before: " + u.Refusal
	}
	return ""
}

// EachUnanswered calls each with the operations that have been open for longer than OpenTooLong and are not
// stuck, oldest first.
func EachUnanswered(ctx context.Context, q pg.Querier, each func(Unanswered)) error {
	var u Unanswered
	columns := []any{
		&u.Key, &u.Amount.Minor, &u.Amount.Currency, &u.OpenedAt, &u.Attempts, &u.Error, &u.Refusal, &u.Next, &u.Asking, &u.HasJob,
	}
	err := pg.ForEach(ctx, q, columns, func() {
		if !u.HasJob {
			u.Next = time.Time{}
		}
		u.OpenedAt, u.Next = u.OpenedAt.UTC(), u.Next.UTC()
		each(u)
	}, `select o.key, o.amount, o.currency, o.opened_at, o.attempts, o.last_error,
			coalesce(before.last_error, ''), coalesce(job.scheduled_at, 'epoch'),
			coalesce(job.state = 'running', false), job.id is not null
		from operations o
		left join operations before on before.payment_id = o.payment_id and before.kind = o.kind and before.n = o.n - 1
		left join lateral (select id, state, scheduled_at from river_job
			where kind = $2 and args @> jsonb_build_object('operation', o.id) and finalized_at is null
			order by id desc limit 1) job on true
		where o.state = 'open' and o.stuck_at is null and o.opened_at < now() - $1::interval
		order by o.opened_at, o.id`, OpenTooLong, callArgs{}.Kind())
	if err != nil {
		return fmt.Errorf("read what is open: %w", err)
	}
	return nil
}

// Part says which of the open operations are meant.
type Part string

// Parts of what is open.
const (
	All   Part = ""
	Stuck Part = "stuck"   // they wait for an operator
	Asked Part = "unknown" // the gateway was asked, and has not answered for good
)

// listed is how many open operations are listed at once.
const listed = 100

// OpenOnes returns the open operations of a part behind one, by id, in the order in which they were opened:
// at most 100, and whether there are more. All that are open are read, and nothing else.
func (s *Service) OpenOnes(ctx context.Context, part Part, after int64) (open []Operation, more bool, err error) {
	conditions := map[Part]string{
		All: "state = 'open'", Asked: "state = 'open' and stuck_at is null and attempts > 0", Stuck: "stuck_at is not null and closed_at is null",
	}
	condition, known := conditions[part]
	if !known {
		return nil, false, fmt.Errorf("there is no part %q of what is open", part)
	}
	open, err = pg.Rows(ctx, s.db.Pool(), scanOperation, selectOperations+" where "+condition+" and id > $1 order by id limit $2", after, listed+1)
	if err != nil {
		return nil, false, fmt.Errorf("read what is open: %w", err)
	}
	if len(open) > listed {
		return open[:listed], true, nil
	}
	return open, false, nil
}

// ErrNoOperation means that there is no operation of that key.
var ErrNoOperation = errors.New("operations: no such operation")

// Around returns all operations of the payment that the one of a key belongs to, oldest first.
func (s *Service) Around(ctx context.Context, key string) (History, error) {
	paymentID, _, _ := strings.Cut(key, ":") // no index is by key
	histories, err := Histories(ctx, s.db.Pool(), paymentID)
	if err != nil {
		return nil, err
	}
	if _, known := histories[paymentID].byKey(key); !known {
		return nil, ErrNoOperation
	}
	return histories[paymentID], nil
}

// NextCall is when the gateway is asked next about an operation; zero if nobody asks.
func (s *Service) NextCall(ctx context.Context, o Operation) (at time.Time, err error) {
	err = s.db.Pool().QueryRow(ctx, `select scheduled_at from river_job where kind = $1 and args @> jsonb_build_object('operation', $2::bigint)
		and finalized_at is null order by id desc limit 1`, callArgs{}.Kind(), o.ID).Scan(&at)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return at, fmt.Errorf("look for the job of %s: %w", o.Key, err)
	}
	return at, nil
}

// Unanswered collects what EachUnanswered finds.
func (s *Service) Unanswered(ctx context.Context) (all []Unanswered, err error) {
	err = EachUnanswered(ctx, s.db.Pool(), func(u Unanswered) { all = append(all, u) })
	return all, err
}

// retryNow has the job of an open operation that is not stuck run at once, with the same key; false if no
// operation of that key is open.
func (s *Service) retryNow(ctx context.Context, tx *pg.Tx, key string, by Handling) (retried bool, err error) {
	_, o, open, err := s.lockOpen(ctx, tx, key)
	if err != nil || !open || o.Stuck() {
		return false, err
	}
	var job int64
	err = tx.QueryRow(ctx, `select id from river_job where kind = $1 and args @> jsonb_build_object('operation', $2::bigint)
		and finalized_at is null order by id desc limit 1`, callArgs{}.Kind(), o.ID).Scan(&job)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = s.open(ctx, tx, nil, []river.InsertManyParams{{Args: callArgs{Operation: o.ID}}}, time.Time{})
	case err == nil:
		_, err = s.jobs.JobRetryTx(ctx, tx.Tx, job)
	}
	if err != nil {
		return false, fmt.Errorf("retry the job of %s: %w", key, err)
	}
	tx.AfterCommit(func() {
		s.log.InfoContext(ctx, "an operator has the gateway asked now, with the same key",
			"payment", o.PaymentID, "key", key, "by", by.By, "why", by.Why)
	})
	return true, nil
}
