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
	t.Parallel()
	// Given people at work.
	sys := newSystem(t, shortGatewayTimeout)
	p := signInBoth(t, sys)
	expected := map[string]outcome{}
	var mu sync.Mutex

	for _, victim := range []string{testsystem.Core, testsystem.Gateway, testsystem.Contractor, testsystem.Manager} {
		var work errgroup.Group
		work.SetLimit(4)
		// When one process is killed in the middle of it, and started again.
		for i, scenario := range scenarios {
			work.Go(func() error {
				id, err := p.request(t.Context(), scenario.amount, fmt.Sprintf("Work-%s-%d", victim, i))
				if err != nil {
					return err
				}
				mu.Lock()
				expected[id] = scenario.outcome
				mu.Unlock()
				return scenario.decide(p, t.Context(), id)
			})
			if i == len(scenarios)/2 {
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
	checkOutcomes(t, expected, sys.CheckInvariants(t))
}
