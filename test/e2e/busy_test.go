package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// busy keeps a manager-ui that works on one request at a time at one that does not end, until free is called.
func busy(t *testing.T, sys *testsystem.System) (free func()) {
	t.Helper()
	tom := sys.SignIn(t, testsystem.Manager, "Tom Berg")
	conn, err := pgx.Connect(t.Context(), sys.Database[testsystem.Manager])
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "begin; lock table saved_views")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var asks sync.WaitGroup
	asks.Go(func() {
		for ctx.Err() == nil {
			_, _ = tom.Open("/payments") // reads that table
		}
	})
	free = sync.OnceFunc(func() {
		stop()
		_ = conn.Close(context.WithoutCancel(t.Context())) // the lock goes with it
		asks.Wait()
	})
	t.Cleanup(free)
	require.Eventually(t, func() (waits bool) {
		require.NoError(t, conn.QueryRow(t.Context(), "select exists (select from pg_locks where not granted and relation = 'saved_views'::regclass)").Scan(&waits))
		return waits
	}, 20*time.Second, 10*time.Millisecond, "no request waits")
	return free
}

func TestAPageStaysWhileTheServerIsBusy(t *testing.T) {
	t.Parallel()
	// Given pages of which one must fetch itself for each change, and one in which somebody writes.
	sys := testsystem.New(t, "REQUESTS_AT_ONCE=1")
	asked(t, sys, "Kitchen", "Lamps")
	b := browser.New(t)
	found := b.Tab(t, sys.URL(testsystem.Manager)+"/payments?tab=all&q=Kitchen")
	found.Row("Kitchen")
	live(found)
	decides := b.Tab(t, sys.URL(testsystem.Manager))
	decides.Press("Lamps")
	decides.See("Decide")
	decides.Fill("Note", "Well done")
	live(decides)
	list := b.Tab(t, sys.URL(testsystem.Manager)+"/payments?tab=all")
	list.Row("Lamps")
	live(list)

	// When the server is busy, and there is something new.
	free := busy(t, sys)
	asked(t, sys, "Kitchen chairs")

	// Then the page is there as it was, and says that it is behind, and why.
	found.See("Behind: server busy", "header")
	found.See("Kitchen", "[data-live-list]")
	found.SeeNot("chairs", "[data-live-list]")
	found.Screenshot("busy-list")

	// And nothing was done of what is pressed, which the page says; what was typed is there.
	decides.Press("Accept")
	decides.See("Not done: the server is busy, and nothing was changed", "#flashes")
	require.Equal(t, "Well done", browser.Eval[string](decides, `document.querySelector("#accept-form textarea").value`))
	decides.Screenshot("busy-form")

	// And a search and a link wait, on the page that is there.
	list.See("Kitchen chairs", "[data-live-list]") // which it was told
	list.Fill("Search", "Lamps")
	list.See("Behind: server busy", "header")
	list.See("Kitchen chairs", "[data-live-list]")
	list.Press("Catalog", "header")
	list.See("The page that you asked for comes by itself", "#flashes")
	list.See("Kitchen chairs", "[data-live-list]")
	for _, tab := range []*browser.Tab{found, decides, list} {
		wasNotReloaded(t, tab)
	}

	// When it is not busy any more, then all is true by itself.
	free()
	found.See("Kitchen chairs", "[data-live-list]")
	found.See("Live", "header")
	sameAsAReload(found)
	list.See("Add product")
	list.SeeNot("comes by itself")
	payment := decides.URL()
	decides.Press("Accept")
	decides.SeeNot("Lamps", "[data-live-list]") // where the payment was opened from
	for _, tab := range []*browser.Tab{found, decides, list} {
		wasNotReloaded(t, tab)
	}
	decides.Open(payment)
	decides.See("Well done", "main")
}
