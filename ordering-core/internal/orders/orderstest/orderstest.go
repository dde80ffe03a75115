// Package orderstest gives a test the service of orders on a real database, with a catalog and a clock that
// it can set.
package orderstest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/internal/orders"
	"countersign.example/ordering-core/migrations"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// Contractor is whose orders they are.
const Contractor = "ada"

// What the catalog has at first.
var (
	CustomerID = uuid.NewString()
	Fence      = order.Product{ID: uuid.NewString(), SKU: "F-1", Name: "Fence", Price: money.Amount{Minor: 12_50, Currency: "EUR"}}
	Gate       = order.Product{ID: uuid.NewString(), SKU: "G-1", Name: "Gate", Price: money.Amount{Minor: 99_00, Currency: "EUR"}, Archived: true}
)

// Fixture is a service with what it needs.
type Fixture struct {
	*orders.Service
	DB      *pg.DB
	Journal *journal.Journal

	tb       testing.TB
	now      atomic.Pointer[time.Time]
	mu       sync.Mutex
	products map[string]order.Product
}

// New returns a fixture whose clock stands at now.
func New(tb testing.TB, now time.Time) *Fixture {
	tb.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		tb.Fatal(err)
	}
	o := &Fixture{tb: tb, products: map[string]order.Product{Fence.ID: Fence, Gate.ID: Gate}}
	o.DB = pgtest.New(tb, journal.Migrations, processlock.Migrations, migrations.Set)
	o.SetNow(now)
	o.Journal = journal.New(o.DB, "/ordering-core")
	o.Service = orders.NewService(o.Journal, o, orders.Rules{
		OrderTTL: 24 * time.Hour, DraftTTL: 30 * 24 * time.Hour, Zone: berlin, Clock: func() time.Time { return *o.now.Load() },
	})
	return o
}

// SetNow sets the clock.
func (o *Fixture) SetNow(now time.Time) { o.now.Store(&now) }

// Advance moves the clock on.
func (o *Fixture) Advance(d time.Duration) { o.SetNow(o.now.Load().Add(d)) }

// SetProduct adds or replaces a product of the catalog.
func (o *Fixture) SetProduct(p order.Product) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.products[p.ID] = p
}

// Products and Customers make the fixture an orders.Catalog.
func (o *Fixture) Products(_ *pg.Tx, ids ...string) map[string]order.Product {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := map[string]order.Product{}
	for _, id := range ids {
		if p, ok := o.products[id]; ok {
			found[id] = p
		}
	}
	return found
}

// Customers knows one.
func (o *Fixture) Customers(_ *pg.Tx, ids ...string) map[string]orders.Customer {
	found := map[string]orders.Customer{}
	if slices.Contains(ids, CustomerID) {
		found[CustomerID] = orders.Customer{ID: CustomerID, Name: "Garden Ltd"}
	}
	return found
}

// Do runs a command of the contractor in a transaction of its own.
func (o *Fixture) Do(command func(ctx context.Context, tx *pg.Tx) (order.Order, error)) (after order.Order, err error) {
	ctx := event.WithMeta(o.tb.Context(), event.Meta{Actor: Contractor, ActorName: "Ada Nowak"})
	err = o.DB.InTx(ctx, func(tx *pg.Tx) error {
		after, err = command(ctx, tx)
		return err
	})
	return after, err
}

// Must is Do for what has to work.
func (o *Fixture) Must(command func(ctx context.Context, tx *pg.Tx) (order.Order, error)) order.Order {
	o.tb.Helper()
	after, err := o.Do(command)
	if err != nil {
		o.tb.Fatal(err)
	}
	return after
}

// Ready returns a draft of two fences that can be submitted.
func (o *Fixture) Ready() order.Order {
	o.tb.Helper()
	id := uuid.NewString()
	o.Must(func(ctx context.Context, tx *pg.Tx) (order.Order, error) { return o.Draft(ctx, tx, id, Contractor) })
	o.Must(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
		return o.Add(ctx, tx, Mine(id), Fence.ID, 2)
	})
	return o.Must(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
		return o.ChooseCustomer(ctx, tx, Mine(id), CustomerID)
	})
}

// Enter submits a draft as it was seen.
func (o *Fixture) Enter(draft order.Order) (order.Order, error) {
	return o.Do(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
		return o.Submit(ctx, tx, Mine(draft.ID), order.Seen{Sequence: draft.Sequence, Total: draft.Total}, time.Time{})
	})
}

// Mine is an order of the contractor's.
func Mine(id string) orders.Target { return orders.Target{OrderID: id, Contractor: Contractor} }
