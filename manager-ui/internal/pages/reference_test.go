package pages_test

import (
	"strings"
	"testing"

	"countersign.example/payments-core/payment"
)

// called gives a request a reference.
func called(reference string) func(*payment.Requested) {
	return func(b *payment.Requested) { b.Reference = reference }
}

func TestAPaymentIsCalledByItsReference(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	// given payments with a reference, and one from before
	tiles := requested(ada, 125000, "Kitchen tiles", 0, called("P-2026-004217"))
	again := requested(ada, 125000, "Tiles again", 1, called("P-2026-004218"), func(b *payment.Requested) { b.Supersedes = tiles.Subject })
	old := requested(jon, 700, "From before", 2)
	o.receive(tiles, again, old)
	// then each is shown with it in lists, titles and beside a button that copies it
	mia.get("/payments").is(200, ">P-2026-004217</small>", ">P-2026-004218</small>")
	page := mia.get("/payments/"+tiles.Subject).is(200, "<title>P-2026-004217 · 1,250.00 EUR for Ada Nowak", `data-copy="P-2026-004217"`, ">P-2026-004218</a>")
	page.without("Payment’s number", "a later payment")
	mia.get("/payments/"+again.Subject).is(200, "Asks again for", ">P-2026-004217</a>")
	mia.get("/payments/"+tiles.Subject+"/reject").is(200, "P-2026-004217")
	mia.get("/payments/"+old.Subject).is(200, "<title>7.00 EUR for Jon Park", "Payment’s number", `data-copy="`+old.Subject+`"`)
	// and is found by it, however it is typed
	for _, typed := range []string{"P-2026-004217", "p-2026-4217", "p2026+4217", "P2026004217", "4217", "p-2026-0042", tiles.Subject} {
		mia.get("/payments?q="+typed).is(200, "Kitchen tiles</a>").without("From before")
	}
	mia.get("/payments?q=p2026+4217").without("Tiles again")
	for _, typed := range []string{"P-2026-004217", "p2026-4217", "p2026004217", "p%202026%204217"} {
		if led := mia.get("/payments/"+typed).is(200, "Kitchen tiles"); !strings.HasPrefix(led.path, "/payments/"+tiles.Subject) {
			t.Errorf("%s leads to %s", typed, led.path)
		}
	}
	mia.get("/payments/P-2026-000001").is(404)
	// and in the message about what was done
	mia.postFrom("/payments", "/payments/"+tiles.Subject+"/accept").is(200, "Accepted: 1,250.00 EUR for Ada Nowak.", ">P-2026-004217 · Kitchen tiles</a>")
	// and one that is there twice leads to both
	o.receive(requested(jon, 900, "Forged", 3, called("P-2026-004217")))
	if led := mia.get("/payments/P-2026-004217").is(200, "Kitchen tiles", "Forged"); !strings.HasPrefix(led.path, "/payments?") {
		t.Errorf("leads to %s", led.path)
	}
}
