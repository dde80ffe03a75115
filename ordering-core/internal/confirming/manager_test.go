package confirming_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"countersign.example/ordering-core/internal/confirming"
	"countersign.example/ordering-core/internal/orders/orderstest"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/pg"
)

// fixture is a database with a process manager, and a submitted order of 25.00 EUR.
type fixture struct {
	*orderstest.Fixture
	manager *confirming.Manager
	orderID string
}

func newFixture(t *testing.T) *fixture {
	o := &fixture{Fixture: orderstest.New(t, noon)}
	o.manager = confirming.New(o.Journal, o.Service)
	o.orderID = o.submitted(t)
	return o
}

func (o *fixture) submitted(t *testing.T) string {
	t.Helper()
	entered, err := o.Enter(o.Ready())
	if err != nil {
		t.Fatal(err)
	}
	return entered.ID
}

// captured are the events of a payment for an order whose money has moved.
func captured(orderID string) []journal.Received {
	id := uuid.NewString()
	requested := payment.Requested{PaymentID: id, ContractorID: orderstest.Contractor, OrderID: orderID, Amount: eur(25_00), Description: "Order", CaptureMethod: payment.Automatic}
	events := []event.Event{of(id, orderstest.Contractor, 0, requested), acceptedBy("mia", id), of(id, "", 1, payment.Authorized{GatewayReference: "hold"}), capturedOf(id, 1, eur(25_00))}
	received := make([]journal.Received, len(events))
	for i, e := range events {
		received[i] = journal.Received{Event: e, Stream: payment.Stream(id), Topic: payment.Topic, Offset: int64(i)}
	}
	return received
}

// receive records events as the consumer does.
func (o *fixture) receive(t *testing.T, received ...journal.Received) {
	t.Helper()
	err := o.DB.InTx(t.Context(), func(tx *pg.Tx) error {
		if err := processlock.Before(confirming.Members)(t.Context(), tx, received); err != nil {
			return err
		}
		changed, _, err := o.Journal.Receive(t.Context(), tx, received)
		if err != nil {
			return err
		}
		return o.manager.Project(t.Context(), tx, changed)
	})
	if err != nil {
		t.Error(err)
	}
}

// ends are the types of an order's events since it was submitted, sorted.
func (o *fixture) ends(t *testing.T, orderID string) (types []string) {
	t.Helper()
	stream, err := o.Journal.Read(t.Context(), order.Stream(orderID))
	if err != nil {
		t.Fatal(err)
	}
	for i, record := range stream.Records {
		if record.Sequence != int64(i+1) {
			t.Errorf("event %d of order %s has sequence %d", i+1, orderID, record.Sequence)
		}
		switch record.Type {
		case order.TypePaid, order.TypePaymentRefused, order.TypeExpired, order.TypeCancelled:
			types = append(types, record.Type)
		}
	}
	slices.Sort(types)
	return types
}

func TestACapturePaysTheOrder(t *testing.T) {
	o := newFixture(t)
	payment := captured(o.orderID)

	// when they are received, one by one, and again
	for _, received := range payment {
		o.receive(t, received)
	}
	o.receive(t, payment...)

	// then the order is paid, once, because of the capture
	if got := o.ends(t, o.orderID); !slices.Equal(got, []string{order.TypePaid}) {
		t.Errorf("the order has %v", got)
	}
	stream, err := o.Journal.Read(t.Context(), order.Stream(o.orderID))
	if err != nil {
		t.Fatal(err)
	}
	if last := stream.Records[len(stream.Records)-1]; last.CausationID != payment[len(payment)-1].ID.String() || last.Actor != "" {
		t.Errorf("it was paid because of %+v", last.Meta)
	}
}

func TestAPaymentForNoOrderThatThereIsIsRefused(t *testing.T) {
	o := newFixture(t)
	unknown := uuid.NewString()
	o.receive(t, captured(unknown)...)
	if got := o.ends(t, unknown); !slices.Equal(got, []string{order.TypePaymentRefused}) {
		t.Errorf("it has %v", got)
	}
}

func TestTwoInstancesDoTheWorkOnce(t *testing.T) {
	o := newFixture(t)
	first, second := captured(o.orderID), captured(o.orderID)

	// when four consumers receive two payments at the same time, each twice
	var wg sync.WaitGroup
	for _, payment := range [][]journal.Received{first, second, first, second} {
		wg.Go(func() { o.receive(t, payment...) })
	}
	wg.Wait()

	// then one pays, and the other one is refused
	if got := o.ends(t, o.orderID); !slices.Equal(got, []string{order.TypePaid, order.TypePaymentRefused}) {
		t.Errorf("the order has %v", got)
	}
}

// TestAnOrderDiesWhileItsPaymentIsCaptured: whichever transaction comes second sees the first.
func TestAnOrderDiesWhileItsPaymentIsCaptured(t *testing.T) {
	o := newFixture(t)
	outcomes := map[string]int{}
	for range 20 {
		id := o.submitted(t)
		payment := captured(id)
		o.receive(t, payment[:3]...)
		var wg sync.WaitGroup
		wg.Go(func() { o.receive(t, payment[3]) })
		wg.Go(func() {
			_, _ = o.Do(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
				return o.Cancel(ctx, tx, orderstest.Mine(id), order.Seen{}, "no longer wanted", "contractor")
			})
		})
		wg.Wait()
		switch got := o.ends(t, id); {
		case slices.Equal(got, []string{order.TypePaid}), slices.Equal(got, []string{order.TypeCancelled, order.TypePaymentRefused}):
			outcomes[got[0]]++
		default:
			t.Errorf("order %s has %v", id, got)
		}
	}
	t.Logf("who came first: %v", outcomes)
}
