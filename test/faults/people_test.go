package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/payments-core/payment"
	"countersign.example/test/testsystem"
)

// people are a contractor and a manager who do not give up: what fails because something is
// away they try again, as a person does who presses the button once more.
type people struct{ contractor, manager *testsystem.Client }

func signInBoth(t *testing.T, sys *testsystem.System) people {
	return people{contractor: sys.SignIn(t, testsystem.Contractor, ada), manager: sys.SignIn(t, testsystem.Manager, mia)}
}

// patience is how long they keep trying.
const patience = 40 * time.Second

// retry repeats try until it succeeds. It may be called from any goroutine.
func retry(ctx context.Context, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		// What is wrong with the request itself does not pass.
		if status := new(testsystem.StatusError); errors.As(err, &status) && status.Status == http.StatusUnprocessableEntity {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, err)
		case <-tick.C:
		}
	}
}

// request asks for a payment and returns its id. The form is opened once, so that sending it
// again, after an answer that never came, asks for the same payment.
func (p people) request(ctx context.Context, amount, description string) (id string, err error) {
	var form *testsystem.Page
	err = retry(ctx, "open the form", func() (err error) {
		form, err = p.contractor.Open("/payments/new")
		return err
	})
	if err != nil {
		return "", err
	}
	err = retry(ctx, "request "+description, func() error {
		shown, err := form.Press("Request payment", "Amount", amount, "Currency", "EUR", "Description", description)
		if err == nil {
			id = path.Base(shown.URL.Path)
		}
		return err
	})
	return id, err
}

// decide presses the button on the payment's page until the page says what was decided.
func decide(ctx context.Context, c *testsystem.Client, id, button, decided string, fields ...string) error {
	return retry(ctx, button+" "+id, func() error { return c.Decide(id, button, decided, fields...) })
}

func (p people) accept(ctx context.Context, id string) error {
	return decide(ctx, p.manager, id, "Accept", "Accepted")
}

func (p people) reject(ctx context.Context, id string) error {
	return decide(ctx, p.manager, id, "Reject payment", "Rejected", "Reason", "No invoice")
}

func (p people) withdraw(ctx context.Context, id string) error {
	return decide(ctx, p.contractor, id, "Withdraw", "Withdrawn")
}

// outcome is what a person was answered, and so what must be true for ever.
type outcome struct {
	decision payment.Decision
	money    payment.Money
}

// scenario is what people do with one payment. The amount's last digits choose how the gateway behaves.
type scenario struct {
	amount string
	decide func(people, context.Context, string) error
	outcome
}

// scenarios are a handful of payments of every kind.
var scenarios = []scenario{
	{"100.00", people.accept, outcome{payment.DecisionAccepted, payment.MoneyCaptured}},
	{"20.01", people.accept, outcome{payment.DecisionAccepted, payment.MoneyDeclined}},
	{"30.00", people.reject, outcome{payment.DecisionRejected, payment.MoneyNone}},
	{"40.10", people.accept, outcome{payment.DecisionAccepted, payment.MoneyCaptured}}, // done, status 500
	{"50.00", people.withdraw, outcome{payment.DecisionWithdrawn, payment.MoneyNone}},
	{"60.07", people.accept, outcome{payment.DecisionAccepted, payment.MoneyReleased}}, // capture refused
	{"70.02", people.accept, outcome{payment.DecisionAccepted, payment.MoneyCaptured}}, // declined once
}

// play plays one scenario and returns the payment's id.
func (p people) play(ctx context.Context, scenario scenario, description string) (string, error) {
	id, err := p.request(ctx, scenario.amount, description)
	if err == nil {
		err = scenario.decide(p, ctx, id)
	}
	return id, err
}

// checkOutcomes compares what people were answered with what is on record in the end.
func checkOutcomes(t *testing.T, expected map[string]outcome, topic map[string]testsystem.Story) {
	t.Helper()
	for id, want := range expected {
		got := topic[id].Payment
		require.Equal(t, want, outcome{got.Decision, got.Money}, "payment %s", id)
	}
	require.Len(t, topic, len(expected), "payments in the topic")
}
