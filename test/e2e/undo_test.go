package e2e

import (
	"testing"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestAnAcceptanceIsUndone(t *testing.T) {
	// Given a grace that does not pass meanwhile, and a payment that Mia has just accepted.
	at := testsystem.New(t, "PAYOUT_GRACE=10m")
	b := browser.New(t)
	ada := b.Tab(t, at.URL(testsystem.Contractor))
	mia := b.Tab(t, at.URL(testsystem.Manager))
	live(mia)
	request(at, ada, "1250.00", "Kitchen-fitting")
	ada.Open(at.URL(testsystem.Contractor))
	live(ada)
	row := ada.Row("Kitchen-fitting")
	mia.Press("Accept", mia.Row("Kitchen-fitting"))
	ada.See("Mia Weber", row)

	// When she presses Undo in the message.
	mia.Press("Undo", "#flashes")

	// Then it waits again in both lists, without a reload, and the message is gone.
	mia.See("Undone: 1,250.00 EUR for Ada Nowak waits again.", "#flashes")
	mia.SeeNot("Undo", "#flashes button")
	ada.See("Waiting", row)
	ada.SeeNot("Mia Weber", row)

	// And she may accept it and undo that on the payment's page, too, which says what happened.
	mia.Open(at.URL(testsystem.Manager))
	mia.Press("Kitchen-fitting")
	mia.Press("Accept")
	mia.See("Accepted by Mia Weber")
	mia.Press("Undo", "main .facts")
	mia.See("Decide")
	mia.See("Mia Weber took the acceptance back")
	ada.See("Waiting", row)

	// And without scripts.
	tom := b.Tab(t, at.URL(testsystem.Manager), browser.WithoutJavaScript)
	reloadUntil(t, tom, "Kitchen-fitting")
	tom.Press("Accept")
	tom.Press("Undo")
	tom.See("Undone: 1,250.00 EUR for Ada Nowak waits again.")
}
