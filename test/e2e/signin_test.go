package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestPeopleSignInWithAProvider(t *testing.T) {
	t.Parallel()
	sys := testsystem.NewWithProvider(t)
	b := browser.New(t)

	// Given a link that somebody was sent; a wrong password leads nowhere, the right one to where it points.
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/payments/new")
	enter(ada, "ada", "wrong")
	ada.See("There is nobody with this user name and password.")
	enter(ada, "ada", "countersign")
	ada.Fill("Amount", "1250.00")
	ada.Fill("Description", "Kitchen-fitting")
	require.Contains(t, ada.URL(), sys.URL(testsystem.Contractor)+"/payments/new")
	ada.Press("Request payment")
	ada.See("Kitchen-fitting")

	// Who lacks the role is told so, and can come as somebody else.
	mia := b.Tab(t, sys.URL(testsystem.Manager))
	enter(mia, "nora", "countersign")
	mia.See("You are signed in as Nora Vale, who may not use this app")
	looksRight(t, mia, "without the role")
	mia.Press("Sign out")
	mia.See("You are signed out")
	mia.Press("Sign in")
	enter(mia, "mia", "countersign")

	// The story goes on as it does with the demo's people, live.
	mia.See("1,250.00", mia.Row("Kitchen-fitting"))
	mia.Press("Accept", mia.Row("Kitchen-fitting"))
	ada.See("Accepted")

	// Signing out leads to the provider and back, and a page of hers is nobody's any more.
	mia.See("Mia Weber", ".site-side")
	looksRight(t, mia, "signed in")
	mia.Press("Sign out")
	mia.See("You are signed out")
	mia.Open(sys.URL(testsystem.Manager))
	mia.See("User name")
	ada.Open(sys.URL(testsystem.Contractor) + "/sessions")
	ada.See("Chrome on Linux")
	ada.Press("Sign out everywhere")
	ada.See("You are signed out")
}

func looksRight(t *testing.T, tab *browser.Tab, page string) {
	t.Helper()
	isAccessible(t, tab, page)
	isWideEnough(t, tab, page)
}

// enter signs in on the provider's page.
func enter(tab *browser.Tab, user, password string) {
	tab.See("User name")
	tab.Fill("User name", user)
	tab.Fill("Password", password)
	tab.Press("Sign in")
}
