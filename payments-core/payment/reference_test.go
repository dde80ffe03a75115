package payment_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"countersign.example/payments-core/payment"
)

func TestAReferenceIsReadAsPeopleTypeIt(t *testing.T) {
	for typed, want := range map[string]string{
		"P-2026-004217": "P-2026-004217", "p-2026-004217": "P-2026-004217", " p2026 4217 ": "P-2026-004217", "P-2026-4217": "P-2026-004217",
		"P 2026 004217": "P-2026-004217", "P2026004217": "P-2026-004217", "p 2026 - 4217": "P-2026-004217", "P–2026": "",
		"Ｐ-２０２６-００４２１７": "P-2026-004217", "P-2026-1234567": "P-2026-1234567", "P20261234567": "P-2026-1234567", "P-2026-1": "P-2026-000001",
		"P-2026-0000000042": "P-2026-000042",
		// What means something else, too.
		"P-2026-0042": "", "4217": "", "2026-004217": "", "2026 4217": "", "P-4217": "", "P2026": "", "P20264217": "", "P-2026-": "", "P-2026-000000": "",
		"P-2026-1234567890123": "", "xP-2026-004217": "", "P-2026-004217x": "", "P-2026-4217 tiles": "", "P/2026/4217": "", "P-2026\n4217": "", "": "",
	} {
		got, ok := payment.ReadReference(typed)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is read as %q, %t, not as %q", typed, got, ok, want)
		}
	}
}

// Whatever number is given, its reference is one, is read back, and fits the events.
func TestAReferenceIsItsNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		year, n := rapid.IntRange(2000, 2999).Draw(t, "year"), rapid.Int64Range(1, 999_999_999_999).Draw(t, "n")
		reference := payment.Reference(year, n)
		gotYear, got, ok := payment.ReferenceNumber(reference)
		if !ok || gotYear != year || got != n {
			t.Fatalf("%s is number %d of %d, %t", reference, got, gotYear, ok)
		}
		if typed, ok := payment.ReadReference(reference); !ok || typed != reference {
			t.Fatalf("%s is read as %s", reference, typed)
		}
		body := request()
		body.Reference = reference
		e := payment.New("/contractor-ui", paymentID, body)
		if err := payment.Check(e); err != nil {
			t.Fatal(err)
		}
		e.Actor = body.ContractorID
		if p, _ := payment.Fold([]payment.Entry{{Event: e}}); p.Reference != reference {
			t.Fatalf("%s is folded to %q", reference, p.Reference)
		}
	})
	for _, no := range []string{"", "P-2026-000000", "P-2026-42", "P-2026-0042170", "P-26-004217", "p-2026-004217", "P-2026-004217\n", "P-2026-1234567890123"} {
		if year, n, ok := payment.ReferenceNumber(no); ok {
			t.Errorf("%q is number %d of %d", no, n, year)
		}
	}
}

func TestAWriterGivesNoOtherReference(t *testing.T) {
	body := request()
	for reference, fits := range map[string]bool{"": true, "P-2026-004217": true, "4217": false, "P-2026-4217": false} {
		body.Reference = reference
		_, err := payment.NewRequest(body)
		var refusal *payment.Refusal
		if refused := errors.As(err, &refusal) && refusal.Field == "reference"; refused == fits {
			t.Errorf("%q: %v", reference, err)
		}
	}
}
