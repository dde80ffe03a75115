package faults

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign.example/test/testsystem"
)

func TestKillingAnyProcessDuringTheStoryLosesNothing(t *testing.T) {
	// Given people at work.
	sys := testsystem.New(t, shortGatewayTimeout)
	p := meet(t, sys)
	told := map[string]outcome{}
	var mu sync.Mutex

	for _, victim := range []string{testsystem.Core, testsystem.Gateway, testsystem.Contractor, testsystem.Manager} {
		var work errgroup.Group
		work.SetLimit(4)
		// When one process is killed in the middle of it, and started again.
		for i, plot := range plots {
			work.Go(func() error {
				id, err := p.request(t.Context(), plot.amount, fmt.Sprintf("Work-%s-%d", victim, i))
				if err != nil {
					return err
				}
				mu.Lock()
				told[id] = plot.outcome
				mu.Unlock()
				return plot.decide(p, t.Context(), id)
			})
			if i == len(plots)/2 {
				sys.Kill(victim)
				sys.Start(victim)
			}
		}
		// Then people still get everything done, once it is back.
		require.NoError(t, work.Wait(), "while %s was killed", victim)
		sys.WaitReady(victim)
	}

	// And nothing is lost, nothing doubled, and all agree.
	sys.Settle(t)
	checkOutcomes(t, told, sys.CheckInvariants(t))
}
