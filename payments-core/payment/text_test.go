package payment_test

import (
	"testing"

	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/locale"
)

func TestStepsInWords(t *testing.T) {
	again := request()
	again.Supersedes = otherID
	for _, tt := range []struct {
		history given
		want    string
	}{
		{requested, "Ada Nowak asked for 1,250.00 EUR"},
		{unknown.by(ada, again), "Ada Nowak asked again for 1,250.00 EUR"},
		{withdrawn, "Ada Nowak withdrew it: “Too much”"},
		{rejected, "Mia Weber rejected it: “No invoice”"},
		{accepted, "Mia Weber accepted it: “ok”"},
		{requested.by(mia, payment.Accepted{}), "Mia Weber accepted it"},
		{authorized, "1,250.00 EUR put on hold at the gateway"},
		{declined, "the gateway declined it (attempt 1 of 4): Insufficient funds; it is tried again"},
		{refused, "the gateway declined it: stolen_card; it is not tried again"},
		{captured, "1,250.00 EUR paid out"},
		{authorized.by(mia, payment.Captured{Amount: eur(100), GatewayReference: "r"}), "1.00 EUR paid out by Mia Weber"},
		{released, "the hold of 1,250.00 EUR was released by Mia Weber: Not needed"},
		{refunded, "1,250.00 EUR refunded because order 2026/11/000042 expired"},
		{cancelled, "cancelled because order 2026/11/000042 expired"},
		{captured.by(nobody, stuck(payment.Refund)), "the refund of 1,250.00 EUR is stuck at the gateway: The account is closed; an operator has been told"},
		{authorized.by(nobody, stuck(payment.Release)), "the release of the hold of 1,250.00 EUR is stuck at the gateway: The account is closed; an operator has been told"},
		{authorized.by(mia, stuck(payment.Capture)),
			"the capture of 1,250.00 EUR, which Mia Weber asked for, is stuck at the gateway: The account is closed; an operator has been told"},

		{accepted.by(ada, payment.Withdrawn{}), "not withdrawn: Mia Weber had already accepted it"},
		{accepted.by(tom, payment.Accepted{}), "not accepted: Mia Weber had already accepted it"},
		{accepted.by(tom, payment.Rejected{Reason: "x"}), "not rejected: Mia Weber had already accepted it"},
		{withdrawn.by(mia, payment.Accepted{}), "not accepted: Ada Nowak had already withdrawn it"},
		{cancelled.by(mia, payment.Accepted{}), "not accepted: it was already cancelled: order 2026/11/000042 expired"},
		{requested.by(ada, request()), "not requested: Ada Nowak had already requested it"},
		{requested.by(nobody, payment.Authorized{GatewayReference: "r"}), "not authorized: no manager had accepted it"},
		{requested.by(nobody, payment.Captured{Amount: eur(1), GatewayReference: "r"}), "not captured: it was waiting for a decision"},
		{accepted.by(nobody, payment.Released{}), "not released: no money was on hold"},
		{authorized.by(nobody, payment.Refunded{GatewayReference: "r"}), "not refunded: no money had been paid out"},
		{captured.by(nobody, payment.Cancelled{}), "not cancelled: it was already captured"},
		{authorized.by(nobody, payment.Released{Reason: "the hold lapsed"}).by(mia, payment.Captured{Amount: eur(1), GatewayReference: "r"}),
			"not captured: it was already released: the hold lapsed"},
		{requested.from("/contractor-ui", mia, payment.Accepted{}), "not accepted: only manager-ui may say that, and it has not"},
		{authorized.from("/evil", nobody, payment.Captured{Amount: eur(1), GatewayReference: "r"}), "not captured: only payments-core may say that, and it has not"},
		{unknown.by(mia, payment.Accepted{}), "not accepted: nobody had asked for this payment"},
		{requested.by(jon, payment.Withdrawn{}), "not withdrawn: this is another person's payment"},
		{authorized.by(nobody, payment.Captured{Amount: eur(999999), GatewayReference: "r"}), "not captured: the amount is not what is on hold"},
	} {
		_, steps := payment.Fold(tt.history.entries)
		if got := locale.English.Write(paymentview.StepText(steps[len(steps)-1])); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestStatesInWords(t *testing.T) {
	for state, want := range map[string][2]string{
		"requested":  {"Waiting", "Not moved"},
		"withdrawn":  {"Withdrawn", "Not moved"},
		"rejected":   {"Rejected", "Not moved"},
		"accepted":   {"Accepted", "To be authorized shortly"},
		"authorized": {"Accepted", "On hold"},
		"declined":   {"Accepted", "Declined, will be tried again"},
		"refused":    {"Accepted", "Declined"},
		"captured":   {"Accepted", "Paid out"},
		"released":   {"Accepted", "Not paid out, hold released"},
		"refunded":   {"Accepted", "Refunded"},
		"cancelled":  {"Cancelled", "Not moved"},
	} {
		p := histories[state].payment()
		if got := [2]string{paymentview.DecisionLabel(p.Decision), paymentview.MoneyLabel(p)}; got != want {
			t.Errorf("%s: %q, want %q", state, got, want)
		}
	}
}

func TestEveryRefusalHasWords(t *testing.T) {
	bodies := []payment.Body{
		request(), payment.Withdrawn{}, payment.Rejected{Reason: "x"}, payment.Accepted{}, payment.Authorized{GatewayReference: "r"},
		payment.Declined{Code: "c"}, payment.Captured{Amount: eur(1), GatewayReference: "r"}, payment.Released{},
		payment.Refunded{GatewayReference: "r"}, payment.Cancelled{}, stuck(payment.Authorize), stuck(payment.Refund),
	}
	for state, history := range histories {
		for _, body := range bodies {
			_, steps := payment.Fold(history.by(tom, body).entries)
			last := steps[len(steps)-1]
			if paymentview.StepText(last) == "" || (last.Refusal != nil && len(last.Refusal.Error()) < len("already x")) {
				t.Errorf("%s when %s: %q, %v", body.EventType(), state, paymentview.StepText(last), last.Refusal)
			}
		}
	}
}
