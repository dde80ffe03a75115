package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// asked has Ada ask for payments of 10.00 EUR, which the managers' app has received then.
func asked(t *testing.T, sys *testsystem.System, descriptions ...string) {
	t.Helper()
	ada := sys.SignIn(t, testsystem.Contractor, "Ada Nowak")
	for _, description := range descriptions {
		page, err := ada.Open("/payments/new")
		require.NoError(t, err)
		_, err = page.Press("Request payment", "Amount", "10.00", "Description", description)
		require.NoError(t, err)
	}
	sys.Settle(t)
}

// tomDecides has another manager decide about the payment whose row is given.
func tomDecides(t *testing.T, sys *testsystem.System, row, button, decided string, fields ...string) {
	t.Helper()
	tom := sys.SignIn(t, testsystem.Manager, "Tom Berg")
	require.NoError(t, tom.Decide(strings.TrimPrefix(row, "#payment-"), button, decided, fields...))
}

// over is where a button of a row is, or its first link.
func over(tab *browser.Tab, row, pressed string) browser.Place {
	return browser.Eval[browser.Place](tab, fmt.Sprintf(`(() => {
		const found = [...document.querySelectorAll("%s :is(button, a)")].find(e => !"%s" || e.innerText === "%s")
		const { x, y, width, height } = found.getBoundingClientRect()
		return { X: x + width / 2, Y: y + height / 2 }
	})()`, row, pressed, pressed))
}

// away moves the pointer out of every list.
func away(tab *browser.Tab) { tab.Move(browser.Place{X: 5, Y: 5}) }

func TestAListDoesNotMoveUnderThePointer(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "First", "Second", "Third")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	first, third := mia.Row("First"), mia.Row("Third")
	live(mia)

	// Given a pointer on its way to the third row's button.
	at := over(mia, third, "Accept")
	mia.Move(browser.Place{X: at.X - 200, Y: at.Y})

	// When another manager decides about the first, and a fourth payment is asked for.
	tomDecides(t, sys, first, "Accept", "Accepted")
	asked(t, sys, "Fourth")

	// Then the first stays in its place and says what became of it, and the fourth is announced.
	mia.See("Accepted by Tom Berg just now", first)
	mia.SeeNot("Accept", first+" button")
	mia.See("1 new", ".list-news")
	mia.Screenshot("list-held")
	require.Equal(t, 3, rows(mia))
	require.Equal(t, at, over(mia, third, "Accept"))
	mia.Click(at)
	mia.See("Accepted by Mia Weber just now", third)
	mia.See("Third", "#flashes")

	// And the list is as a reload shows it as soon as the pointer leaves.
	away(mia)
	mia.See("Fourth", "[data-live-list]")
	sameAsAReload(mia)
	wasNotReloaded(t, mia)
	require.Equal(t, 2, rows(mia))

	// Whoever presses the line sees them at once.
	mia.Move(over(mia, mia.Row("Second"), "Accept"))
	asked(t, sys, "Fifth")
	mia.Click(mia.Find("1 new"))
	mia.See("Fifth", "[data-live-list]")
}

func TestNoListMovesUnderThePointer(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	stock(t, sys)
	zebra, zoo := sys.Product(t, "Z-1", "Zebra", 1_00), sys.Customer(t, "Zoo", "zoo@zoo.example")
	asked(t, sys, "Gravel", "Sand")
	sys.Settle(t)
	b := browser.New(t)
	begin := func() { sys.Send(t, "ada-nowak", "Ada Nowak", "/orders", map[string]any{"order_id": uuid.NewString()}) }
	begin()
	sys.Settle(t)
	for name, list := range map[string]struct {
		app, path, row string
		change         func()
	}{
		"products": {testsystem.Manager, "/catalog", "Zebra", func() {
			sys.Product(t, "A-1", "Anvil", 1_00)
			sys.Send(t, "mia-weber", "Mia Weber", "/products/"+zebra+"/archive", map[string]any{})
		}},
		"customers": {testsystem.Manager, "/customers", "Zoo", func() {
			sys.Customer(t, "Aviary", "a@zoo.example")
			sys.Send(t, "mia-weber", "Mia Weber", "/customers/"+zoo+"/archive", map[string]any{})
		}},
		"managers' orders":       {testsystem.Manager, "/orders", "Draft", begin},
		"contractor's orders":    {testsystem.Contractor, "/orders", "Draft", begin},
		"contractor's payments":  {testsystem.Contractor, "/", "Sand", func() { asked(t, sys, "Lime") }},
		"all managers' payments": {testsystem.Manager, "/payments?tab=all", "Sand", func() { asked(t, sys, "Lime") }},
	} {
		t.Run(name, func(t *testing.T) {
			tab := b.Tab(t, sys.URL(list.app)+list.path)
			row := tab.Row(list.row)
			live(tab)
			before, at := rows(tab), over(tab, row, "")
			tab.Move(at)
			list.change()
			tab.See("1 new", ".list-news")
			if strings.HasPrefix(list.row, "Z") {
				tab.See("Archived", row)
			}
			require.Equal(t, before, rows(tab))
			require.Equal(t, at, over(tab, row, ""))
			away(tab)
			tab.SeeNot("1 new")
			sameAsAReload(tab)
			wasNotReloaded(t, tab)
		})
	}
}

func TestFastWorkCounts(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	descriptions := []string{"One", "Two", "Three", "Four", "Żółć", "Łóźć"}
	asked(t, sys, descriptions...)
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	places, list := map[string]browser.Place{}, map[string]string{}
	for _, description := range descriptions {
		list[description] = mia.Row(description)
		places[description] = over(mia, list[description], "Accept")
	}
	live(mia)

	// When a manager goes down the list and accepts several payments a second, as fast as a hand can.
	for _, description := range descriptions {
		mia.Move(places[description])
		mia.Click(places[description])
		browser.Eval[bool](mia, "new Promise((done) => setTimeout(() => done(true), 150))")
	}

	// Then every press counts, and every one is told.
	for _, description := range descriptions {
		mia.See("Accepted by Mia Weber", list[description])
		mia.See(description, "#flashes")
	}
	sys.Settle(t)
	for _, s := range sys.Topic(t) {
		require.Equal(t, "accepted", string(s.Payment.Decision), s.Payment.Description)
	}
	away(mia)
	mia.See("Nothing waits for you")
	sameAsAReload(mia)
}

// A pointer that travels from outside of the list does not hold it.
func TestAPressOnARowThatHasJustMovedIsAskedBack(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "First", "Second", "Third")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	first, second := mia.Row("First"), mia.Row("Second")
	live(mia)
	at := over(mia, second, "Accept")
	browser.Eval[bool](mia, fmt.Sprintf(`!new MutationObserver(() => {
		if (!document.querySelector("%s")) window.gone = true
	}).observe(document.body, { childList: true, subtree: true })`, first))
	tomDecides(t, sys, first, "Accept", "Accepted")
	mia.Eventually("window.gone")
	mia.Click(at)
	mia.See("the list has just moved", "#flashes")
	sys.Settle(t)
	for _, s := range sys.Topic(t) {
		require.NotContains(t, s.Payment.Decided.ByName, "Mia", s.Payment.Description)
	}
}

func TestAcceptingByKeyboardGoesOnWithTheNextRow(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "First", "Second")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	first, second := mia.Row("First"), mia.Row("Second")
	live(mia)
	browser.Eval[bool](mia, fmt.Sprintf(`document.querySelector("%s button").focus({ focusVisible: true }) ?? true`, first))
	// A press at the very moment at which the focus comes is too soon to be meant; it no longer is 600 ms later.
	browser.Eval[bool](mia, fmt.Sprintf(`document.querySelector("%s button").addEventListener("focus", (e) => {
		e.target.click() // as a key does
		window.pressed = true
	}, { once: true }) ?? true`, second))
	mia.Type("\r")
	mia.See("Accepted by Mia Weber", first)
	mia.Eventually(fmt.Sprintf(`window.pressed && document.activeElement.matches("%s button")`, second))
	browser.Eval[bool](mia, "new Promise((done) => setTimeout(() => done(true), 700))")
	require.False(t, browser.Eval[bool](mia, fmt.Sprintf(`document.querySelector("%s").matches(".gone")`, second)), "what came too soon counts")
	mia.Type("\r")
	mia.See("Accepted by Mia Weber", second)
	mia.Eventually(`document.activeElement.closest("[data-live-list]")`)
}

func TestTheKeyboardDecidesNothingThatAColleaguesDecisionBroughtUnderIt(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "First", "Second")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	first := mia.Row("First")
	live(mia)
	browser.Eval[bool](mia, fmt.Sprintf(`document.querySelector("%s button").focus({ focusVisible: true }) ?? true`, first))
	tomDecides(t, sys, first, "Accept", "Accepted")
	mia.See("Accepted by Tom Berg", first)
	require.True(t, browser.Eval[bool](mia, fmt.Sprintf(`document.activeElement.matches("%s a")`, first)))
}

// Whoever rests in a list, and does nothing, holds it for a while only.
func TestAHeldListIsLetGo(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "First", "Second")
	mia := browser.New(t).Tab(t, "about:blank")
	mia.OnEveryPage(`(() => {
		const real = window.setTimeout
		window.setTimeout = (done, wait, ...args) => real(done, wait === 45000 ? 3000 : wait, ...args)
	})()`)
	mia.Open(sys.URL(testsystem.Manager))
	first := mia.Row("First")
	live(mia)
	mia.Move(over(mia, mia.Row("Second"), "Accept"))
	tomDecides(t, sys, first, "Accept", "Accepted")
	mia.SeeNot("First", "[data-live-list]")
	sameAsAReload(mia)
}

// A finger is in a list only while it presses, and comes back unseen.
func TestAListDoesNotMoveUnderAFinger(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	asked(t, sys, "First", "Second")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager), browser.Phone)
	first, second := mia.Row("First"), mia.Row("Second")
	live(mia)
	at := over(mia, second, "Accept")
	for _, event := range []string{"pointerdown", "pointerup", "pointerleave"} {
		browser.Eval[bool](mia, fmt.Sprintf(`document.querySelector("%s .what")
			.dispatchEvent(new PointerEvent("%s", { bubbles: "%s" !== "pointerleave", pointerType: "touch" }))`, first, event, event))
	}
	tomDecides(t, sys, first, "Accept", "Accepted")
	mia.See("Accepted by Tom Berg", first)
	require.Equal(t, at, over(mia, second, "Accept"))
	mia.SeeNot("First", "[data-live-list]") // some seconds later
	sameAsAReload(mia)
}
