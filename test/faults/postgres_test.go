package faults

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/payments-core/payment"
	"countersign.example/test/testsystem"
)

func TestOneAppsPostgresIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	for app, other := range map[string]string{testsystem.Manager: testsystem.Contractor, testsystem.Contractor: testsystem.Manager} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			// Given two payments that everybody knows.
			sys := newSystem(t)
			p := signInBoth(t, sys)
			person := map[string]*testsystem.Client{testsystem.Contractor: p.contractor, testsystem.Manager: p.manager}
			first, err := p.request(t.Context(), "100.00", "First")
			require.NoError(t, err)
			second, err := p.request(t.Context(), "200.00", "Second")
			require.NoError(t, err)
			require.NoError(t, p.accept(t.Context(), first))
			sys.Settle(t)

			// When the app's database goes away.
			sys.CloseDatabase(t, app)

			// Then its pages say so, to people who are signed in and to strangers, and the other app works.
			becomes(t, sys, app, http.StatusServiceUnavailable, "unavailable")
			for _, path := range []string{"/", "/payments/" + second} {
				page, err := person[app].Open(path)
				requireUnavailable(t, page, err)
			}
			page, err := sys.NewClient(t, app).Open("/")
			requireUnavailable(t, page, err)
			becomes(t, sys, other, http.StatusOK, "ready")
			page, err = person[other].Open("/payments/" + second)
			require.NoError(t, err, "the other app's page")
			require.False(t, page.Shows("is late"))
			var want outcome
			if other == testsystem.Manager {
				require.NoError(t, p.accept(t.Context(), second))
				want = outcome{payment.DecisionAccepted, payment.MoneyCaptured}
			} else {
				require.NoError(t, p.withdraw(t.Context(), second))
				want = outcome{payment.DecisionWithdrawn, payment.MoneyNone}
			}

			// When it is back, the app catches up, and nobody restarted it.
			sys.OpenDatabase(t, app)
			becomes(t, sys, app, http.StatusOK, "ready")
			sys.Settle(t)
			checkOutcomes(t, map[string]outcome{
				first: {payment.DecisionAccepted, payment.MoneyCaptured}, second: want,
			}, sys.CheckInvariants(t))
			_, err = person[app].Open("/payments/" + second)
			require.NoError(t, err, "signed in still")
		})
	}
}

// requireUnavailable checks that an answer is 503 with a page for people.
func requireUnavailable(t *testing.T, page *testsystem.Page, err error) {
	t.Helper()
	status := new(testsystem.StatusError)
	require.True(t, errors.As(err, &status), "answered with %v", err)
	require.Equal(t, http.StatusServiceUnavailable, status.Status, status.Text)
	require.True(t, page.Shows("Not available at the moment"), page.Text())
}
