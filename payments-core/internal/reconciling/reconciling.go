// Package reconciling compares what payments-core has on record with what the topic and the
// gateway have, and names every difference.
//
// What it holds to be true: the journal has each event of the topics once, in the topic's order, and the
// topic has each event that was written here; a payment's fold and its operations say the same;
// authorized >= captured + released and captured >= refunded; an order is paid if and only if one payment of its
// total keeps money for it, and no money is held or kept for one that is dead or does not take the payment, as far
// as this journal has heard of orders; the gateway's record of each key is the operation's outcome. What is under
// way while it runs may look like a difference: run it again.
package reconciling

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg"
)

// openTooLong is when an operation without an answer is no longer just under way.
const openTooLong = 10 * time.Minute

// Reconciler compares.
type Reconciler struct {
	DB      *pg.DB
	Journal *journal.Journal
	Kafka   *kafka.Client
	Gateway gateway.Gateway
	// Report is called with every difference.
	Report func(difference string)
}

// Run reports every difference. Its error says that it could not look.
func (r *Reconciler) Run(ctx context.Context) error {
	topic, err := r.readTopics(ctx)
	if err != nil {
		return err
	}
	conn, err := r.patient(ctx)
	if err != nil {
		return err
	}
	defer func() {
		_, _ = conn.Exec(ctx, "reset statement_timeout") // the pool is not ours
		conn.Release()
	}()
	if err := r.journalAgainst(ctx, conn, topic); err != nil {
		return fmt.Errorf("compare the journal: %w", err)
	}
	payments, histories, err := r.foldsAgainstOperations(ctx, conn)
	if err != nil {
		return fmt.Errorf("compare payments and operations: %w", err)
	}
	if err := r.ordersAgainstPayments(ctx, conn, payments); err != nil {
		return fmt.Errorf("compare orders and payments: %w", err)
	}
	if err := r.operationsAgainstGateway(ctx, histories); err != nil {
		return fmt.Errorf("compare with the gateway: %w", err)
	}
	return nil
}

// patient returns a connection without the time limit that requests have: whole tables are read with it.
func (r *Reconciler) patient(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := r.DB.Pool().Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("take a connection: %w", err)
	}
	if _, err := conn.Exec(ctx, "set statement_timeout = 0"); err != nil {
		conn.Release()
		return nil, fmt.Errorf("lift the time limit: %w", err)
	}
	return conn, nil
}

func (r *Reconciler) differ(format string, args ...any) { r.Report(fmt.Sprintf(format, args...)) }

// readTopics returns the ids of each stream's events in the topic's order, each once.
func (r *Reconciler) readTopics(ctx context.Context) (map[string][]uuid.UUID, error) {
	streams := map[string][]uuid.UUID{}
	for topic, stream := range map[string]func(string) string{payment.Topic: payment.Stream, order.Topic: order.Stream} {
		err := r.Kafka.History(ctx, topic, func(e event.Event) error {
			id := stream(e.Subject)
			streams[id] = append(streams[id], e.ID)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read topic %s: %w", topic, err)
		}
	}
	return streams, nil
}

// journalAgainst compares the journal's log with the topic, stream by stream.
func (r *Reconciler) journalAgainst(ctx context.Context, conn *pgxpool.Conn, topic map[string][]uuid.UUID) error {
	lettered, err := collect[uuid.UUID](ctx, conn, "select event_id from dead_letters where event_id is not null")
	if err != nil {
		return err
	}
	letters := make(map[uuid.UUID]bool, len(lettered))
	for _, id := range lettered {
		letters[id] = true
	}
	isLetter := func(id uuid.UUID) bool { return letters[id] }
	type row struct {
		Stream  string
		ID      uuid.UUID
		Type    string
		Pending bool
		Listed  bool // in the outbox still
	}
	rows, err := conn.Query(ctx, `select stream, event_id, type, log is null, exists (select from outbox o where o.position = j.position)
		from journal j order by stream, log nulls last, version`)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return err
	}
	logs := map[string][]uuid.UUID{}
	for _, e := range all {
		switch {
		case !e.Pending:
			logs[e.Stream] = append(logs[e.Stream], e.ID)
		case !e.Listed && !slices.Contains(topic[e.Stream], e.ID):
			r.differ("%s: %s %s was written, and is neither in the topic nor in the outbox", e.Stream, e.Type, e.ID)
		}
	}
	for stream, ids := range topic {
		heard := slices.DeleteFunc(slices.Clone(ids), isLetter)
		log := logs[stream]
		for _, id := range heard {
			if !slices.Contains(log, id) {
				r.differ("%s: event %s is in the topic and not in the journal's log", stream, id)
			}
		}
		for _, id := range log {
			if !slices.Contains(ids, id) {
				r.differ("%s: event %s is in the journal's log and not in the topic", stream, id)
			}
		}
		// A replayed dead letter has a later place than in the topic.
		log = slices.DeleteFunc(slices.Clone(log), isLetter)
		if len(log) == len(heard) && !slices.Equal(log, heard) {
			r.differ("%s: the journal's order is not the topic's", stream)
		}
	}
	return nil
}

// foldsAgainstOperations compares what a payment's events say with what was asked of the gateway. It returns the
// payments for orders, by order, and the operations of all, by payment.
func (r *Reconciler) foldsAgainstOperations(ctx context.Context, conn *pgxpool.Conn) (forOrders map[string][]releasing.Payment, all map[string]operations.History, err error) {
	ids, err := collect[string](ctx, conn, "select distinct subject from journal where type = $1", payment.TypeRequested)
	if err != nil {
		return nil, nil, err
	}
	histories, err := operations.All(ctx, conn)
	if err != nil {
		return nil, nil, err
	}
	forOrders = map[string][]releasing.Payment{}
	requested := make(map[string]bool, len(ids))
	for _, id := range ids {
		requested[id] = true
		stream, err := r.Journal.Read(ctx, payment.Stream(id))
		if err != nil {
			return nil, nil, err
		}
		p := operations.Fold(stream)
		r.compare(p, histories[id])
		if p.OrderID != "" {
			_, open := histories[id].Open()
			forOrders[p.OrderID] = append(forOrders[p.OrderID], releasing.Payment{Payment: p, Asked: open})
		}
	}
	for id := range histories {
		if !requested[id] {
			r.differ("payment %s: there are operations for it, and nobody has requested it", id)
		}
	}
	return forOrders, histories, nil
}

func (r *Reconciler) compare(p payment.Payment, history operations.History) {
	done := func(kind payment.Operation) bool { _, ok := history.Succeeded(kind); return ok }
	for _, fact := range []struct {
		kind payment.Operation
		act  payment.Act
	}{{payment.Authorize, p.Authorized}, {payment.Capture, p.Captured}, {payment.Refund, p.Refunded}} {
		if done(fact.kind) != fact.act.Done() {
			r.differ("payment %s: %s succeeded at the gateway: %t, and in its events: %t", p.ID, fact.kind, done(fact.kind), fact.act.Done())
		}
	}
	// A hold can also end by itself, or by a refused capture.
	if done(payment.Release) && !p.Released.Done() {
		r.differ("payment %s: its hold was released at the gateway, and not in its events", p.ID)
	}
	if p.CapturedAmount.Minor+p.ReleasedAmount.Minor > p.AuthorizedAmount.Minor || p.RefundedAmount.Minor > p.CapturedAmount.Minor {
		r.differ("payment %s: %s authorized, %s captured, %s released, %s refunded", p.ID, p.AuthorizedAmount, p.CapturedAmount, p.ReleasedAmount, p.RefundedAmount)
	}
}

// operationsAgainstGateway compares ours with the gateway's own record, key by key.
func (r *Reconciler) operationsAgainstGateway(ctx context.Context, histories map[string]operations.History) error {
	ours := map[string]operations.Operation{}
	for _, history := range histories {
		for _, o := range history {
			ours[o.Key] = o
			switch {
			case o.Stuck():
				r.differ("key %s: stuck since %s: %s; retry or settle it with `payments-core operations`", o.Key, o.StuckAt.Format(time.RFC3339), o.LastError)
			case o.State == operations.Open && time.Since(o.OpenedAt) > openTooLong:
				r.differ("key %s: open since %s, after %d attempts: %s", o.Key, o.OpenedAt.Format(time.RFC3339), o.Attempts, o.LastError)
			}
		}
	}
	for record, err := range r.Gateway.Records(ctx, "") {
		if err != nil {
			return err
		}
		o, known := ours[record.Key]
		delete(ours, record.Key)
		state := operations.Succeeded
		if !record.Result.Approved() {
			state = operations.Failed
		}
		switch {
		case !known:
			r.differ("key %s: the gateway has a record of it, and we have none", record.Key)
		case o.Handled.By != "": // an operator knows better
		case string(o.Kind) != string(record.Kind) || o.Amount != record.Amount:
			r.differ("key %s: ours is %s of %s, the gateway's %s of %s", record.Key, o.Kind, o.Amount, record.Kind, record.Amount)
		case o.State != operations.Open && o.State != state:
			r.differ("key %s: ours %s, the gateway's %s", record.Key, o.State, state)
		}
	}
	for key, o := range ours {
		if o.State != operations.Open && o.Handled.By == "" {
			r.differ("key %s: ours %s, and the gateway has no record of it", key, o.State)
		}
	}
	return nil
}

func collect[T any](ctx context.Context, conn *pgxpool.Conn, sql string, args ...any) ([]T, error) {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}
