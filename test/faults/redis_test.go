package faults

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestRedisIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.Parts.NeedEmbeddedRedis(t)
	throughTrouble(t, sys, func(p people, expected map[string]outcome) {
		// When Redis goes away.
		sys.Parts.StopRedis()
		for _, app := range []string{testsystem.Contractor, testsystem.Manager} {
			becomes(t, sys, app, http.StatusOK, "degraded")
		}

		// Then pages are served, and say what is late; decisions are taken.
		for _, v := range []*testsystem.Client{p.contractor, p.manager} {
			page, err := v.Open("/")
			require.NoError(t, err)
			require.True(t, page.Shows("Live updates are late"), "the header says what is late: %s", page.Text())
		}
		playSome(t, p, expected, "Without-Redis")

		// When it is back.
		sys.Parts.StartRedis(t)
		for _, app := range []string{testsystem.Contractor, testsystem.Manager} {
			becomes(t, sys, app, http.StatusOK, "ready")
		}
	})
}

func TestRedisLosesItsData(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	throughTrouble(t, sys, func(p people, expected map[string]outcome) {
		sys.Parts.EmptyRedis(t)
		playSome(t, p, expected, "After-the-loss")
		sys.Parts.EmptyRedis(t)
	})
}

// throughTrouble keeps a tab of each app open while trouble happens, and sees to it that both show in the
// end what a reload shows, and that everything is on record.
func throughTrouble(t *testing.T, sys *testsystem.System, trouble func(people, map[string]outcome)) {
	// Given two open tabs, and payments in them.
	p, expected := signInBoth(t, sys), map[string]outcome{}
	playSome(t, p, expected, "Before")
	sys.Settle(t)
	b := browser.New(t)
	tabs := []*browser.Tab{openTab(t, b, sys.URL(testsystem.Contractor)), openTab(t, b, sys.URL(testsystem.Manager)+"/payments?tab=all")}

	// When there is trouble, and more happens afterwards.
	trouble(p, expected)
	playSome(t, p, expected, "Afterwards")
	sys.Settle(t)

	// Then both tabs are right, by themselves.
	for _, tab := range tabs {
		isLive(tab)
		showsWhatAReloadShows(t, tab)
	}
	checkOutcomes(t, expected, sys.CheckInvariants(t))
}

// playSome plays the first few scenarios one after the other.
func playSome(t *testing.T, p people, expected map[string]outcome, name string) {
	t.Helper()
	for i, scenario := range scenarios[:3] {
		id, err := p.play(t.Context(), scenario, fmt.Sprintf("%s-%d", name, i))
		require.NoError(t, err)
		expected[id] = scenario.outcome
	}
}
