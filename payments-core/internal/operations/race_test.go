package operations

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/ordertest"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// slowGateway holds and releases whatever it is asked to, but gives no hold before it is told to.
type slowGateway struct {
	gateway.Gateway
	answer chan struct{}
}

func (g *slowGateway) Authorize(ctx context.Context, _ gateway.Request) (gateway.Result, error) {
	select {
	case <-g.answer:
		return gateway.Result{Reference: "hold", ExpiresAt: time.Now().Add(time.Hour)}, nil
	case <-ctx.Done():
		return gateway.Result{}, gateway.ErrUnknown
	}
}

func (g *slowGateway) Release(_ context.Context, _, reference string, _ money.Amount) (gateway.Result, error) {
	return gateway.Result{Reference: reference}, nil
}

// race is a payment that the gateway is being asked to authorize, for an order that is about to die.
type race struct {
	t                  *testing.T
	db                 *pg.DB
	journal            *journal.Journal
	service            *Service
	gateway            *slowGateway
	paymentID, orderID string
	offset             atomic.Int64
}

func newRace(t *testing.T) *race {
	db, err := pg.Open(t.Context(), newURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	r := &race{t: t, db: db, journal: journal.New(db, "/payments-core"), gateway: &slowGateway{answer: make(chan struct{})},
		paymentID: uuid.NewString(), orderID: uuid.NewString()}
	if r.service, err = NewService(db, r.journal, Rules{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	r.work(r.gateway, Timing{})
	r.receive(nil, r.ofPayment("ada", payment.Requested{PaymentID: r.paymentID, ContractorID: "ada", OrderID: r.orderID,
		Amount: money.Amount{Minor: 10_00, Currency: "EUR"}, Description: "A fence", CaptureMethod: payment.Manual}),
		r.ofPayment("mia", payment.Accepted{}))
	return r
}

func newURL(t *testing.T) string {
	return pgtest.NewURL(t, journal.Migrations, processlock.Migrations, migrations.Set, JobMigrations)
}

// work works the jobs until the test ends.
func (r *race) work(g gateway.Gateway, timing Timing) {
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, r.service, NewCaller(r.service, g, time.Hour, log, prometheus.NewRegistry()), timing, log)
	}()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
	})
}

func (r *race) ofPayment(actor string, body payment.Body) journal.Received {
	e := payment.New(payment.Writer(body.EventType()), r.paymentID, body)
	e.Time, e.Meta = time.Now(), event.Meta{Actor: actor}
	return journal.Received{Event: e, Stream: payment.Stream(r.paymentID), Topic: payment.Topic}
}

// death is the order, until it expires.
func (r *race) death() []journal.Received {
	history := ordertest.Submitted(r.orderID, money.Amount{Minor: 10_00, Currency: "EUR"})
	history.Append(event.Meta{}, order.Expired{})
	var received []journal.Received
	for _, e := range history.Events() {
		received = append(received, journal.Received{Stream: order.Stream(r.orderID), Topic: order.Topic, Event: e})
	}
	return received
}

// receive records events as the consumer does; meanwhile is called before the commit.
func (r *race) receive(meanwhile func(), received ...journal.Received) {
	for i := range received {
		received[i].Offset = r.offset.Add(1)
	}
	err := r.db.InTx(r.t.Context(), func(tx *pg.Tx) error {
		if err := processlock.Before(releasing.Members)(r.t.Context(), tx, received); err != nil {
			return err
		}
		changed, _, err := r.journal.Receive(r.t.Context(), tx, received)
		if err != nil {
			return err
		}
		if err := r.service.Project(r.t.Context(), tx, changed); err != nil {
			return err
		}
		if meanwhile != nil {
			meanwhile()
		}
		return nil
	})
	if err != nil {
		r.t.Error(err)
	}
}

// waiting returns once so many connections wait for a lock.
func (r *race) waiting(n int) {
	r.eventually("somebody waits for a lock", func() bool {
		var waiting int
		err := r.db.Pool().QueryRow(r.t.Context(), `select count(*) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock' and wait_event <> 'advisory'`).Scan(&waiting)
		return err == nil && waiting == n
	})
}

func (r *race) eventually(what string, condition func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			r.t.Errorf("never: %s", what)
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// releasedOnce says how the race must end, whoever wins.
func (r *race) releasedOnce() {
	r.t.Helper()
	var types, kinds []string
	r.eventually("released", func() bool {
		stream, err := r.journal.Read(r.t.Context(), payment.Stream(r.paymentID))
		if err != nil {
			return false
		}
		types = nil
		for _, record := range stream.Records {
			types = append(types, record.Type)
		}
		return slices.Contains(types, payment.TypeReleased)
	})
	if want := []string{payment.TypeRequested, payment.TypeAccepted, payment.TypeAuthorized, payment.TypeReleased}; !slices.Equal(types, want) {
		r.t.Errorf("the story is %v", types)
	}
	histories, err := Histories(r.t.Context(), r.db.Pool(), r.paymentID)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, o := range histories[r.paymentID] {
		kinds = append(kinds, string(o.Kind)+" "+string(o.State))
	}
	if want := []string{"authorize succeeded", "release succeeded"}; !slices.Equal(kinds, want) {
		r.t.Errorf("the operations are %v", kinds)
	}
}

func TestTheOrdersDeathIsRecordedAndThenTheHold(t *testing.T) {
	r := newRace(t)
	// given a transaction that has recorded the order's death, and found nothing to release
	r.receive(func() {
		// when the hold comes before that commits, then recording it waits
		close(r.gateway.answer)
		r.waiting(1)
	}, r.death()...)
	// and who waited lets the hold go
	r.releasedOnce()
}

func TestTheHoldIsRecordedAndThenTheOrdersDeath(t *testing.T) {
	r := newRace(t)
	died := make(chan struct{})
	// given a transaction that is about to record the hold: it has the process lock, and waits for the payment's
	// stream
	err := r.db.InTx(t.Context(), func(tx *pg.Tx) error {
		if _, err := r.journal.Load(t.Context(), tx, payment.Stream(r.paymentID)); err != nil {
			return err
		}
		close(r.gateway.answer)
		r.waiting(1)
		// when the order's death is received meanwhile, then it waits for the process lock
		go func() { defer close(died); r.receive(nil, r.death()...) }()
		r.waiting(2)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	<-died
	// and who waited lets the hold go
	r.releasedOnce()
}

func TestTwoInstancesLetGoOnce(t *testing.T) {
	r := newRace(t)
	// given a hold
	close(r.gateway.answer)
	r.eventually("a hold", func() bool {
		p, history, err := r.service.Get(t.Context(), r.paymentID)
		_, open := history.Open()
		return err == nil && p.Money == payment.MoneyAuthorized && !open
	})
	// when four consumers receive the order's death at the same time
	death := r.death()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { r.receive(nil, slices.Clone(death)...) })
	}
	wg.Wait()
	// then it is released, once
	r.releasedOnce()
}
