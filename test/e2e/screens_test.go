package e2e

import (
	"os"
	"testing"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// TestScreenshots draws every page, light, dark and on a phone, for people to look at. It runs
// where SCREENSHOTS names a directory.
func TestScreenshots(t *testing.T) {
	if os.Getenv("SCREENSHOTS") == "" {
		t.Skip("SCREENSHOTS names no directory")
	}
	for look, options := range map[string][]browser.Option{"light": nil, "dark": {browser.Dark}, "phone": {browser.Phone}} {
		t.Run(look, func(t *testing.T) {
			drawAll(t, func(tab *browser.Tab, page string) { tab.Screenshot(page + "-" + look) }, options...)
		})
	}
}

func TestEveryPageFitsAPhone(t *testing.T) {
	t.Parallel()
	drawAll(t, func(tab *browser.Tab, _ string) { fits(t, tab) }, browser.Phone)
}

// drawAll opens every page of a seeded system and has it drawn.
func drawAll(t *testing.T, draw func(tab *browser.Tab, page string), options ...browser.Option) {
	sys := testsystem.New(t)
	sys.Seed()
	sys.Settle(t)
	b := browser.New(t)
	for _, app := range []string{testsystem.Contractor, testsystem.Manager} {
		tab := b.Tab(t, sys.URL(app), options...)
		one := func(page string) { draw(tab, app+"-"+page) }
		drawPayments(sys, tab, app, one)
		drawOrders(sys, tab, app, one)
	}
}

func drawPayments(sys *testsystem.System, tab *browser.Tab, app string, draw func(page string)) {
	tab.See("Kitchen fitting")
	draw("list")
	if app == testsystem.Manager {
		tab.Press("All")
		tab.See("Deposit for the crane")
		draw("all")
	}
	tab.Press("Deposit for the crane")
	tab.See("What happened")
	draw("payment")
	tab.Open(sys.URL(app))
	if app == testsystem.Contractor {
		tab.Press("Request new payment")
		tab.Fill("Amount", "1,5")
		tab.Press("Request payment")
		tab.See("Description")
		draw("form")
		return
	}
	tab.Press("Reject")
	tab.See("Reason")
	draw("reject")
}

func drawOrders(sys *testsystem.System, tab *browser.Tab, app string, draw func(page string)) {
	for page, text := range map[string]string{"draft": "Draft", "order-waiting": "000002", "order-paid": "Brandt & Sons", "order-refunded": "Cancelled"} {
		tab.Open(sys.URL(app) + "/orders")
		tab.See("Riverside Housing")
		draw("orders")
		tab.Eventually(`(() => {
			const row = [...document.querySelectorAll("[data-live-list=orders] tr")].find(r => r.innerText.includes("` + text + `"))
			row?.querySelector("a")?.click()
			return Boolean(row)
		})()`)
		tab.See("What happened")
		draw(page)
	}
	if app == testsystem.Contractor {
		tab.Open(sys.URL(app) + "/orders/new")
		tab.See("Nothing is in this order yet")
		draw("order-new")
		return
	}
	for _, page := range []string{"catalog", "customers"} {
		tab.Open(sys.URL(app) + "/" + page)
		tab.See(map[string]string{"catalog": "Cement", "customers": "Linden School"}[page])
		draw(page)
	}
}

// signIn chooses who one is in the header, and waits for that person's page.
func signIn(tab *browser.Tab, name string) {
	if browser.Eval[bool](tab, `document.querySelector("#person").selectedOptions[0].text === "`+name+`"`) {
		return
	}
	mark(tab)
	tab.Fill("Signed in as", name)
	tab.Eventually(`document.readyState === "complete" && !window.notReloaded && document.querySelector("#person")?.selectedOptions[0].text === "` + name + `"`)
}
