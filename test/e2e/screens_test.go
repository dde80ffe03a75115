package e2e

import (
	"os"
	"testing"

	"countersign.example/test/browser"
	"countersign.example/test/house"
)

// TestScreenshots draws every page, light, dark and on a phone, for people to look at. It runs
// where SCREENSHOTS names a directory.
func TestScreenshots(t *testing.T) {
	if os.Getenv("SCREENSHOTS") == "" {
		t.Skip("SCREENSHOTS names no directory")
	}
	h := house.New(t)
	b := browser.New(t)
	ada := b.Tab(t, h.URL(house.Contractor))
	mia := b.Tab(t, h.URL(house.Manager))

	for _, p := range []struct{ as, amount, description, capture, then string }{
		{"Sara Lind", "2980.00", "Scaffolding, week 46", "", "Accept"},
		{"Sara Lind", "742.01", "Paint, invoice 7781", "", "Accept"},
		{"Jon Park", "96.00", "Site lamps", "", "Reject"},
		{"Ada Nowak", "1875.50", "Deposit for the crane", "By a manager: put on hold first", "Accept"},
		{"Ada Nowak", "420.00", "Cable drums", "", "Accept"},
		{"Ada Nowak", "58.20", "Parking at the site", "", "Reject"},
		{"Ada Nowak", "486.10", "Tiles and grout", "", ""},
		{"Jon Park", "310.40", "Van rental, November", "", ""},
		{"Ada Nowak", "1250.00", "Kitchen fitting, second instalment", "", ""},
	} {
		signIn(ada, p.as)
		if p.capture == "" {
			request(h, ada, p.amount, p.description)
		} else {
			request(h, ada, p.amount, p.description, p.capture)
		}
		mia.See(p.description)
		switch p.then {
		case "Accept":
			mia.Press("Accept")
			mia.SeeNot(p.description, "tbody")
		case "Reject":
			mia.Press("Reject")
			mia.Fill("Reason", "There is no invoice for this")
			mia.Press("Reject payment")
			mia.Open(h.URL(house.Manager))
		}
	}
	signIn(ada, "Ada Nowak")
	for _, look := range []struct {
		name    string
		options []browser.Option
	}{{"light", nil}, {"dark", []browser.Option{browser.Dark}}, {"phone", []browser.Option{browser.Phone}}} {
		for _, app := range []string{house.Contractor, house.Manager} {
			tab := b.Tab(t, h.URL(app), look.options...)
			tab.Screenshot(app + "-list-" + look.name)
			if app == house.Manager {
				tab.Press("All")
				tab.See("Deposit for the crane")
				tab.Screenshot(app + "-all-" + look.name)
			}
			tab.Press("Deposit for the crane")
			tab.See("on hold")
			tab.Screenshot(app + "-payment-" + look.name)
			tab.Open(h.URL(app))
			if app == house.Contractor {
				tab.Press("Request new payment")
				tab.Fill("Amount", "1,5")
				tab.Press("Request payment")
				tab.See("Description")
				tab.Screenshot(app + "-form-" + look.name)
			} else {
				tab.Press("Reject")
				tab.See("Reason")
				tab.Screenshot(app + "-reject-" + look.name)
			}
		}
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
