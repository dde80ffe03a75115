package faults

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign.example/deploy/reconcile"
	"countersign.example/test/testsystem"
)

// What is under way is no difference: neither what is published, received, asked of the gateway and shown
// while everything is compared, nor what the two cores say to each other about an order's money.
func TestReconcileFindsNothingWhilePeopleWork(t *testing.T) {
	t.Parallel()
	sys := newSystem(t, shortGatewayTimeout)
	product, customer := sys.Product(t, "CEM-25", "Cement", 7_50), sys.Customer(t, "Linden School", "caretaker@linden-school.example")
	sys.Settle(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var work errgroup.Group
	for i := range 4 {
		person := signInBoth(t, sys)
		work.Go(func() error {
			for n := i; ctx.Err() == nil; n++ {
				if _, err := person.play(t.Context(), scenarios[n%len(scenarios)], "while it is compared"); err != nil {
					return err
				}
				o := &ordered{people: person}
				if err := o.build(t.Context(), product, customer); err != nil {
					return err
				}
				if err := ends[n%len(ends)].play(o, t.Context()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	compared := 0
	for range 6 {
		report := sys.Reconcile(t)
		require.Empty(t, report.Differences)
		require.Greater(t, report.Compared.Events, compared, "nobody has worked meanwhile")
		compared = report.Compared.Events
	}
	stop()
	require.NoError(t, work.Wait())
	sys.Settle(t)
	sys.CheckInvariants(t)
}

// A service that receives nothing is no difference either: it cannot be compared, and that is said.
func TestReconcileSaysWhoHasNotReceivedWhatThereIs(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	p := signInBoth(t, sys)
	require.NoError(t, sys.Stop(testsystem.Manager))
	_, err := p.request(t.Context(), "10.00", "nobody sees it")
	require.NoError(t, err)
	c := sys.ReconcileConfig()
	c.Patience = 1
	// contractor-ui too may not have received it yet.
	testsystem.Eventually(t, "only manager-ui has not received it", func() error {
		if len(sys.Topic(t)) == 0 {
			return errors.New("the topic is empty")
		}
		_, err = reconcile.Run(t.Context(), c)
		if err == nil || strings.Contains(err.Error(), "manager-ui has received payments/") {
			return nil
		}
		return err
	})
	require.ErrorContains(t, err, "manager-ui has received payments/")
	require.ErrorContains(t, err, "does its consumer run?")
}
