package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign.example/ordering-core/order"
	"countersign.example/test/testsystem"
)

// end is how the story of an order ends.
type end struct {
	state order.State
	play  func(o *ordered, ctx context.Context) error
}

// ends are what people do with submitted orders.
var ends = []end{
	{order.StatePaid, func(o *ordered, ctx context.Context) error {
		payment, err := o.requestPayment(ctx)
		if err == nil {
			err = o.accept(ctx, payment)
		}
		if err == nil {
			err = o.reaches(ctx, "Paid")
		}
		return err
	}},
	{order.StateCancelled, func(o *ordered, ctx context.Context) error {
		if _, err := o.requestPayment(ctx); err != nil {
			return err
		}
		return o.cancel(ctx)
	}},
	{order.StateCancelled, func(o *ordered, ctx context.Context) error { // while the money moves, perhaps
		payment, err := o.requestPayment(ctx)
		if err == nil {
			err = o.accept(ctx, payment)
		}
		if err == nil {
			err = o.cancel(ctx)
		}
		return err
	}},
	{order.StateSubmitted, func(*ordered, context.Context) error { return nil }},
}

func TestKillingACoreDuringOrdersLosesNothing(t *testing.T) {
	t.Parallel()
	sys := newSystem(t, shortGatewayTimeout)
	product, customer := sys.Product(t, "CEM-25", "Cement", 7_50), sys.Customer(t, "Linden School", "caretaker@linden-school.example")
	sys.Settle(t) // both apps have them
	expected := map[string]order.State{}
	var mu sync.Mutex

	for _, victim := range []string{testsystem.Ordering, testsystem.Core, testsystem.Contractor} {
		// Given people who build orders and have them paid.
		var work errgroup.Group
		work.SetLimit(3)
		everybody := make([]people, 2*len(ends))
		for i := range everybody {
			everybody[i] = signInBoth(t, sys)
		}
		for i, person := range everybody {
			work.Go(func() error {
				o := &ordered{people: person}
				if err := o.build(t.Context(), product, customer); err != nil {
					return fmt.Errorf("build: %w", err)
				}
				how := ends[i%len(ends)]
				if err := how.play(o, t.Context()); err != nil {
					return fmt.Errorf("order that is to be %s: %w", how.state, err)
				}
				mu.Lock()
				defer mu.Unlock()
				expected[o.id] = how.state
				return nil
			})
			// When a process is killed in the middle of it, and started again.
			if i == len(ends) {
				sys.Kill(victim)
				sys.Start(victim)
			}
		}
		// Then people still get everything done, once it is back.
		require.NoError(t, work.Wait(), "while %s was killed", victim)
		sys.WaitReady(victim)
	}

	// And nothing is lost, nothing doubled: each order is one, has its number, and its money is where it
	// belongs.
	sys.Settle(t)
	sys.CheckInvariants(t)
	orders := sys.Orders(t)
	require.Len(t, orders, len(expected))
	for id, want := range expected {
		got := orders[id].Order
		if want == order.StateCancelled && got.State == order.StatePaid {
			continue // the money was faster
		}
		require.Equal(t, want, got.State, "order %s", id)
		require.Len(t, got.Lines, 1)
		require.EqualValues(t, 2, got.Lines[0].Quantity, "order %s: pressing again added again", id)
	}
}

// ordered is somebody's order, with the page that they have open.
type ordered struct {
	people
	id string
}

// try opens the order's page and does step on it until done reports true.
func (o *ordered) try(ctx context.Context, what string, done func(*testsystem.Page) bool, step func(*testsystem.Page) (*testsystem.Page, error)) error {
	return retry(ctx, what+" "+o.id, func() error {
		page, err := o.contractor.Open("/orders/" + o.id)
		if err != nil {
			return err
		}
		if done(page) {
			return nil
		}
		if page, err = step(page); err != nil {
			return err
		}
		if !done(page) {
			return errors.New("not yet")
		}
		return nil
	})
}

func (o *ordered) build(ctx context.Context, product, customer string) error {
	// The form of the first line is kept: sending it again, after an answer that never came, adds nothing more.
	var form *testsystem.Page
	err := retry(ctx, "begin an order", func() (err error) {
		form, err = o.contractor.Open("/orders/new")
		return err
	})
	if err != nil {
		return err
	}
	o.id = form.URL.Query().Get("id")
	if err := retry(ctx, "add", func() error {
		_, err := form.Press("Add", "Product", product, "Quantity", "2")
		return err
	}); err != nil {
		return err
	}
	if err := o.try(ctx, "choose the customer of", shows("Draft for Linden School"), func(p *testsystem.Page) (*testsystem.Page, error) {
		return p.Press("Choose customer", "Customer", customer)
	}); err != nil {
		return err
	}
	return o.try(ctx, "submit", shows("To be paid by"), func(p *testsystem.Page) (*testsystem.Page, error) { return p.Press("Submit order") })
}

func shows(text string) func(*testsystem.Page) bool {
	return func(p *testsystem.Page) bool { return p.Shows(text) }
}

func (o *ordered) requestPayment(ctx context.Context) (payment string, err error) {
	err = o.try(ctx, "request the payment of", func(p *testsystem.Page) bool {
		for _, link := range p.Links("/payments/") {
			payment = strings.TrimPrefix(link, "/payments/")
		}
		return payment != ""
	}, func(p *testsystem.Page) (*testsystem.Page, error) { return p.Press("Request payment") })
	return payment, err
}

func (o *ordered) reaches(ctx context.Context, state string) error {
	return o.try(ctx, "wait for", shows(state), func(p *testsystem.Page) (*testsystem.Page, error) { return p, nil })
}

// cancel gives up where the order was paid first.
func (o *ordered) cancel(ctx context.Context) error {
	ended := func(p *testsystem.Page) bool { return p.Shows("Ended Cancelled") || !p.Has("Cancel order") }
	return o.try(ctx, "cancel", ended, func(p *testsystem.Page) (*testsystem.Page, error) {
		form, err := p.Press("Cancel order")
		if err != nil {
			return p, err
		}
		return form.Press("Cancel order")
	})
}
