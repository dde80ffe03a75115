package payment_test

import (
	"strings"
	"testing"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/money"
)

func TestNewRequest(t *testing.T) {
	body, err := payment.NewRequest(payment.Requested{
		PaymentID: paymentID, ContractorID: "ada", Amount: eur(1), Description: " " + strings.Repeat("é", 2000) + "\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	if body.CaptureMethod != payment.Automatic || strings.ContainsAny(body.Description, " \n") {
		t.Errorf("got %+v", body)
	}
	if err := payment.Check(payment.New("/contractor-ui", paymentID, body)); err != nil {
		t.Errorf("the event does not fit: %v", err)
	}
}

func TestNewRequestNamesTheFieldAtFault(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*payment.Requested)
		field  string
	}{
		"no id":             {func(r *payment.Requested) { r.PaymentID = "" }, "payment_id"},
		"id in upper case":  {func(r *payment.Requested) { r.PaymentID = strings.ToUpper(paymentID) }, "payment_id"},
		"nothing":           {func(r *payment.Requested) { r.Amount.Minor = 0 }, "amount"},
		"less than nothing": {func(r *payment.Requested) { r.Amount.Minor = -1 }, "amount"},
		"over the limit":    {func(r *payment.Requested) { r.Amount.Minor = money.Max + 1 }, "amount"},
		"unknown currency":  {func(r *payment.Requested) { r.Amount.Currency = "XYZ" }, "amount"},
		"no description":    {func(r *payment.Requested) { r.Description = " \t" }, "description"},
		"a long one":        {func(r *payment.Requested) { r.Description = strings.Repeat("é", 2001) }, "description"},
		"NUL":               {func(r *payment.Requested) { r.Description = "a\x00b" }, "description"},
		"not UTF-8":         {func(r *payment.Requested) { r.Description = "a\xffb" }, "description"},
		"capture method":    {func(r *payment.Requested) { r.CaptureMethod = "later" }, "capture_method"},
		"order":             {func(r *payment.Requested) { r.OrderID = "42" }, "order_id"},
		"itself again":      {func(r *payment.Requested) { r.Supersedes = paymentID }, "supersedes"},
	} {
		t.Run(name, func(t *testing.T) {
			body := request()
			tt.change(&body)
			_, err := payment.NewRequest(body)
			refusal := mustRefuse(t, err, payment.Invalid)
			if refusal.Field != tt.field || refusal.Error() == "" {
				t.Errorf("field %q (%s), want %q", refusal.Field, refusal, tt.field)
			}
		})
	}
}

func TestDecisionsAnswerWhatStands(t *testing.T) {
	p := accepted.payment()

	_, err := p.Accept(tom, "")
	if r := mustRefuse(t, err, payment.SameVerdict); r.Error() != "already accepted by Mia Weber" || !r.At.Equal(p.Decided.At) {
		t.Errorf("%s at %s", r, r.At)
	}
	_, err = p.Reject(tom, "") // what stands is told before the missing reason
	mustRefuse(t, err, payment.OppositeVerdict)
	_, err = p.Withdraw(ada, "")
	mustRefuse(t, err, payment.WrongState)
	_, err = requested.payment().Withdraw(jon, "")
	mustRefuse(t, err, payment.NotYours)
	_, err = requested.payment().Accept(ada, "")
	mustRefuse(t, err, payment.NotAllowed)
	_, err = requested.payment().Reject(mia, " ")
	if r := mustRefuse(t, err, payment.Invalid); r.Field != "reason" {
		t.Errorf("field %q", r.Field)
	}
	_, err = requested.payment().Accept(mia, "a\x00b")
	mustRefuse(t, err, payment.Invalid)
	_, err = unknown.payment().Accept(mia, "")
	mustRefuse(t, err, payment.NotRequested)

	if body, err := requested.payment().Accept(mia, " ok "); err != nil || body.Note != "ok" {
		t.Errorf("Accept: %+v, %v", body, err)
	}
	if body, err := requested.payment().Reject(mia, "No invoice"); err != nil || body.Reason != "No invoice" {
		t.Errorf("Reject: %+v, %v", body, err)
	}
	if _, err := requested.payment().Withdraw(ada, ""); err != nil {
		t.Errorf("Withdraw: %v", err)
	}
}

func TestMoneyCommandsAskTheRules(t *testing.T) {
	can := map[string]func(payment.Payment) error{
		"capture": payment.Payment.CanCapture, "release": payment.Payment.CanRelease,
		"refund": payment.Payment.CanRefund, "cancel": payment.Payment.CanCancel,
	}
	allowed := map[string]string{
		"authorized": "capture release", "captured": "refund",
		"requested": "cancel", "accepted": "cancel", "declined": "cancel",
	}
	for state, history := range histories {
		for what, ask := range can {
			if err := ask(history.payment()); (err == nil) != strings.Contains(allowed[state], what) {
				t.Errorf("%s when %s: %v", what, state, err)
			}
		}
	}
}

// Whatever a gateway says, the event that records it fits.
func TestWhatTheGatewaySaysIsMadeToFit(t *testing.T) {
	for _, said := range []string{"", "ok", strings.Repeat("é", 5000), "a\x00b", "\xff"} {
		authorize, err1 := accepted.payment().Authorize(said)
		decline, err2 := accepted.payment().Decline(said, said, false)
		capture, err3 := authorized.payment().Capture(eur(125000), said)
		release, err4 := authorized.payment().Release(said)
		refund, err5 := captured.payment().Refund(said, said)
		cancel, err6 := accepted.payment().Cancel(said)
		for _, err := range []error{err1, err2, err3, err4, err5, err6} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, body := range []payment.Body{authorize, decline, capture, release, refund, cancel} {
			if err := payment.Check(payment.New("/payments-core", paymentID, body)); err != nil {
				t.Errorf("%.20q: %v", said, err)
			}
		}
	}
}

func TestAskAgain(t *testing.T) {
	again := request()
	again.PaymentID = otherID
	for state, history := range histories {
		p, body := history.payment(), again
		err := p.CanAskAgain(again.ContractorID)
		if err == nil {
			body.Supersedes = p.ID
			body, err = payment.NewRequest(body)
		}
		if state == "rejected" || state == "withdrawn" || state == "refused" || state == "released" {
			if err != nil || body.Supersedes != paymentID {
				t.Errorf("%s: %+v, %v", state, body, err)
			}
		} else if err == nil {
			t.Errorf("%s: can be asked again", state)
		}
	}
	mustRefuse(t, rejected.payment().CanAskAgain("jon"), payment.NotYours)
	mustRefuse(t, rejected.pending().payment().CanAskAgain("ada"), payment.BeingConfirmed)
	mustRefuse(t, authorized.by(nobody, payment.Released{Reason: "the hold lapsed"}).pending().payment().CanAskAgain("ada"), payment.BeingConfirmed)
	superseded := rejected.payment()
	superseded.SupersededBy = otherID
	mustRefuse(t, superseded.CanAskAgain("ada"), payment.AlreadyAsked)
}
