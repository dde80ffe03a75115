package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
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
func rebuild(s *environment) error {
	sys := testsystem.New(s)
	for _, name := range []string{testsystem.Gateway, testsystem.Core, testsystem.Ordering, testsystem.Contractor, testsystem.Manager} {
		if err := sys.Stop(name); err != nil {
			return fmt.Errorf("stop %s: %w", name, err)
		}
	}
	events := *rebuildEvents / eventsOfOrder * eventsOfOrder
	if events < eventsOfOrder {
		return fmt.Errorf("-events %d: there are %d in an order", *rebuildEvents, eventsOfOrder)
	}
	began := time.Now()
	if err := produce(s.ctx, sys.Parts.Brokers, events); err != nil {
		return err
	}
	fmt.Printf("\nRebuild: contractor-ui's copy of %d orders from %d events (produced in %s)\n\n", events/eventsOfOrder, events,
		time.Since(began).Round(time.Second))
	t := newTable("", "events/s", "first half", "second half", "took (s)", "RSS in the beginning (MB)", "in the middle", "at the end", "most", "aim")
	cpu := newTable("", testsystem.Contractor, postgresCPU, ownCPU, "together")

	conn, err := pgx.Connect(s.ctx, sys.Database[testsystem.Contractor])
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(s.ctx) }()
	// With what it had heard of the topics when they were empty it would be behind, and not begin anew.
	if _, err := conn.Exec(s.ctx, "drop schema public cascade; create schema public"); err != nil {
		return fmt.Errorf("empty contractor-ui's database: %w", err)
	}
	sys.Run(testsystem.Contractor, "migrate")
	sys.Start(testsystem.Contractor)
	m, err := follow(s.ctx, int64(events), func() (int64, error) {
		var heard int64
		err := conn.QueryRow(s.ctx, "select coalesce(sum(heard - first), 0)::bigint from hearing where topic = $1", order.Topic).Scan(&heard)
		return heard, err
	})
	if err != nil {
		return err
	}
	m.addTo(t, cpu, "from the topic", rebuildAim)
	var copied int
	if err := conn.QueryRow(s.ctx, "select count(*) from orders where state = 'submitted' and revision = 2 * $1", eventsOfOrder).Scan(&copied); err != nil {
		return err
	}
	if copied != events/eventsOfOrder {
		return fmt.Errorf("%d of %d orders were copied", copied, events/eventsOfOrder)
	}
	if err := sys.Stop(testsystem.Contractor); err != nil {
		return err
	}
	if m, err = inPlace(s.ctx, sys, int64(events)); err != nil {
		return err
	}
	m.addTo(t, cpu, "in place", rebuildAim)
	t.print()
	fmt.Printf("\nCPU time for a thousand events (ms)\n\n")
	cpu.print()
	return nil
}

// produce writes the events of many orders to the topic, those of some orders between one another's.
func produce(ctx context.Context, brokers string, events int) error {
	// The keys must be where the relay would put them.
	writer := &kafkago.Writer{Addr: kafkago.TCP(brokers), Balancer: kafkago.Murmur2Balancer{}, RequiredAcks: kafkago.RequireAll,
		BatchSize: produceBatch, BatchBytes: 2 << 20, BatchTimeout: 10 * time.Millisecond}
	defer func() { _ = writer.Close() }()
	at := time.Now().Add(-24 * time.Hour)
	ids := make([]string, min(ordersOpen, events/eventsOfOrder))
	var batch []kafkago.Message
	for first := 0; first < events/eventsOfOrder; first += len(ids) {
		ids = ids[:min(len(ids), events/eventsOfOrder-first)]
		for i := range ids {
			ids[i] = uuid.NewString()
		}
		for step := range eventsOfOrder {
			for i, id := range ids {
				e := order.New(order.Source, id, bodyOf(step, id, first+i))
				at = at.Add(time.Millisecond)
				e.Time, e.Sequence = at.Truncate(time.Microsecond), int64(step+1)
				e.Meta = event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}
				batch = append(batch, kafka.Encode(order.Topic, e))
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

// benchCustomer and benchProducts are in every order.
var (
	benchCustomer = uuid.NewString()
	benchProducts = []string{uuid.NewString(), uuid.NewString(), uuid.NewString()}
)

// bodyOf is what happens to the nth order in its next step.
func bodyOf(step int, id string, n int) order.Body {
	price := money.Amount{Minor: 12_00, Currency: "EUR"}
	item := func(i int) (product, sku, name string) {
		i %= len(benchProducts)
		return benchProducts[i], "BENCH-" + strconv.Itoa(i), "Scaffolding for the north wall"
	}
	switch step {
	case 0:
		return order.Draft(id, "ada-nowak")
	case eventsOfOrder - 2:
		return order.CustomerChosen{CustomerID: benchCustomer, Name: "Northern Builders"}
	case eventsOfOrder - 1:
		submitted := order.Submitted{Number: fmt.Sprintf("2026/11/%06d", n+1), ContractorID: "ada-nowak",
			CustomerID: benchCustomer, CustomerName: "Northern Builders", ExpiresAt: time.Now().Add(24 * time.Hour).UTC().Truncate(time.Microsecond)}
		for i := range benchProducts {
			product, sku, name := item(i)
			line := order.Line{ProductID: product, SKU: sku, Name: name, Price: price}
			for added := i; added < eventsOfOrder-3; added += len(benchProducts) {
				line.Quantity++
			}
			line.Total = money.Amount{Minor: price.Minor * line.Quantity, Currency: price.Currency}
			submitted.Lines = append(submitted.Lines, line)
			submitted.Subtotal.Minor += line.Total.Minor
		}
		submitted.Subtotal.Currency = price.Currency
		submitted.Total = submitted.Subtotal
		return submitted
	}
	product, sku, name := item(step - 1)
	return order.ItemAdded{ProductID: product, SKU: sku, Name: name, Price: price, Quantity: 1}
}

// rebuilt is one way of it.
type rebuilt struct {
	measured
	took                     time.Duration
	begin, middle, end, most int64 // bytes of memory
}

func (r rebuilt) addTo(t, cpu *table, name, aim string) {
	mb := func(bytes int64) string { return strconv.FormatInt(bytes>>20, 10) }
	t.add(name, perSecond(r.rate), perSecond(r.first), perSecond(r.second), fmt.Sprintf("%.1f", r.took.Seconds()),
		mb(r.begin), mb(r.middle), mb(r.end), mb(r.most), aim)
	r.count = (r.count + 999) / 1000
	cpu.add(append([]string{name}, r.cpuCells(testsystem.Contractor, postgresCPU, ownCPU)...)...)
}

// follow watches contractor-ui until it is done with so many events. The beginning is when a tenth of them is done.
func follow(ctx context.Context, events int64, done func() (int64, error)) (r rebuilt, err error) {
	postmaster := findPostmaster(ctx)
	began, before := time.Now(), cpuTimes(postmaster)
	tick := time.NewTicker(lookAtMemory)
	defer tick.Stop()
	var half time.Duration
	var soFar, atHalf int64
	for soFar < events {
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-tick.C:
		}
		if soFar, err = done(); err != nil {
			return r, err
		}
		memory := memoryOf(testsystem.Contractor)
		if r.most = max(r.most, memory); memory > 0 {
			r.end = memory
		}
		if r.begin == 0 && soFar >= events/10 {
			r.begin = memory
		}
		if r.middle == 0 && soFar >= events/2 {
			r.middle, half, atHalf = memory, time.Since(began), soFar
		}
	}
	r.took = time.Since(began)
	r.cpu, r.count = cpuTimes(postmaster), events
	for part, was := range before {
		if r.cpu[part] -= was; r.cpu[part] < 0 { // a process has ended
			r.cpu[part] = 0
		}
	}
	r.rate, r.first = float64(events)/r.took.Seconds(), float64(atHalf)/half.Seconds()
	r.second = float64(events-atHalf) / max((r.took-half).Seconds(), 0.001)
	return r, nil
}

// inPlace runs the command rebuild.
func inPlace(ctx context.Context, sys *testsystem.System, events int64) (r rebuilt, err error) {
	command := sys.Command(ctx, testsystem.Contractor, "rebuild")
	var out strings.Builder // progress, of which the last line counts
	command.Stdout, command.Stderr = &out, &out
	began := time.Now()
	if err := command.Start(); err != nil {
		return r, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	// How far it is says only the time: it does the same for every batch.
	var memories []int64
	postmaster := findPostmaster(ctx)
	before := cpuTimes(postmaster)
	tick := time.NewTicker(lookAtMemory)
	defer tick.Stop()
	for running := true; running; {
		select {
		case err = <-ended:
			running = false
		case <-tick.C:
			if memory := memoryOf(testsystem.Contractor); memory > 0 {
				memories = append(memories, memory)
				r.cpu = cpuTimes(postmaster)
			}
		}
	}
	r.took = time.Since(began)
	if err != nil {
		return r, fmt.Errorf("contractor-ui rebuild: %w: %s", err, out.String())
	}
	if len(memories) == 0 {
		return r, errors.New("it was done before anybody looked: take more events")
	}
	for part, was := range before {
		r.cpu[part] -= was
	}
	n := len(memories)
	r.begin, r.middle, r.end = memories[n/10], memories[n/2], memories[n-1]
	for _, memory := range memories {
		r.most = max(r.most, memory)
	}
	r.rate, r.count = float64(events)/r.took.Seconds(), events
	return r, nil
}

// memoryOf is the resident memory of a service that this process has started; 0 if it does not run.
func memoryOf(name string) int64 {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		p, ok := readStat(path)
		if !ok || p.parent != os.Getpid() || p.name != name {
			continue
		}
		data, err := os.ReadFile(filepath.Join(filepath.Dir(path), "statm"))
		fields := strings.Fields(string(data))
		if err != nil || len(fields) < 2 {
			return 0
		}
		pages, _ := strconv.ParseInt(fields[1], 10, 64)
		return pages * int64(os.Getpagesize())
	}
	return 0
}
