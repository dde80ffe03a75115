package faults

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/ordering-core/order"
	"countersign.example/test/house"
)

func TestCoresRestoredFromABackupGetBackWhatTheyLack(t *testing.T) {
	// Given people at work, and a backup of the cores' databases.
	h := house.New(t, shortGatewayTimeout)
	product, customer := h.Product(t, "CEM-25", "Cement", 7_50), h.Customer(t, "Linden School", "caretaker@linden-school.example")
	cores := []string{house.Ordering, house.Core}
	p := meet(t, h)
	early := &ordered{people: p}
	require.NoError(t, early.build(t.Context(), product, customer))
	waiting, err := early.requestPayment(t.Context())
	require.NoError(t, err)
	h.Settle(t)
	stop := func() {
		for _, core := range cores {
			require.NoError(t, h.Stop(core))
		}
	}
	start := func() {
		for _, core := range cores {
			h.Start(core)
			h.WaitReady(core)
		}
	}
	stop()
	h.BackUp(t, cores...)
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
	h.Settle(t)

	// When the backup is restored.
	stop()
	h.Restore(t, cores...)
	for _, core := range cores {
		h.Start(core)
	}

	// Then neither serves, and each says what it would adopt.
	for _, core := range cores {
		house.Eventually(t, core+" holds itself back", func() error { return h.Says(core, "its journal lacks") })
		response, err := http.Get(h.URL(core) + "/readyz")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		t.Log(h.Run(core, "adopt", "--dry-run"))
	}

	// And once that is adopted, all goes on: nothing is doubled, no number is used twice, no money moved again.
	for _, core := range cores {
		t.Log(h.Run(core, "adopt", "--reason", "the backup was restored", "--by", "mia"))
		h.WaitReady(core)
	}
	next := &ordered{people: p}
	require.NoError(t, next.build(t.Context(), product, customer))
	payment, err = next.requestPayment(t.Context())
	require.NoError(t, err)
	require.NoError(t, next.accept(t.Context(), payment))
	require.NoError(t, next.reaches(t.Context(), "Paid"))
	h.Settle(t)
	h.CheckInvariants(t)
	numbers := map[string]bool{}
	for _, o := range h.Orders(t) {
		require.Equal(t, order.StatePaid, o.Order.State)
		numbers[o.Order.Number] = true
	}
	require.Len(t, numbers, 3)
	require.Contains(t, h.Run(house.Core, "reconcile"), "no differences")
}
