package reconcile

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
)

// topics are those of events, and receives those of each service.
var (
	topics   = []event.Topic{payment.Events, order.Events, catalog.Events, people.Events}
	receives = map[string][]string{
		PaymentsCore: {payment.Topic, order.Topic},
		OrderingCore: {payment.Topic, order.Topic, catalog.Topic},
		ContractorUI: {payment.Topic, order.Topic, catalog.Topic, people.Topic},
		ManagerUI:    {payment.Topic, order.Topic, catalog.Topic, people.Topic},
	}
)

// service is a service's database, read by two connections in one snapshot.
type service struct {
	name      string
	bit       uint8                  // in logged.Dead
	rows      *pgx.Conn              // reads everything in the order of the streams
	side      *pgx.Conn              // reads what must be looked at besides
	published map[string][]uuid.UUID // by stream, what is written and in no outbox any more
	lost      map[place]bool         // partitions of which an operator has accepted a loss
	dead      map[place]bool         // partitions of which something is a dead letter

	sorted pgx.Rows // what all reads
	failed error    // why there is nothing sorted
}

// settings of each connection: it cannot change anything, and may take long.
var settings = map[string]string{
	"application_name": "countersign reconcile", "default_transaction_read_only": "on", "timezone": "UTC", "jit": "off", "work_mem": "64MB",
	"statement_timeout": "0", "idle_in_transaction_session_timeout": "0",
}

// open connects to the databases, and reads what was published before the topics' ends are asked for.
func (r *run) open(ctx context.Context) error {
	for i, name := range Services {
		address := r.Databases[name]
		if address == "" {
			return fmt.Errorf("no database of %s is given", name)
		}
		s := &service{name: name, bit: 1 << i, published: map[string][]uuid.UUID{}, lost: map[place]bool{}, dead: map[place]bool{}}
		r.services = append(r.services, s)
		for _, conn := range []**pgx.Conn{&s.rows, &s.side} {
			config, err := pgx.ParseConfig(address)
			if err != nil {
				return fmt.Errorf("the address of the database of %s: %w", name, err)
			}
			for setting, value := range settings {
				config.RuntimeParams[setting] = value
			}
			if *conn, err = pgx.ConnectConfig(ctx, config); err != nil {
				return fmt.Errorf("connect to the database of %s: %w", name, err)
			}
		}
		var id uuid.UUID
		var stream string
		if err := pg.ForEach(ctx, s.rows, []any{&id, &stream}, func() { s.published[stream] = append(s.published[stream], id) }, `select coalesce(shared_id, event_id), stream
			from journal j where log is null and not exists (select from outbox o where o.position = j.position)`); err != nil {
			return fmt.Errorf("read the journal of %s: %w", name, err)
		}
	}
	return nil
}

func (s *service) close() {
	for _, conn := range []*pgx.Conn{s.rows, s.side} {
		if conn != nil {
			_ = conn.Close(context.Background())
		}
	}
}

// receives reports whether the service receives a topic.
func (s *service) receives(topic string) bool { return slices.Contains(receives[s.name], topic) }

// snapshot begins a transaction on both connections, which see the same.
func (s *service) snapshot(ctx context.Context) error {
	const begin = "begin isolation level repeatable read read only"
	var id string
	_, err := s.rows.Exec(ctx, begin)
	if err == nil {
		err = s.rows.QueryRow(ctx, "select pg_export_snapshot()").Scan(&id)
	}
	if err == nil {
		_, err = s.side.Exec(ctx, begin+"; set transaction snapshot '"+id+"'")
	}
	if err != nil {
		return fmt.Errorf("begin to read the database of %s: %w", s.name, err)
	}
	var p place
	return pg.ForEach(ctx, s.side, []any{&p.Topic, &p.Partition}, func() { s.lost[p] = true },
		"select topic, partition from operator_decisions where decision = 'accept-loss' and topic is not null and partition is not null")
}

// row is one of a stream: of the journal, of a copy, or an operation.
type row struct {
	Stream    string
	Kind      int16
	Log       int64 // 0 while pending
	ID        uuid.UUID
	Hash      int64 // of the event
	Topic     string
	Partition int32
	Offset    int64
	Doc       []byte // of what is no event, as JSON
}

// The kinds of rows, in the order in which they come.
const (
	eventRow = iota
	copyRow
	operationRow
)

// eventHash is of all that an event says. It is the same for the same event in every database.
const eventHash = `hash_record_extended(row(type, source, subject, time, data_schema, sequence, correlation_id, causation_id,
	actor, actor_name, trace_parent, data), 0)`

const journalRows = `select stream collate "C" as stream, 0::smallint as kind, coalesce(log, 0) as log, version, coalesce(shared_id, event_id) as id,
	` + eventHash + ` as hash, coalesce(topic, '') as topic, coalesce(partition, 0) as partition, coalesce("offset", 0) as "offset", null::jsonb as doc from journal`

// copyRows are those of a table of a web app.
func copyRows(table string, stream func(string) string) string {
	return docRows(copyRow, fmt.Sprintf("'%s' || id", stream("")), "to_jsonb(t) - 'words' - 'found' - 'sort'", table+" t")
}

func docRows(kind int, stream, doc, from string) string {
	return fmt.Sprintf(` union all select (%s) collate "C", %d::smallint, 0, 0, null, 0, '', 0, 0, %s from %s`, stream, kind, doc, from)
}

// reads is what is read of each service, beside its journal.
var reads = map[string]string{
	PaymentsCore: docRows(operationRow, fmt.Sprintf("'%s' || payment_id", payment.Stream("")),
		"jsonb_build_object('kind', kind, 'state', state, 'key', key)", "operations"),
	ContractorUI: webRows,
	ManagerUI:    webRows + copyRows("people", people.Stream),
}

var webRows = copyRows("payment_rows", payment.Stream) + copyRows("order_rows", order.Stream) +
	copyRows("products", catalog.ProductStream) + copyRows("customers", catalog.CustomerStream)

// sort has the database begin to sort its rows, which takes it a while: meanwhile the topics are read, and
// the other databases sort theirs.
func (s *service) sort(ctx context.Context) {
	s.sorted, s.failed = s.rows.Query(ctx, "select * from ("+journalRows+reads[s.name]+`) all_rows order by stream, kind, log = 0, log, version`)
}

// all are the rows of a service in the order of the streams: of each, the events in the log's order, then
// those that are pending, then the rest.
func (s *service) all() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		var got row
		var version int64
		var id *uuid.UUID
		rows, err := s.sorted, s.failed
		if err == nil {
			defer rows.Close()
			for rows.Next() {
				got = row{}
				if err = rows.Scan(&got.Stream, &got.Kind, &got.Log, &version, &id, &got.Hash, &got.Topic, &got.Partition, &got.Offset, &got.Doc); err != nil {
					break
				}
				if id != nil {
					got.ID = *id
				}
				if !yield(got, nil) {
					return
				}
			}
			err = errors.Join(err, rows.Err())
		}
		if err != nil {
			yield(row{}, fmt.Errorf("read the database of %s: %w", s.name, err))
		}
	}
}

const entryColumns = `stream, coalesce(log, 0) > 0, coalesce(shared_id, event_id), type, source, subject, time, data_schema, sequence,
	correlation_id, causation_id, actor, actor_name, trace_parent, data`

// entries reads streams of a journal, as their aggregates fold them.
func entries(ctx context.Context, conn *pgx.Conn, streams ...string) (map[string][]aggregate.Entry, error) {
	read := map[string][]aggregate.Entry{}
	var stream string
	var e aggregate.Entry
	into := []any{&stream, &e.Confirmed, &e.ID, &e.Type, &e.Source, &e.Subject, &e.Time, &e.DataSchema, &e.Sequence,
		&e.CorrelationID, &e.CausationID, &e.Actor, &e.ActorName, &e.TraceParent, &e.Data}
	err := pg.ForEach(ctx, conn, into, func() {
		e.Time = event.Kept(e.Time)
		read[stream] = append(read[stream], e)
		e.Data = nil
	}, "select "+entryColumns+" from journal where stream = any($1) order by stream, log nulls last, version", streams)
	return read, err
}
