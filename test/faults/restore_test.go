package faults

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/ordering-core/order"
	"countersign.example/test/testsystem"
)

// A standby that takes over lacks the last second, and the services run all the while.
func TestADatabaseThatFallsBackUnderARunningServiceGetsBackWhatItLacks(t *testing.T) {
	t.Parallel()
	// Given payments, of which the managers' database receives the second one, and then falls back to before
	// that.
	sys := newSystem(t)
	p := signInBoth(t, sys)
	_, err := p.request(t.Context(), "10.00", "before")
	require.NoError(t, err)
	sys.Settle(t)
	sys.CloseDatabase(t, testsystem.Manager)
	sys.BackUp(t, testsystem.Manager)
	sys.OpenDatabase(t, testsystem.Manager)
	_, err = p.request(t.Context(), "11.00", "lost")
	require.NoError(t, err)
	sys.Settle(t)
	sys.CloseDatabase(t, testsystem.Manager)
	sys.Restore(t, testsystem.Manager)

	// When another one is received there.
	after, err := p.request(t.Context(), "12.00", "after")
	require.NoError(t, err)
	require.NoError(t, p.accept(t.Context(), after))

	// Then it has them all, in the topic's order.
	sys.Settle(t)
	require.Len(t, sys.CheckInvariants(t), 3)
}

func TestCoresRestoredFromABackupGetBackWhatTheyLack(t *testing.T) {
	t.Parallel()
	// Given people at work, and a backup of the cores' databases.
	sys := newSystem(t, shortGatewayTimeout)
	product, customer := sys.Product(t, "CEM-25", "Cement", 7_50), sys.Customer(t, "Linden School", "caretaker@linden-school.example")
	cores := []string{testsystem.Ordering, testsystem.Core}
	p := signInBoth(t, sys)
	early := &ordered{people: p}
	require.NoError(t, early.build(t.Context(), product, customer))
	waiting, err := early.requestPayment(t.Context())
	require.NoError(t, err)
	sys.Settle(t)
	stop := func() {
		for _, core := range cores {
			require.NoError(t, sys.Stop(core))
		}
	}
	start := func() {
		for _, core := range cores {
			sys.Start(core)
			sys.WaitReady(core)
		}
	}
	stop()
	sys.BackUp(t, cores...)
	start()

	// And then orders that are submitted and paid, one of them requested before.
	require.NoError(t, early.accept(t.Context(), waiting))
	require.NoError(t, early.reaches(t.Context(), "Paid"))
	late := &ordered{people: p}
	require.NoError(t, late.build(t.Context(), product, customer))
	payment, err := late.requestPayment(t.Context())
	require.NoError(t, err)
	require.NoError(t, late.accept(t.Context(), payment))
	require.NoError(t, late.reaches(t.Context(), "Paid"))
	sys.Settle(t)

	// When the backup is restored.
	stop()
	sys.Restore(t, cores...)
	for _, core := range cores {
		sys.Start(core)
	}

	// Then neither serves, and each says what it would adopt.
	for _, core := range cores {
		testsystem.Eventually(t, core+" holds itself back", func() error { return sys.Logged(core, "its journal lacks") })
		response, err := http.Get(sys.URL(core) + "/readyz")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		t.Log(sys.Run(core, "adopt", "--dry-run"))
	}

	// And once that is adopted, all goes on: nothing is doubled, no number is used twice, no money moved again.
	for _, core := range cores {
		t.Log(sys.Run(core, "adopt", "--reason", "the backup was restored", "--by", "mia"))
		sys.WaitReady(core)
	}
	next := &ordered{people: p}
	require.NoError(t, next.build(t.Context(), product, customer))
	payment, err = next.requestPayment(t.Context())
	require.NoError(t, err)
	require.NoError(t, next.accept(t.Context(), payment))
	require.NoError(t, next.reaches(t.Context(), "Paid"))
	sys.Settle(t)
	sys.CheckInvariants(t)
	numbers := map[string]bool{}
	for _, o := range sys.Orders(t) {
		require.Equal(t, order.StatePaid, o.Order.State)
		numbers[o.Order.Number] = true
	}
	require.Len(t, numbers, 3)
	require.Contains(t, sys.Run(testsystem.Core, "reconcile"), "no differences")
}
