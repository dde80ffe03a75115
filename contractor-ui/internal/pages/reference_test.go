package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// reference is what people call a payment by.
func (d *testSite) reference(id string) string {
	d.t.Helper()
	rows, err := readmodel.Find(d.t.Context(), d.db, id)
	if err != nil || len(rows) != 1 || rows[0].Called() == "" {
		d.t.Fatalf("the payment %s is called %+v, %v", id, rows, err)
	}
	return rows[0].Called()
}

func TestAPaymentIsCalledByItsReference(t *testing.T) {
	d := newTestSite(t)
	ada, jon := d.as("ada-nowak"), d.as("jon-park")
	// given three payments, each asked for once, with one form sent twice
	values := ada.form("/payments/new", "12.50", "EUR", "Tiles")
	id := values.Get("payment_id")
	told := ada.post("/payments", values)
	reference := d.reference(id)
	ada.post("/payments", values)
	second, theirs := ada.ask("4.00", "Grout"), jon.ask("3.00", "Gloves")
	// when it is looked at, then its reference stands in messages, titles and lists, and beside a button that
	// copies it
	ada.wants(told, http.StatusOK, "/payments/"+id, ">"+reference+" · Tiles</a>", "<title>"+reference+" · Tiles", `data-copy="`+reference+`"`)
	if strings.Contains(told.text, "Payment’s number") {
		t.Error("its id is shown, too")
	}
	ada.wants(ada.get("/"), http.StatusOK, "", reference, d.reference(second))
	ada.wants(ada.post("/payments/"+second+"/withdraw", url.Values{}), http.StatusOK, "", "Withdrawn.", ">"+d.reference(second)+" · 4.00 EUR for")
	d.confirms(second)
	again := ada.form("/payments/new?supersedes="+second, "4.00", "EUR", "Grout, with an invoice")
	ada.wants(ada.post("/payments", again), http.StatusOK, "", "In place of", ">"+d.reference(second)+"</a>")
	ada.wants(ada.get("/payments/"+second), http.StatusOK, "", "Asked again", ">"+d.reference(again.Get("payment_id"))+"</a>")
	// and no two have the same
	if reference == d.reference(second) || reference == d.reference(theirs) {
		t.Error("two payments are called ", reference)
	}
	// and as an address it leads there, in any spelling, whose it is alone
	year, number, _ := payment.ReferenceNumber(reference)
	short := payment.Reference(year, number)[:7] + "1" // P-2026-1
	for _, spelling := range []string{reference, strings.ToLower(reference), short, url.PathEscape("p2026 " + reference[len(reference)-1:])} {
		spelling = strings.Replace(spelling, "2026", reference[2:6], 1)
		ada.wants(ada.get("/payments/"+spelling), http.StatusOK, "/payments/"+id)
		search := "?q=" + url.QueryEscape(strings.ReplaceAll(spelling, "%20", " "))
		ada.wants(ada.get("/"+search), http.StatusOK, "", "Tiles</a>")
		ada.wants(ada.get("/payments/export"+search), http.StatusOK, "", "Tiles,")
		jon.wants(jon.get("/payments/"+spelling), http.StatusNotFound, "")
	}
	jon.wants(jon.get("/?q="+reference), http.StatusOK, "", "Nothing found")
	ada.wants(ada.get("/payments/P-2026-999999"), http.StatusNotFound, "")
}

// A payment from before has no reference, and another one may have been forged.
func TestPaymentsWithoutAReferenceOrWithAForgedOne(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("12.50", "Tiles")
	reference := d.reference(id)
	written := func(description, reference string) string {
		body := payment.Requested{PaymentID: event.NewID().String(), Reference: reference, ContractorID: "ada-nowak", Description: description,
			Amount: money.Amount{Minor: 700, Currency: "EUR"}, CaptureMethod: payment.Automatic}
		e := payment.New("/contractor-ui", body.PaymentID, body)
		e.Meta, e.Time = event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}, time.Now()
		d.receives(e)
		return body.PaymentID
	}
	old, forged := written("From before", ""), written("Forged", reference)
	ada.wants(ada.get("/payments/"+old), http.StatusOK, "", "<title>From before", "Payment’s number", `data-copy="`+old+`"`)
	ada.wants(ada.get("/?q="+old), http.StatusOK, "", "From before</a>")
	ada.wants(ada.get("/payments/"+forged), http.StatusOK, "", "<title>"+reference+" · Forged")
	ada.wants(ada.get("/payments/"+reference), http.StatusOK, "/", "Forged</a>", "Tiles</a>")
}
