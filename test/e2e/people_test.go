package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/service/servicetest"
	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestAnAdminBlocksSomebodyAndMuchMoneyIsConfirmed(t *testing.T) {
	t.Parallel()
	sys := testsystem.NewWithProvider(t, "STEP_UP_ABOVE=EUR=1000.00", "OIDC_STEP_UP_ACR=urn:example:twice")
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/payments/new")
	enter(ada, "ada", "countersign")
	ada.Fill("Amount", "1250.00")
	ada.Fill("Description", "Kitchen-fitting")
	ada.Press("Request payment")
	ada.See("Kitchen-fitting")
	mia := b.Tab(t, sys.URL(testsystem.Manager))
	enter(mia, "mia", "countersign")
	lena := browser.New(t).Tab(t, sys.URL(testsystem.Manager)) // in a browser of her own
	enter(lena, "lena", "countersign")

	// Who decides about much is asked again who they are, and goes on where they were.
	mia.Press("Kitchen-fitting")
	mia.Fill("Note", "Well done")
	mia.Press("Accept", "#accept-form")
	mia.See("Above 1,000.00 EUR, the sign-in service asks you again who you are")
	looksRight(t, mia, "asked again")
	mia.Press("Confirm and go on")
	enter(mia, "tom", "countersign")
	mia.See("Tom Berg signed in at the sign-in service")
	mia.Press("Back")
	mia.Press("Accept", "#accept-form")
	mia.Press("Confirm and go on")
	enter(mia, "mia", "countersign")
	mia.See("You have confirmed who you are")
	mia.See("Mia Weber", ".site-side")
	mia.Press("Accept", "#accept-form")
	ada.See("Accepted")

	// An admin sees who there is, in both apps, and managers do not.
	mia.SeeNot("People", ".site-nav")
	lena.Press("People")
	lena.See("Ada Nowak")
	lena.See("May sign in", lena.Row("Mia Weber"))
	looksRight(t, lena, "people")
	lena.Screenshot("people")
	lena.Press("Ada Nowak")
	lena.See("What was changed")
	looksRight(t, lena, "a person")

	// Whoever is blocked is out in the other app within two seconds, and stays out.
	lena.Fill("Reason", "Left the company")
	lena.Press("Block Ada Nowak")
	watch := servicetest.StartStopwatch(t)
	ada.See("You were signed out")
	require.Less(t, watch.Took(), 2*time.Second)
	lena.See("Ada Nowak is blocked.")
	looksRight(t, lena, "a blocked person")
	lena.Screenshot("person")
	ada.Press("Sign in")
	enter(ada, "ada", "countersign")
	ada.See("Lena Roth has blocked you")
	looksRight(t, ada, "blocked")
}
