package faults

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	persons "countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service/servicetest"
	"countersign.example/test/testsystem"
)

// hostileSeed makes the same messages each time; HOSTILE_SEED chooses others.
const hostileSeed = 9

// hostileEvents is how many are sent; CI sends HOSTILE_EVENTS.
const hostileEvents = 10_000

// stalledAfter is how long nothing may be received of what is waiting. (The speed depends on the machine.)
const stalledAfter = time.Minute

// soon is how long a good event takes to all services, once the hostile ones are behind it.
const soon = time.Second

var journals = []string{testsystem.Contractor, testsystem.Manager, testsystem.Core, testsystem.Ordering}

func fromEnv(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

func TestNoMessageStopsAnythingButItsKey(t *testing.T) {
	// Given a system in use.
	sys := newSystem(t)
	product, customer := sys.Product(t, "CEM-25", "Cement", 7_50), sys.Customer(t, "Linden School", "caretaker@linden-school.example")
	sys.Settle(t)
	p := signInBoth(t, sys)
	before := &ordered{people: p}
	require.NoError(t, before.build(t.Context(), product, customer))
	paid, err := before.requestPayment(t.Context())
	require.NoError(t, err)
	waiting, err := p.request(t.Context(), "12.00", "waits")
	require.NoError(t, err)
	require.NoError(t, p.accept(t.Context(), paid))
	require.NoError(t, before.reaches(t.Context(), "Paid"))
	sys.Settle(t)

	// When anybody throws anything at it.
	seed, n := fromEnv(t, "HOSTILE_SEED", hostileSeed), fromEnv(t, "HOSTILE_EVENTS", hostileEvents)
	t.Logf("HOSTILE_EVENTS=%d HOSTILE_SEED=%d", n, seed)
	fuzzer := newFuzzer(uint64(seed), n, sys.Keys, waiting, before.id)
	began := time.Now()
	fuzzer.send(t, sys.Parts.Brokers, n)
	t.Logf("thrown after %s", time.Since(began).Round(time.Millisecond))
	allReceived(t, sys, stalledAfter)
	t.Logf("received after %s", time.Since(began).Round(time.Millisecond))
	for _, service := range journals {
		t.Log(service, count(t, sys, service))
	}

	// Then what is good passes through all of it, and soon.
	require.NoError(t, passesSoon(t, sys, "payment", payment.Topic, func() (string, error) {
		return p.request(t.Context(), "10.00", "good")
	}))
	good := &ordered{people: p}
	require.NoError(t, passesSoon(t, sys, "order", order.Topic, func() (string, error) {
		good = &ordered{people: p}
		err := good.build(t.Context(), product, customer)
		return good.id, err
	}))
	id, err := good.requestPayment(t.Context())
	require.NoError(t, err)
	require.NoError(t, p.accept(t.Context(), id))
	require.NoError(t, good.reaches(t.Context(), "Paid"))

	// And every service is there, holds no key for nothing, and shows every page.
	for _, service := range journals {
		_, status, err := readiness(sys, service)
		require.NoError(t, err)
		require.Equal(t, "ready", status, service)
		require.Zero(t, stranded(t, sys, service), service)
	}
	opened := 0
	for _, v := range []struct {
		client *testsystem.Client
		pages  []string
	}{
		{p.contractor, fuzzer.pages("/", "/orders", "/payments/", "/orders/")},
		{p.manager, fuzzer.pages("/payments", "/orders", "/products", "/customers", "/payments/", "/orders/", "/products/", "/customers/")},
	} {
		for _, page := range v.pages {
			opened += walk(t, v.client, page)
		}
	}
	t.Logf("%d pages opened", opened)
}

// walk opens a page, and those that follow it.
func walk(t *testing.T, v *testsystem.Client, path string) (opened int) {
	t.Helper()
	for next := path; next != "" && opened < 20; opened++ {
		page, err := v.Open(next)
		if status := new(testsystem.StatusError); err != nil && (!errors.As(err, &status) || status.Status >= 500) {
			t.Errorf("%s: %v", next, err)
			return opened
		}
		next = ""
		if page.Has("Next") {
			for _, link := range page.Links(path) {
				if strings.Contains(link, "after=") {
					next = link
				}
			}
		}
	}
	return opened
}

// allReceived waits until every service has received every topic to its end, as long as they get closer to
// it.
func allReceived(t *testing.T, sys *testsystem.System, stalled time.Duration) {
	t.Helper()
	client := kafka.Open("hostile", connection.Plaintext(sys.Parts.Brokers))
	defer client.Close()
	behind := func() (lag int64, err error) {
		for _, service := range journals {
			topics := []string{payment.Topic, order.Topic}
			if service != testsystem.Core {
				topics = append(topics, catalog.Topic)
			}
			if service == testsystem.Contractor || service == testsystem.Manager {
				topics = append(topics, persons.Topic)
			}
			partitions, err := client.Offsets(t.Context(), service, topics...)
			if err != nil {
				return 0, err
			}
			for _, p := range partitions {
				lag += p.Lag()
			}
		}
		return lag, nil
	}
	least := int64(math.MaxInt64)
	var lag int64
	var err error
	for last := time.Now(); time.Since(last) < stalled; pause(t) {
		if lag, err = behind(); err != nil {
			continue
		}
		if lag == 0 {
			return
		}
		if lag < least {
			least, last = lag, time.Now()
		}
	}
	t.Fatalf("nothing received for %s: %d messages, %v", stalled, lag, err)
}

func pause(t *testing.T) {
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// passesSoon does something good until, at one of a few tries, all journals have it from the topic soon. (The
// machine may be busy with something else for a second; a message that holds up others holds them up each
// time.)
func passesSoon(t *testing.T, sys *testsystem.System, what, topic string, do func() (id string, err error)) error {
	t.Helper()
	var took time.Duration
	for range 5 {
		id, err := do()
		if err != nil {
			return fmt.Errorf("a good %s: %w", what, err)
		}
		watch := servicetest.StartStopwatch(t)
		for _, service := range journals {
			if err := retry(t.Context(), "the good "+what+" in "+service, func() error {
				return recorded(t.Context(), sys.Database[service], topic, id)
			}); err != nil {
				return err
			}
		}
		if took = watch.Took(); took < soon {
			t.Logf("a good %s is everywhere after %s", what, took.Round(time.Millisecond))
			return nil
		}
	}
	return fmt.Errorf("a good %s took %s to all services", what, took)
}

// recorded returns an error unless a journal has something of a subject from the topic, and nothing that is
// not back from it.
func recorded(ctx context.Context, database, topic, subject string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var received, pending int
	err = conn.QueryRow(ctx, "select count(*) filter (where topic = $2), count(*) filter (where log is null) from journal where stream = any($1)",
		[]string{payment.Stream(subject), order.Stream(subject)}, topic).Scan(&received, &pending)
	if err == nil && (received == 0 || pending > 0) {
		err = fmt.Errorf("%d received, %d pending", received, pending)
	}
	return err
}

// count returns what became of the messages, by kind.
func count(t *testing.T, sys *testsystem.System, service string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), sys.Database[service])
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	var text string
	require.NoError(t, conn.QueryRow(t.Context(), `select concat_ws(', ', (select count(*) || ' recorded' from journal),
		(select string_agg(n || ' ' || kind, ', ' order by kind) from (select kind, count(*) as n from dead_letters group by kind) as by_kind),
		(select count(*) || ' keys quarantined' from quarantined_keys))`).Scan(&text))
	return text
}

func stranded(t *testing.T, sys *testsystem.System, service string) int {
	t.Helper()
	db, err := pg.Open(t.Context(), sys.Database[service])
	require.NoError(t, err)
	defer db.Close()
	keys, err := inbox.Stranded(t.Context(), db)
	require.NoError(t, err)
	return len(keys)
}

// pages are the lists, as they are and searched, and the pages of the subjects, of those prefixes that end
// with a slash.
func (f *fuzzer) pages(lists ...string) (pages []string) {
	for _, list := range lists {
		if list != "/" && strings.HasSuffix(list, "/") {
			for _, subject := range f.some(100) {
				pages = append(pages, list+url.PathEscape(subject))
			}
			continue
		}
		pages = append(pages, list, list+"?q="+url.QueryEscape("%_\u202e"))
	}
	return pages
}

// send sends n messages.
func (f *fuzzer) send(t *testing.T, brokers string, n int) {
	t.Helper()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafkago.Writer{
		Addr: kafkago.TCP(strings.Split(brokers, ",")...), RequiredAcks: kafkago.RequireAll, Transport: transport,
		BatchTimeout: time.Millisecond, BatchSize: 2_000, BatchBytes: 3 << 20,
		Balancer: kafkago.BalancerFunc(func(m kafkago.Message, _ ...int) int { return m.WriterData.(int) }),
	}
	for n > 0 {
		messages := make([]kafkago.Message, min(n, 5_000))
		for i := range messages {
			messages[i] = f.next()
		}
		require.NoError(t, w.WriteMessages(t.Context(), messages...))
		n -= len(messages)
	}
	require.NoError(t, w.Close())
}
