package faults

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/payments-core/payment"
	"countersign.example/test/testsystem"
)

// readiness returns the answer of a service's /readyz.
func readiness(sys *testsystem.System, service string) (code int, status string, err error) {
	response, err := http.Get(sys.URL(service) + "/readyz")
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	word, err := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(word)), err
}

// becomes waits until a service answers with a state and a status code.
func becomes(t *testing.T, sys *testsystem.System, service string, code int, status string) {
	t.Helper()
	testsystem.Eventually(t, service+" is "+status, func() error {
		gotCode, got, err := readiness(sys, service)
		if err == nil && (gotCode != code || got != status) {
			err = fmt.Errorf("it says %d %s", gotCode, got)
		}
		return err
	})
}

func TestKafkaIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	// Given a payment that the manager knows.
	sys := newSystem(t, shortGatewayTimeout)
	sys.Parts.NeedEmbeddedKafka(t)
	p := signInBoth(t, sys)
	known, err := p.request(t.Context(), "100.00", "Known")
	require.NoError(t, err)
	testsystem.Eventually(t, "the manager receives it", func() error {
		_, err := p.manager.Open("/payments/" + known)
		return err
	})

	// When Kafka goes away.
	sys.Parts.StopKafka()

	// Then the services say so and go on.
	for _, service := range []string{testsystem.Contractor, testsystem.Manager, testsystem.Core} {
		becomes(t, sys, service, http.StatusOK, "degraded")
	}
	for _, v := range []*testsystem.Client{p.contractor, p.manager} {
		page, err := v.Open("/")
		require.NoError(t, err)
		require.True(t, page.Shows("News from the other apps is late"), "the header says what is late: %s", page.Text())
	}
	require.NoError(t, p.accept(t.Context(), known), "decide without Kafka")
	asked, err := p.request(t.Context(), "200.00", "Asked-without-Kafka")
	require.NoError(t, err, "request without Kafka")
	withdrawn, err := p.request(t.Context(), "300.00", "Withdrawn-without-Kafka")
	require.NoError(t, err)
	require.NoError(t, p.withdraw(t.Context(), withdrawn))

	// When it is back, everything arrives, and nobody restarted anything.
	sys.Parts.StartKafka(t)
	for _, service := range []string{testsystem.Contractor, testsystem.Manager, testsystem.Core} {
		becomes(t, sys, service, http.StatusOK, "ready")
	}
	require.NoError(t, p.accept(t.Context(), asked))
	sys.Settle(t)
	checkOutcomes(t, map[string]outcome{
		known:     {payment.DecisionAccepted, payment.MoneyCaptured},
		asked:     {payment.DecisionAccepted, payment.MoneyCaptured},
		withdrawn: {payment.DecisionWithdrawn, payment.MoneyNone},
	}, sys.CheckInvariants(t))
	page, err := p.manager.Open("/")
	require.NoError(t, err)
	require.False(t, page.Shows("is late"), "the header says that all is well again")
}
