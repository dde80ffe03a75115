package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// apps are where the two web apps answer: those of a test's own system, or of a system that runs already.
type apps interface{ URL(name string) string }

// running are the apps of a system that runs already, by name.
type running map[string]string

func (r running) URL(name string) string { return r[name] }

// runningSystem is the one whose apps TEST_CONTRACTOR_UI_URL and TEST_MANAGER_UI_URL name. Anything may be in
// it, and what a test makes there stays.
func runningSystem(t *testing.T) running {
	t.Helper()
	at := running{testsystem.Contractor: os.Getenv("TEST_CONTRACTOR_UI_URL"), testsystem.Manager: os.Getenv("TEST_MANAGER_UI_URL")}
	if at[testsystem.Contractor] == "" || at[testsystem.Manager] == "" {
		t.Skip("TEST_CONTRACTOR_UI_URL and TEST_MANAGER_UI_URL name no running system")
	}
	return at
}

// tag tells what a test makes in a running system from all else there.
func tag() string { return " " + uuid.NewString()[:8] }

func TestTheStoryOnARunningSystem(t *testing.T) { playTheStory(t, runningSystem(t), tag()) }

func TestAnOrderOnARunningSystem(t *testing.T) {
	at, tag := runningSystem(t), tag()
	b := browser.New(t)
	mia := b.Tab(t, at.URL(testsystem.Manager)+"/catalog")

	// Given products and a customer, which both apps have received.
	for name, price := range map[string]string{"Cement" + tag: "7.90", "Bricks" + tag: "86.00"} {
		mia.Press("Add product")
		mia.Fill("Name", name)
		mia.Fill("SKU", "SKU-"+uuid.NewString()[:8])
		mia.Fill("Price", price)
		mia.Press("Add product", "main")
		mia.See(name) // in the message, or, where its system is busy, a moment later in the list
	}
	mia.Open(at.URL(testsystem.Manager) + "/customers")
	mia.Press("Add customer")
	mia.Fill("Name", "Linden School"+tag)
	mia.Fill("E-mail address", "caretaker-"+uuid.NewString()[:8]+"@linden-school.example")
	mia.Press("Add customer", "main")
	mia.See("Linden School" + tag)
	ada := b.Tab(t, at.URL(testsystem.Contractor)+"/orders")
	for _, found := range []string{"products?q=Cement" + tag, "products?q=Bricks" + tag, "customers?q=Linden School" + tag} {
		ada.Eventually(fmt.Sprintf("fetch(encodeURI(%q)).then(r => r.json()).then(list => list.length === 1)", "/orders/"+found))
	}

	require.NotEmpty(t, playAnOrder(t, at, tag))
}
