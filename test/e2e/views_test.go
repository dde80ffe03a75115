package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// saveView saves the open page's view of the list under a name. The button says how many there are.
func saveView(tab *browser.Tab, button, name string) {
	tab.Press(button, ".list-head")
	tab.Fill("Name of this view", name)
	tab.Press("Save this view")
}

func TestAViewIsKeptBesideTheTabs(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	askFor(t, sys, "30.00", "Beams", "9.00", "Cable", "200.00", "Anvil")
	b := browser.New(t)
	for _, try := range []struct {
		tab                 *browser.Tab
		before, after, name string
	}{
		{b.Tab(t, sys.URL(testsystem.Manager)), "Views", "Views 1", "Dearest"},
		{b.Tab(t, sys.URL(testsystem.Manager), browser.WithoutJavaScript), "Views 1", "Views 2", "Without scripts"},
	} {
		tab, name := try.tab, try.name
		tab.Open(sys.URL(testsystem.Manager) + "/payments?tab=all&sort=-amount&currency=EUR&least=10")
		saveView(tab, try.before, name)
		tab.See("This view is saved as “"+name+"”.", "#flashes")
		tab.Open(sys.URL(testsystem.Manager) + "/payments?tab=accepted")
		saveView(tab, try.after, " "+name+" ")
		tab.See("You have a view “"+name+"” already.", ".views")
		tab.Press(name, ".views")
		tab.See("2 payments, 230.00 EUR")
		require.Equal(t, "Anvil, Beams", inOrder(tab))
		require.Equal(t, "currency=EUR&least=10&sort=-amount&tab=all", query(t, tab.URL()).Encode())
	}

	// What comes meanwhile does not close what somebody has opened.
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/payments")
	live(mia)
	mia.Press("Views 2", ".list-head")
	mia.Fill("Name of this view", "Begun")
	askFor(t, sys, "100.00", "Bricks")
	mia.See("Bricks", "[data-live-list]")
	require.Equal(t, "Begun", browser.Eval[string](mia, `document.querySelector(".views[open] #view").value`))

	tom := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	signIn(tom, "Tom Berg")
	tom.See("Bricks", "[data-live-list]")
	require.Empty(t, browser.Eval[[]string](tom, `[...document.querySelectorAll(".views li")].map((e) => e.innerText)`))
	mia.Press("Delete the view Dearest")
	mia.See("The view “Dearest” is deleted.", "#flashes")
	mia.SeeNot("Dearest", ".views")
	mia.See("Without scripts", ".views")
}
