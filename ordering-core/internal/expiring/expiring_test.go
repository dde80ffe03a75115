package expiring_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/internal/confirming"
	"countersign.example/ordering-core/internal/expiring"
	"countersign.example/ordering-core/internal/orders/orderstest"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

var noon = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// fixture is a database with a sweeper.
type fixture struct {
	*orderstest.Fixture
	*expiring.Sweeper
	t *testing.T
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	o := orderstest.New(t, noon)
	return &fixture{o, newSweeper(o), t}
}

func newSweeper(o *orderstest.Fixture) *expiring.Sweeper {
	return expiring.NewSweeper(o.DB, o.Service, confirming.New(o.Journal, o.Service), slog.New(slog.DiscardHandler))
}

// submitted returns an order that expires a day later.
func (c *fixture) submitted() order.Order {
	c.t.Helper()
	o, err := c.Enter(c.Ready())
	if err != nil {
		c.t.Fatal(err)
	}
	return o
}

func (c *fixture) sweeps(want int) {
	c.t.Helper()
	if got, err := c.Sweep(c.t.Context()); err != nil || got != want {
		c.t.Errorf("swept %d, %v, not %d", got, err, want)
	}
}

func (c *fixture) is(id string, want order.State) order.Order {
	c.t.Helper()
	o, err := c.Get(c.t.Context(), id)
	if err != nil || o.State != want {
		c.t.Errorf("the order is %q, %v, not %q", o.State, err, want)
	}
	return o
}

// receive records events of a payment for an order as the consumer does.
func (c *fixture) receive(orderID, paymentID string, events ...happened) {
	c.t.Helper()
	stream := "payment-" + paymentID
	err := c.DB.InTx(c.t.Context(), func(tx *pg.Tx) error {
		if _, err := processlock.Acquire(c.t.Context(), tx, []processlock.Member{{Process: orderID, Stream: stream}}); err != nil {
			return err
		}
		received := make([]journal.Received, len(events))
		for i, of := range events {
			e := of(orderID, paymentID)
			e.ID, e.Source, e.Subject, e.Time = event.NewID(), cmp.Or(e.Source, payment.Writer(e.Type)), paymentID, c.Now()
			received[i] = journal.Received{Event: e, Stream: stream, Topic: "payments"}
		}
		changed, _, err := c.Journal.Receive(c.t.Context(), tx, received)
		if err != nil {
			return err
		}
		return c.Project(c.t.Context(), tx, changed)
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// happened is what happens to a payment for an order.
type happened func(orderID, paymentID string) event.Event

// requested is what pays an order, but for what the test changes of it.
func requested(change map[string]any) happened {
	return func(orderID, paymentID string) event.Event {
		data := map[string]any{
			"payment_id": paymentID, "order_id": orderID, "description": "A fence", "contractor_id": orderstest.Contractor, "amount": money.Amount{Minor: 25_00, Currency: "EUR"},
			"capture_method": "automatic",
		}
		maps.Copy(data, change)
		actor, _ := data["contractor_id"].(string)
		raw, err := json.Marshal(data)
		if err != nil {
			panic(err)
		}
		return event.Event{Type: "payment_requested", Meta: event.Meta{Actor: actor}, Data: raw}
	}
}

// by is what somebody did; nobody for what payments-core says.
func by(actor, typ, data string) happened {
	return func(string, string) event.Event {
		return event.Event{Type: typ, Meta: event.Meta{Actor: actor}, Data: []byte(data)}
	}
}

func plain(typ string) happened {
	return by(map[string]string{"payment_withdrawn": orderstest.Contractor, "payment_accepted": "mia", "payment_rejected": "mia"}[typ], typ, `{"reason":"so it is","gateway_reference":"hold"}`)
}

func declined(final bool) happened {
	return by("", "payment_declined", fmt.Sprintf(`{"code":"no_funds","final":%t}`, final))
}

func TestAnOrderExpiresInTime(t *testing.T) {
	c := newFixture(t)
	o := c.submitted()

	c.Advance(day - time.Second)
	c.sweeps(0)
	c.is(o.ID, order.StateSubmitted)

	c.Advance(time.Second)
	c.sweeps(1)
	expired := c.is(o.ID, order.StateExpired)
	if expired.Expired.By != "" || expired.Reason == "" || expired.Sequence != o.Sequence+1 {
		t.Errorf("it expired as %+v, %q, %d", expired.Expired, expired.Reason, expired.Sequence)
	}
	// and never again
	c.Advance(365 * day)
	c.sweeps(0)
}

func TestADraftExpiresWhenItHasLainIdle(t *testing.T) {
	c := newFixture(t)
	draft := c.Ready()

	// given an edit after 29 days
	c.Advance(29 * day)
	c.Must(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
		return c.Add(ctx, tx, orderstest.Mine(draft.ID), orderstest.Fence.ID, 1)
	})
	// then it lives for 30 more
	c.Advance(30*day - time.Second)
	c.sweeps(0)
	c.Advance(time.Second)
	c.sweeps(1)
	c.is(draft.ID, order.StateExpired)
}

func TestWhatHasEndedDoesNotExpire(t *testing.T) {
	c := newFixture(t)
	paid, cancelled := c.submitted(), c.submitted()
	c.Must(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
		return c.Cancel(ctx, tx, orderstest.Mine(cancelled.ID), order.Seen{}, "", "contractor")
	})
	c.Must(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
		held, err := c.Load(ctx, tx, paid.ID)
		if err != nil {
			return order.Order{}, err
		}
		body, err := held.Order.Pay(uuid.NewString(), paid.Total, orderstest.Contractor)
		if err != nil {
			return order.Order{}, err
		}
		return held.Order, c.Record(ctx, tx, held, body)
	})
	c.Advance(2 * day)
	c.sweeps(0)
	c.is(paid.ID, order.StatePaid)
	c.is(cancelled.ID, order.StateCancelled)
}

func TestAPaymentUnderWayHoldsExpiryBack(t *testing.T) {
	pays, accepted := requested(nil), plain("payment_accepted")
	asked := func(change map[string]any) []happened { return []happened{requested(change), accepted} }
	tests := map[string]struct {
		events []happened
		held   bool
	}{
		"none":                            {nil, false},
		"not decided":                     {[]happened{pays}, false},
		"rejected":                        {[]happened{pays, plain("payment_rejected")}, false},
		"accepted":                        {[]happened{pays, accepted}, true},
		"accepted by its contractor":      {[]happened{pays, by(orderstest.Contractor, "payment_accepted", `{}`)}, false},
		"accepted by nobody":              {[]happened{pays, by("", "payment_accepted", `{}`)}, false},
		"accepted after it was withdrawn": {[]happened{pays, plain("payment_withdrawn"), accepted}, false},
		"withdrawn by somebody else":      {[]happened{pays, by("eve", "payment_withdrawn", `{}`), accepted}, true},
		"withdrawn after it was accepted": {[]happened{pays, accepted, plain("payment_withdrawn")}, true},
		"authorized":                      {[]happened{pays, accepted, plain("payment_authorized")}, true},
		"declined, and to be tried again": {[]happened{pays, accepted, declined(false)}, true},
		"declined for good":               {[]happened{pays, accepted, declined(true)}, false},
		"declined as often as it goes":    {[]happened{pays, accepted, declined(false), declined(false), declined(false), declined(false)}, false},
		"released":                        {[]happened{pays, accepted, plain("payment_authorized"), plain("payment_released")}, false},
		"cancelled":                       {[]happened{pays, accepted, plain("payment_cancelled")}, false},
		"what this version does not know": {[]happened{pays, accepted, plain("payment_blessed")}, true},
		"a hold that waits for a manager": {asked(map[string]any{"capture_method": "manual"}), false},
		"a request not understood":        {asked(map[string]any{"capture_method": 7}), false},
		"another contractor's":            {asked(map[string]any{"contractor_id": "eve"}), false},
		"of another amount":               {asked(map[string]any{"amount": money.Amount{Minor: 24_99, Currency: "EUR"}}), false},
		"of another currency":             {asked(map[string]any{"amount": money.Amount{Minor: 25_00, Currency: "USD"}}), false},
		"for another order":               {asked(map[string]any{"order_id": uuid.NewString()}), false},
		"requested in another's name": {[]happened{func(orderID, paymentID string) event.Event {
			e := pays(orderID, paymentID)
			e.Actor = "eve"
			return e
		}, accepted}, false},
		"accepted, says another service": {[]happened{pays, func(orderID, paymentID string) event.Event {
			e := accepted(orderID, paymentID)
			e.Source = "/contractor-ui"
			return e
		}}, false},
		"requested again, as manual":    {[]happened{pays, requested(map[string]any{"capture_method": "manual"}), accepted}, true},
		"requested again, as automatic": {[]happened{requested(map[string]any{"capture_method": "manual"}), pays, accepted}, false},
	}
	c := newFixture(t)
	due, held := map[string]string{}, 0
	for name, test := range tests {
		o := c.submitted()
		due[name] = o.ID
		if len(test.events) > 0 {
			c.receive(o.ID, uuid.NewString(), test.events...)
		}
		if test.held {
			held++
		}
	}
	all := func(when string, want func(held bool) order.State) {
		for name, test := range tests {
			if o, err := c.Get(t.Context(), due[name]); err != nil || o.State != want(test.held) {
				t.Errorf("%s: %s it is %q, %v", name, when, o.State, err)
			}
		}
	}
	waiting := func(held bool) order.State {
		if held {
			return order.StateSubmitted
		}
		return order.StateExpired
	}
	c.Advance(day)
	c.sweeps(len(tests) - held)
	all("when it is due", waiting)
	// 15 minutes at most
	c.Advance(expiring.MaxDelay - time.Second)
	c.sweeps(0)
	all("before the time is up", waiting)
	c.Advance(time.Second)
	c.sweeps(held)
	all("after 15 minutes", func(bool) order.State { return order.StateExpired })
}

func TestAnOutcomeEndsTheHold(t *testing.T) {
	c := newFixture(t)
	o, payment := c.submitted(), uuid.NewString()
	c.receive(o.ID, payment, requested(nil), plain("payment_accepted"))
	c.Advance(day)
	c.sweeps(0)

	c.receive(o.ID, payment, declined(true))
	c.sweeps(1)
	c.is(o.ID, order.StateExpired)
}

func TestTwoSweepAtOnce(t *testing.T) {
	c := newFixture(t)
	var due []order.Order
	for range 30 {
		due = append(due, c.submitted())
	}
	c.Advance(day)
	var mu sync.Mutex
	expired := 0
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			sweeper := newSweeper(c.Fixture)
			did, err := sweeper.Sweep(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			expired += did
		})
	}
	wg.Wait()
	if expired != len(due) {
		t.Errorf("they expired %d of %d orders", expired, len(due))
	}
	for _, o := range due {
		if got := c.is(o.ID, order.StateExpired); got.Sequence != o.Sequence+1 {
			t.Errorf("the order is at %d", got.Sequence)
		}
	}
}

func TestOneBadOrderDoesNotStopTheOthers(t *testing.T) {
	c := newFixture(t)
	bad, good := c.submitted(), c.submitted()
	// given an order whose record cannot be written on: the next place in its stream is taken
	c.exec("update streams set version = version - 1 where stream = $1", order.Stream(bad.ID))
	c.Advance(day)

	c.sweeps(1)
	c.is(good.ID, order.StateExpired)
	c.is(bad.ID, order.StateSubmitted)
	c.sweeps(0) // it is put off

	// when it is mended, then it expires too
	c.exec("update streams set version = version + 1 where stream = $1", order.Stream(bad.ID))
	c.Advance(time.Minute)
	c.sweeps(1)
	c.is(bad.ID, order.StateExpired)
}

func (c *fixture) exec(sql string, args ...any) {
	c.t.Helper()
	if _, err := c.DB.Pool().Exec(c.t.Context(), sql, args...); err != nil {
		c.t.Fatal(err)
	}
}

// TestAnOrderThatIsHeldDoesNotStopTheOthers: who holds it may take long, and may hold its deadline too.
func TestAnOrderThatIsHeldDoesNotStopTheOthers(t *testing.T) {
	c := newFixture(t)
	held, deadline, free := c.submitted(), c.submitted(), c.submitted()
	c.Advance(day)
	holds, finish := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- c.DB.InTx(t.Context(), func(tx *pg.Tx) error {
			if _, err := processlock.Acquire(t.Context(), tx, nil, order.Stream(held.ID), order.Stream(deadline.ID)); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), "update deadlines set last_error = '' where order_id = $1", deadline.ID)
			close(holds)
			<-finish
			return err
		})
	}()
	<-holds

	// when it is swept meanwhile, then the other one expires
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if got, err := c.Sweep(ctx); err != nil || got != 1 {
		t.Errorf("swept %d, %v", got, err)
	}
	c.is(free.ID, order.StateExpired)
	c.is(held.ID, order.StateSubmitted)
	c.is(deadline.ID, order.StateSubmitted)

	// and those that were held follow
	close(finish)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	c.sweeps(1)
	c.Advance(time.Second)
	c.sweeps(1)
	c.is(held.ID, order.StateExpired)
	c.is(deadline.ID, order.StateExpired)
}

func TestANetworkThatCarriesNothingHoldsUpNoSweepForLong(t *testing.T) {
	t.Parallel()
	// given a sweeper on the other side of a network from its database, which waits for a table
	c := newFixture(t)
	o := c.submitted()
	c.Advance(day)
	network := pgtest.NewProxy(t, c.DB.URL())
	far := network.Open(t)
	lock, err := c.DB.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Rollback(context.WithoutCancel(t.Context())) })
	if _, err := lock.Exec(t.Context(), "lock table deadlines in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- expiring.NewSweeper(far, c.Service, confirming.New(c.Journal, c.Service), slog.New(slog.DiscardHandler)).Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for waits := false; !waits; <-tick.C {
		const query = "select exists (select from pg_locks where not granted and relation = 'deadlines'::regclass)"
		if err := lock.QueryRow(t.Context(), query).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}

	// when its connections carry nothing any more, without being closed
	network.Swallow()
	swallowed := time.Now()
	if err := lock.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}

	// then it sweeps on new ones
	for state := order.StateSubmitted; state != order.StateExpired; <-tick.C {
		got, err := c.Get(t.Context(), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		if state = got.State; time.Since(swallowed) > 45*time.Second {
			t.Fatal("it never expired")
		}
	}
}

func TestTheLeaderSweepsByItself(t *testing.T) {
	c := newFixture(t)
	o := c.submitted()
	c.Advance(day)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	deadline := time.After(20 * time.Second)
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		if got, err := c.Get(t.Context(), o.ID); err == nil && got.State == order.StateExpired {
			break
		}
		select {
		case <-deadline:
			t.Fatal("it never expired")
		case <-tick.C:
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
