package faults

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign.example/payments-core/payment"
	"countersign.example/test/testsystem"
)

// races is how many payments are withdrawn and accepted at the same time.
const races = 16

func TestWithdrawingRacesAccepting(t *testing.T) {
	t.Parallel()
	t.Run("both at once", func(t *testing.T) {
		t.Parallel()
		sys := newSystem(t)
		race(t, sys, func() {}, func() {})
	})

	// Without Kafka neither app can know of the other's decision: both are taken, and the log arbitrates.
	t.Run("both before either can be received", func(t *testing.T) {
		t.Parallel()
		sys := newSystem(t)
		sys.Parts.NeedEmbeddedKafka(t)
		contested := race(t, sys, sys.Parts.StopKafka, func() { sys.Parts.StartKafka(t) })
		require.Equal(t, races, contested, "payments with two decisions in the topic")
	})
}

// race has every payment withdrawn and accepted at once, between before and after, and returns how many have
// both decisions in the topic.
func race(t *testing.T, sys *testsystem.System, before, after func()) (contested int) {
	// Given the pages of some payments, open at both people's.
	p := signInBoth(t, sys)
	type pages struct{ contractor, manager *testsystem.Page }
	open := map[string]pages{}
	for i := range races {
		id, err := p.request(t.Context(), "10.00", fmt.Sprintf("Race-%d", i))
		require.NoError(t, err)
		testsystem.Eventually(t, "both have the page", func() (err error) {
			var both pages
			if both.manager, err = p.manager.Open("/payments/" + id); err != nil {
				return err
			}
			both.contractor, err = p.contractor.Open("/payments/" + id)
			open[id] = both
			return err
		})
	}

	// When both press their button at the same time.
	before()
	for _, both := range open {
		var presses errgroup.Group
		start := make(chan struct{})
		for page, button := range map[*testsystem.Page]string{both.contractor: "Withdraw", both.manager: "Accept"} {
			presses.Go(func() error {
				<-start
				_, _ = page.Press(button) // whether it is refused at once is a matter of luck
				return nil
			})
		}
		close(start)
		require.NoError(t, presses.Wait())
	}
	after()

	// Then one of them has decided, everywhere, and the other is answered why it was not them.
	sys.Settle(t)
	topic := sys.CheckInvariants(t)
	require.Len(t, topic, races)
	for id, story := range topic {
		why := map[payment.Decision]string{
			payment.DecisionAccepted:  "not withdrawn: Mia Weber had already accepted it",
			payment.DecisionWithdrawn: "not accepted: Ada Nowak had already withdrawn it",
		}[story.Payment.Decision]
		require.NotEmpty(t, why, "payment %s is %s", id, story.Payment.Decision)
		lost := 0
		for _, step := range story.Steps {
			if !step.Effect {
				lost++
			}
		}
		if lost == 0 {
			continue // refused at once, and answered so then
		}
		contested++
		for _, v := range []*testsystem.Client{p.contractor, p.manager} {
			page, err := v.Open("/payments/" + id)
			require.NoError(t, err)
			require.True(t, strings.Contains(strings.ToLower(page.Text()), strings.ToLower(why)), "%s explains %q: %s", page.URL, why, page.Text())
		}
	}
	t.Logf("%d of %d payments had two decisions in the topic", contested, races)
	return contested
}
