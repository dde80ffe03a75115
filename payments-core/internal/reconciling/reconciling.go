// Package reconciling compares what payments-core has on record with what the topics and the gateway have,
// and reports every difference.
//
// It checks these invariants:
//   - The journal has each event of the topics once, in the topic's order, and the topic has each event that
//     was written here.
//   - A payment's events and its operations agree: authorized >= captured + released, and captured >=
//     refunded.
//   - An order is paid if and only if one payment of its total keeps money for it. No money is held or kept
//     for an order that has ended otherwise or refuses the payment, as far as this journal has received the
//     order's events.
//   - The gateway's record of each key is the outcome of the operation with that key.
//
// It may run at any time. It compares one snapshot of the database with the topics up to their ends at the
// start, and checks again what may be on its way between this service, the gateway and ordering-core, until
// it has arrived. Its memory does not grow with the number of events: what must be joined is put into
// temporary tables.
package reconciling

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg"
)

const (
	// DefaultPatience is how long something may be on its way.
	DefaultPatience = 15 * time.Second

	batch            = 5000 // rows that are put into a temporary table at once
	page             = 500  // payments, or orders, that are read at once
	retryInterval    = 200 * time.Millisecond
	progressInterval = time.Second
)

// Reconciler finds differences.
type Reconciler struct {
	DB      *pg.DB
	Journal *journal.Journal
	Kafka   *kafka.Client
	Gateway gateway.Gateway
	// Report is called with every difference.
	Report func(difference string)
	// Progress (may be nil) is called about once a second with how far it is.
	Progress func(how string)
	// Patience is DefaultPatience where it is zero.
	Patience time.Duration

	reported time.Time
}

// Run reports every difference. It returns an error only if it could not compare.
func (r *Reconciler) Run(ctx context.Context) error {
	if r.Patience == 0 {
		r.Patience = DefaultPatience
	}
	conn, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { // with its settings and temporary tables
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if err := r.readTopics(ctx, conn); err != nil {
		return err
	}
	suspects, err := r.compareAll(ctx, conn)
	if err != nil {
		return err
	}
	if err := r.compareAgain(ctx, conn, suspects); err != nil {
		return fmt.Errorf("check orders again: %w", err)
	}
	return r.stranded(ctx)
}

// connect takes a connection without the time limits of requests, since it reads whole tables.
func (r *Reconciler) connect(ctx context.Context) (*pgx.Conn, error) {
	pooled, err := r.DB.Pool().Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("acquire a connection: %w", err)
	}
	conn := pooled.Hijack()
	if _, err := conn.Exec(ctx, "set statement_timeout = 0; set idle_in_transaction_session_timeout = 0"); err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("lift the time limits: %w", err)
	}
	return conn, nil
}

// The planner's settings: joins of whole tables, and reading some streams by their keys.
const (
	forJoins = "set enable_seqscan = on; set enable_hashjoin = on; set enable_mergejoin = on; set plan_cache_mode = auto"
	forKeys  = "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; " +
		"set plan_cache_mode = force_generic_plan"
)

// suspects are differences that may be on their way still.
type suspects struct {
	orders []string
	keys   []string // that the gateway has, and we have not
}

// compareAll compares within one snapshot.
func (r *Reconciler) compareAll(ctx context.Context, conn *pgx.Conn) (found suspects, err error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return found, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := r.journalAgainstTopics(ctx, tx); err != nil {
		return found, fmt.Errorf("compare the journal: %w", err)
	}
	if err := r.foldsAgainstOperations(ctx, tx); err != nil {
		return found, fmt.Errorf("compare payments and operations: %w", err)
	}
	if found.orders, err = r.ordersAgainstPayments(ctx, tx); err != nil {
		return found, fmt.Errorf("compare orders and payments: %w", err)
	}
	if found.keys, err = r.operationsAgainstGateway(ctx, tx); err != nil {
		return found, fmt.Errorf("compare with the gateway: %w", err)
	}
	return found, tx.Commit(ctx)
}

func (r *Reconciler) differ(format string, args ...any) { r.Report(fmt.Sprintf(format, args...)) }

// differences reports the rows of a query, each of which is a difference.
func (r *Reconciler) differences(ctx context.Context, q pg.Querier, query string, args ...any) error {
	var difference string
	return pg.ForEach(ctx, q, []any{&difference}, func() { r.Report(difference) }, query, args...)
}

// progress calls Progress from time to time.
func (r *Reconciler) progress(format string, args ...any) {
	if r.Progress != nil && time.Since(r.reported) > progressInterval {
		r.reported = time.Now()
		r.Progress(fmt.Sprintf(format, args...))
	}
}

// topics are those that this service consumes, with the stream of each subject.
var topics = map[string]func(string) string{payment.Topic: payment.Stream, order.Topic: order.Stream}
