package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// TestTheStoryInProduction plays it against `make production-like`, whose people sign in with a provider.
func TestTheStoryInProduction(t *testing.T) {
	at, tag := runningSystem(t), tag()
	b := browser.New(t)

	// Given two people who have signed in, by HTTPS all the way.
	ada := b.Tab(t, at.URL(testsystem.Contractor)+"/payments/new")
	enter(ada, "ada", "countersign")
	mia := b.Tab(t, at.URL(testsystem.Manager))
	enter(mia, "mia", "countersign")
	mia.See("Mia Weber", ".site-side")

	// When one asks to be paid, the other sees it come, and accepts it.
	ada.Fill("Amount", "1250.00")
	ada.Fill("Description", "Kitchen-fitting"+tag)
	ada.Press("Request payment")
	ada.See("Kitchen-fitting" + tag)
	mark(ada)
	mia.See("1,250.00", mia.Row("Kitchen-fitting"+tag))
	mia.Press("Accept", mia.Row("Kitchen-fitting"+tag))

	// Then the first sees it without a reload, and the money follows.
	ada.See("Accepted")
	ada.See("Paid")
	wasNotReloaded(t, ada)
	require.True(t, browser.Eval[bool](ada, "isSecureContext && location.protocol === 'https:'"))
	require.Empty(t, browser.Eval[string](ada, "document.cookie"), "scripts read the session")
}
