package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// From a payment's page, an operator sees each step through the services and Kafka in three clicks.
func TestEveryStepOfAPaymentIsThreeClicksAway(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, testsystem.Unlimited...)
	b := browser.New(t)
	request(sys, b.Tab(t, sys.URL(testsystem.Contractor)), "1250.19", "Kitchen-fitting")
	mia := b.Tab(t, sys.URL(testsystem.Manager))
	mia.See("Kitchen-fitting")
	mia.Press("Accept")
	mia.See("Accepted", "#flashes")
	sys.Settle(t)
	omar := browser.New(t).Tab(t, sys.URL(testsystem.Manager)+"/payments?tab=accepted")
	signIn(omar, operator)
	omar.Open(sys.URL(testsystem.Manager) + "/payments?tab=accepted")
	omar.Press("Kitchen-fitting")

	// the first click: every step, who did it, what caused it, where Kafka holds it, and where the newest is now
	omar.Press("See every step")
	omar.See("4 steps")
	for _, says := range []string{"Ada Nowak asked for", "Mia Weber accepted it", "payments-core, with the gateway", "manager-ui’s consumer", "It is paid out. Nothing is left to do."} {
		omar.See(says, "main")
	}
	looksRight(t, omar, "a case")
	omar.Resize(1280, 900)

	// the second: the state as of a step, beside the one before; arrows lead through the others
	omar.Press("Payment P-2026-000001", ".lanes")
	omar.See("As of event 4 of 4")
	omar.See("changed")
	looksRight(t, omar, "as of then")
	omar.Resize(1280, 900)
	omar.Type(kb.ArrowLeft)
	omar.See("As of event 3 of 4")
	omar.Type(kb.ArrowLeft)
	omar.See("As of event 2 of 4")
	omar.Type(kb.ArrowRight)
	omar.See("As of event 3 of 4")

	// the third: the event with its data
	omar.Press("payment_accepted")
	omar.See("As of event 2 of 4")
	omar.Press("Mia Weber accepted it")
	omar.See("Signature")
}
