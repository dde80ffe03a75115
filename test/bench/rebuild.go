package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/ordering-core/coretest"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/money"
	"countersign.example/test/testsystem"
)

const (
	eventsOfOrder = 10    // drafted, seven items, a customer, submitted
	ordersOpen    = 1_000 // at a time: their events come between one another's
	produceBatch  = 5_000
	rebuildAim    = "20,000"
	lookAtMemory  = 500 * time.Millisecond
)

// rebuild measures how fast contractor-ui makes its copy from an empty database and a long topic, and how
// much memory it takes meanwhile; then `rebuild`, which folds its own journal again in place.
func rebuild(e *environment) {
	sys := testsystem.New(e, testsystem.Unlimited...)
	stop(sys, testsystem.Gateway, testsystem.Core, testsystem.Ordering, testsystem.Contractor, testsystem.Manager)
	events := *rebuildEvents / eventsOfOrder * eventsOfOrder
	if events < eventsOfOrder {
		e.Fatalf("-events %d: there are %d in an order", *rebuildEvents, eventsOfOrder)
	}
	began := time.Now()
	check(produce(e.ctx, sys.Parts.Brokers, sys.Keys, events))
	fmt.Printf("\nRebuild: contractor-ui's copy of %d orders from %d events (produced in %s)\n\n", events/eventsOfOrder, events,
		time.Since(began).Round(time.Second))
	t := newTable("", "events/s", "first half", "second half", "took (s)", "RSS in the beginning (MB)", "in the middle", "at the end", "most", "aim")
	cpu := newTable("", testsystem.Contractor, postgresCPU, ownCPU, "together")

	conn := must(pgx.Connect(e.ctx, sys.Database[testsystem.Contractor]))
	defer func() { _ = conn.Close(e.ctx) }()
	// With what it had received of the topics when they were empty it would be behind, and not begin a new copy.
	_, err := conn.Exec(e.ctx, "drop schema public cascade; create schema public")
	check(err, "empty contractor-ui's database")
	sys.Run(testsystem.Contractor, "migrate")
	sys.Start(testsystem.Contractor)
	follow(e.ctx, events, func() (done int) {
		check(conn.QueryRow(e.ctx, "select coalesce(sum(next - first), 0)::bigint from consumer_positions where topic = $1", order.Topic).Scan(&done))
		return done
	}).addTo(t, cpu, "from the topic")
	var copied int
	check(conn.QueryRow(e.ctx, "select count(*) from order_rows where state = 'submitted' and revision = 2 * $1", eventsOfOrder).Scan(&copied))
	if copied != events/eventsOfOrder {
		e.Fatalf("%d of %d orders were copied", copied, events/eventsOfOrder)
	}
	stop(sys, testsystem.Contractor)

	command := sys.Command(e.ctx, testsystem.Contractor, "rebuild")
	var out strings.Builder // progress, of which the last line counts
	command.Stdout, command.Stderr = &out, &out
	check(command.Start())
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	follow(e.ctx, events, func() (done int) {
		select {
		case err := <-ended:
			check(err, "contractor-ui rebuild: ", out.String())
			return events
		default:
			return 0 // how far it is says only the time: it does the same for every batch
		}
	}).addTo(t, cpu, "in place")
	t.print()
	fmt.Printf("\nCPU time for a thousand events (ms)\n\n")
	cpu.print()
}

// produce writes the events of many orders to the topic, those of some orders between one another's.
func produce(ctx context.Context, brokers string, keys *kafkatest.Keys, events int) error {
	// The keys must be where the relay would put them.
	writer := &kafkago.Writer{Addr: kafkago.TCP(brokers), Balancer: kafkago.Murmur2Balancer{}, RequiredAcks: kafkago.RequireAll,
		BatchSize: produceBatch, BatchBytes: 2 << 20, BatchTimeout: 10 * time.Millisecond}
	defer func() { _ = writer.Close() }()
	played := playOrder()
	if len(played) != eventsOfOrder {
		return fmt.Errorf("an order has %d events", len(played))
	}
	at := time.Now().Add(-24 * time.Hour)
	ids := make([]string, min(ordersOpen, events/eventsOfOrder))
	var batch []kafkago.Message
	for first := 0; first < events/eventsOfOrder; first += len(ids) {
		ids = ids[:min(len(ids), events/eventsOfOrder-first)]
		for i := range ids {
			ids[i] = uuid.NewString()
		}
		for _, e := range played {
			for i, id := range ids {
				at = at.Add(time.Millisecond)
				data := strings.ReplaceAll(string(e.Data), playedOrder, id)
				data = strings.ReplaceAll(data, playedNumber, fmt.Sprintf("2026/11/%06d", first+i+1))
				copied := e
				copied.ID, copied.Subject, copied.Time, copied.Data = event.NewID(), id, at.Truncate(time.Microsecond), []byte(data)
				copied.ActorName = "Ada Nowak"
				batch = append(batch, keys.Encode(order.Topic, copied))
				if len(batch) == produceBatch {
					if err := writer.WriteMessages(ctx, batch...); err != nil {
						return fmt.Errorf("produce: %w", err)
					}
					batch = batch[:0]
				}
			}
		}
	}
	return writer.WriteMessages(ctx, batch...)
}

// The order that all others are copies of.
const (
	playedOrder  = "0193f3a0-0000-7000-8000-000000000001"
	playedNumber = "2026/11/000000"
)

// playOrder returns the events of an order that is drafted, gets seven items and a customer, and is
// submitted.
func playOrder() []event.Event {
	core := coretest.New(time.Now())
	do := func(command func(order.Order) (order.Body, error)) { core.Do(playedOrder, "ada-nowak", command) }
	do(func(order.Order) (order.Body, error) { return order.Draft(playedOrder, "ada-nowak"), nil })
	products := map[string]order.Product{}
	for i := range eventsOfOrder - 3 {
		p := order.Product{ID: fmt.Sprintf("0193f3a0-0000-7000-8000-00000000010%d", i%3), SKU: fmt.Sprint("BENCH-", i%3),
			Name: "Scaffolding for the north wall", Price: money.Amount{Minor: 12_00, Currency: "EUR"}}
		products[p.ID] = p
		do(func(o order.Order) (order.Body, error) { return o.Add(p, 1) })
	}
	do(func(o order.Order) (order.Body, error) {
		return o.ChooseCustomer("0193f3a0-0000-7000-8000-000000000200", "Northern Builders", false)
	})
	do(func(o order.Order) (order.Body, error) {
		return o.Submit(order.Submission{Sequence: o.Sequence, Total: o.Total, Current: products, Number: playedNumber,
			ExpiresAt: time.Now().Add(24 * time.Hour).UTC().Truncate(time.Microsecond)})
	})
	return core.Outbox()
}

// rebuilt is one way of it.
type rebuilt struct {
	measured
	took                     time.Duration
	begin, middle, end, most int64 // bytes of memory
}

func (r rebuilt) addTo(t, cpu *table, name string) {
	mb := func(bytes int64) string { return strconv.FormatInt(bytes>>20, 10) }
	t.add(name, perSecond(r.rate), perSecond(r.first), perSecond(r.second), fmt.Sprintf("%.1f", r.took.Seconds()),
		mb(r.begin), mb(r.middle), mb(r.end), mb(r.most), rebuildAim)
	r.count = (r.count + 999) / 1000
	cpu.add(r.cpuCells(name, testsystem.Contractor, postgresCPU, ownCPU)...)
}

// follow looks at contractor-ui until it is done with so many events. The beginning is when a tenth of them
// is done, or a tenth of the time is over where done says nothing before the end.
func follow(ctx context.Context, events int, done func() int) (r rebuilt) {
	type look struct {
		at     time.Duration
		done   int
		memory int64
	}
	var looks []look
	usage := startUsage(ctx)
	tick := time.NewTicker(lookAtMemory)
	defer tick.Stop()
	for soFar := 0; soFar < events; {
		select {
		case <-ctx.Done():
			check(ctx.Err())
		case <-tick.C:
		}
		soFar = done()
		if memory := memoryOf(testsystem.Contractor); memory > 0 {
			looks = append(looks, look{time.Since(usage.began), soFar, memory})
			r.cpu, r.end, r.most = usage.since(), memory, max(r.most, memory)
		}
	}
	r.took, r.count = time.Since(usage.began), int64(events)
	r.rate = float64(events) / r.took.Seconds()
	n := len(looks)
	if n == 0 {
		check(errors.New("it was done before anybody looked: take more events"))
	}
	if looks[n-1].done == 0 {
		r.begin, r.middle = looks[n/10].memory, looks[n/2].memory
		return r
	}
	at := func(part int) look {
		return looks[max(0, slices.IndexFunc(looks, func(l look) bool { return l.done >= part }))]
	}
	half := at(events / 2)
	r.begin, r.middle = at(events/10).memory, half.memory
	r.first = float64(half.done) / half.at.Seconds()
	r.second = float64(events-half.done) / max((r.took-half.at).Seconds(), 0.001)
	return r
}
