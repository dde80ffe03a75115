package faults

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestSocketsAreDroppedEveryFewUpdates(t *testing.T) {
	t.Parallel()
	// Given tabs of the manager behind a network that drops sockets: one on the first page of what waits, which
	// fills and empties, and one on everything.
	sys := newSystem(t)
	p := signInBoth(t, sys)
	network := cutSockets(t, strings.TrimPrefix(sys.URL(testsystem.Manager), "http://"), 4)
	b := browser.New(t)
	waiting := openTab(t, b, network.url+"/payments")
	everything := openTab(t, b, network.url+"/payments?tab=all")

	// When updates flow: more payments than a page has, and most of them decided.
	var work errgroup.Group
	work.SetLimit(3)
	for i := range 40 {
		work.Go(func() error {
			id, err := p.request(t.Context(), "10.00", fmt.Sprintf("Flow-%d", i))
			if err != nil || i%4 == 0 {
				return err
			}
			return p.accept(t.Context(), id)
		})
	}
	require.NoError(t, work.Wait())
	sys.Settle(t)

	// Then, though sockets were dropped all the time, both show what a reload shows.
	showsWhatAReloadShows(t, waiting)
	showsWhatAReloadShows(t, everything)
	require.Greater(t, network.Cuts.Load(), int64(5), "dropped sockets")
	require.Len(t, sys.CheckInvariants(t), 40)
	t.Logf("%d sockets were dropped", network.Cuts.Load())
}
