package payment_test

import (
	"errors"
	"testing"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

const (
	paymentID = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
	otherID   = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1c"
)

var (
	ada    = event.Meta{Actor: "ada", ActorName: "Ada Nowak"}
	jon    = event.Meta{Actor: "jon", ActorName: "Jon Park"}
	mia    = event.Meta{Actor: "mia", ActorName: "Mia Weber"}
	tom    = event.Meta{Actor: "tom", ActorName: "Tom Berg"}
	nobody = event.Meta{}
	noon   = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

func request() payment.Requested {
	return payment.Requested{
		PaymentID: paymentID, ContractorID: "ada", Amount: eur(125000),
		Description: "Design of the autumn brochure", CaptureMethod: payment.Automatic,
	}
}

func stuck(operation payment.OperationKind) payment.Stuck {
	return payment.Stuck{Operation: operation, Reason: "The account is closed"}
}

// given is a history in log order: each event a minute after the one before, all confirmed.
type given struct{ entries []payment.Entry }

func (g given) by(who event.Meta, bodies ...payment.Body) given {
	for _, body := range bodies {
		g = g.from(payment.Writer(body.EventType()), who, body)
	}
	return g
}

func (g given) from(source string, who event.Meta, bodies ...payment.Body) given {
	for _, body := range bodies {
		e := payment.New(source, paymentID, body)
		e.Meta = who
		e.Time = noon.Add(time.Duration(len(g.entries)) * time.Minute)
		g.entries = append(g.entries[:len(g.entries):len(g.entries)], payment.Entry{Event: e, Confirmed: true})
	}
	return g
}

func (g given) pending() given {
	entries := append([]payment.Entry(nil), g.entries...)
	entries[len(entries)-1].Confirmed = false
	return given{entries}
}

// reopening takes the acceptance back.
func (g given) reopening() payment.Reopened {
	return payment.Reopened{AcceptanceID: g.payment().Decided.EventID.String()}
}

func (g given) payment() payment.Payment {
	p, _ := payment.Fold(g.entries)
	return p
}

// Every state that a payment can be in, by the history that leads there.
var (
	unknown    = given{}
	requested  = unknown.by(ada, request())
	withdrawn  = requested.by(ada, payment.Withdrawn{Reason: "Too much"})
	rejected   = requested.by(mia, payment.Rejected{Reason: "No invoice"})
	accepted   = requested.by(mia, payment.Accepted{Note: "ok"})
	authorized = accepted.by(nobody, payment.Authorized{GatewayReference: "auth_1"})
	declined   = accepted.by(nobody, payment.Declined{Code: "insufficient_funds", Reason: "Insufficient funds"})
	refused    = declined.by(nobody, payment.Declined{Code: "stolen_card", Final: true})
	captured   = authorized.by(nobody, payment.Captured{Amount: eur(125000), GatewayReference: "cap_1"})
	released   = authorized.by(mia, payment.Released{Reason: "Not needed"})
	refunded   = captured.by(nobody, payment.Refunded{Reason: "order 2026/11/000042 expired", GatewayReference: "ref_1"})
	cancelled  = accepted.by(nobody, payment.Cancelled{Reason: "order 2026/11/000042 expired"})
)

var histories = map[string]given{
	"unknown": unknown, "requested": requested, "withdrawn": withdrawn, "rejected": rejected, "accepted": accepted,
	"authorized": authorized, "declined": declined, "refused": refused, "captured": captured, "released": released,
	"refunded": refunded, "cancelled": cancelled,
}

// Nothing counts that another service has written than the one that alone writes the type.
func TestNothingCountsThatItsWriterHasNotWritten(t *testing.T) {
	for _, step := range []struct {
		before given
		who    event.Meta
		body   payment.Body
	}{
		{unknown, ada, request()}, {requested, ada, payment.Withdrawn{}}, {requested, mia, payment.Rejected{Reason: "no"}},
		{requested, mia, payment.Accepted{}}, {accepted, nobody, payment.Authorized{GatewayReference: "a"}},
		{accepted, nobody, payment.Declined{Code: "c"}}, {authorized, nobody, payment.Captured{Amount: eur(1), GatewayReference: "c"}},
		{authorized, nobody, payment.Released{}}, {captured, nobody, payment.Refunded{GatewayReference: "r"}},
		{requested, nobody, payment.Cancelled{}}, {accepted, mia, accepted.reopening()},
	} {
		writer := payment.Writer(step.body.EventType())
		for _, source := range []string{"/contractor-ui", "/manager-ui", "/payments-core", "/ordering-core", "/evil", writer + "/", ""} {
			p, steps := payment.Fold(step.before.from(source, step.who, step.body).entries)
			last := steps[len(steps)-1]
			switch {
			case source == writer && !last.Effect:
				t.Errorf("%s by %s: %v", step.body.EventType(), source, last.Refusal)
			case source != writer && (last.Effect || last.Refusal.Code != payment.OtherWriter || p != step.before.payment()):
				t.Errorf("%s by %q has an effect: %+v", step.body.EventType(), source, p)
			}
		}
	}
}

// The rules as a table: what each event does in each state. "" is an effect.
func TestEveryEventInEveryState(t *testing.T) {
	const (
		yes  = payment.Code("")
		none = payment.NotRequested
		dup  = payment.AlreadyRequested
		same = payment.SameVerdict
		opp  = payment.OppositeVerdict
		not  = payment.NotAccepted
		no   = payment.WrongState
	)
	states := []string{"unknown", "requested", "withdrawn", "rejected", "accepted", "authorized", "declined", "refused",
		"captured", "released", "refunded", "cancelled"}
	for _, row := range []struct {
		body payment.Body
		by   event.Meta
		want [12]payment.Code
	}{
		{request(), ada, [12]payment.Code{yes, dup, dup, dup, dup, dup, dup, dup, dup, dup, dup, dup}},
		{payment.Withdrawn{}, ada, [12]payment.Code{none, yes, same, no, no, no, no, no, no, no, no, no}},
		{accepted.reopening(), tom, [12]payment.Code{none, not, no, no, yes, no, no, no, no, no, no, no}},
		{payment.Rejected{Reason: "no"}, tom, [12]payment.Code{none, yes, no, same, opp, opp, opp, opp, opp, opp, opp, no}},
		{payment.Accepted{}, tom, [12]payment.Code{none, yes, no, opp, same, same, same, same, same, same, same, no}},
		{payment.Authorized{GatewayReference: "r"}, nobody, [12]payment.Code{none, not, no, no, yes, no, yes, no, no, no, no, no}},
		{payment.Declined{Code: "c"}, nobody, [12]payment.Code{none, not, no, no, yes, no, yes, no, no, no, no, no}},
		{payment.Captured{Amount: eur(1), GatewayReference: "r"}, nobody, [12]payment.Code{none, no, no, no, no, yes, no, no, no, no, no, no}},
		{payment.Released{}, nobody, [12]payment.Code{none, no, no, no, no, yes, no, no, no, no, no, no}},
		{payment.Refunded{GatewayReference: "r"}, nobody, [12]payment.Code{none, no, no, no, no, no, no, no, yes, no, no, no}},
		{payment.Cancelled{}, nobody, [12]payment.Code{none, yes, no, no, yes, no, yes, no, no, no, no, no}},
		{stuck(payment.Authorize), nobody, [12]payment.Code{none, not, no, no, yes, no, yes, no, no, no, no, no}},
		{stuck(payment.Capture), nobody, [12]payment.Code{none, no, no, no, no, yes, no, no, no, no, no, no}},
		{stuck(payment.Release), nobody, [12]payment.Code{none, no, no, no, no, yes, no, no, no, no, no, no}},
		{stuck(payment.Refund), nobody, [12]payment.Code{none, no, no, no, no, no, no, no, yes, no, no, no}},
	} {
		for i, state := range states {
			t.Run(row.body.EventType()+" when "+state, func(t *testing.T) {
				before := histories[state].payment()
				after, steps := payment.Fold(histories[state].by(row.by, row.body).entries)
				last := steps[len(steps)-1]
				if row.want[i] == yes {
					if !last.Effect || after == before {
						t.Errorf("no effect: %v", last.Refusal)
					}
					return
				}
				if last.Effect || after != before {
					t.Fatal("it had an effect")
				}
				if last.Refusal.Code != row.want[i] {
					t.Errorf("refused as %q (%v), want %q", last.Refusal.Code, last.Refusal, row.want[i])
				}
			})
		}
	}
}

func TestWhatIsStuckIsSoUntilTheMoneyMoves(t *testing.T) {
	for _, tt := range []struct {
		before given
		stuck  payment.OperationKind
		after  payment.Body
	}{
		{accepted, payment.Authorize, payment.Declined{Code: "settled", Final: true}},
		{authorized, payment.Capture, payment.Released{}},
		{authorized, payment.Release, payment.Released{}},
		{captured, payment.Refund, payment.Refunded{GatewayReference: "r"}},
	} {
		p := tt.before.by(nobody, stuck(tt.stuck)).payment()
		if p.Stuck != tt.stuck || p.StuckReason != "The account is closed" || p.Money != tt.before.payment().Money {
			t.Errorf("%s: stuck is %q because %q, the money %q", tt.stuck, p.Stuck, p.StuckReason, p.Money)
		}
		if p = tt.before.by(nobody, stuck(tt.stuck), tt.after).payment(); p.Stuck != "" || p.StuckReason != "" {
			t.Errorf("%s: after %s it is still stuck", tt.stuck, tt.after.EventType())
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	for name, tt := range map[string]struct {
		history given
		want    payment.Code
	}{
		"another contractor asks in Ada's name":  {unknown.by(jon, request()), payment.NotAllowed},
		"nobody asks in Ada's name":              {unknown.by(nobody, request()), payment.NotAllowed},
		"another contractor withdraws":           {requested.by(jon, payment.Withdrawn{}), payment.NotYours},
		"a manager withdraws":                    {requested.by(mia, payment.Withdrawn{}), payment.NotYours},
		"nobody accepts":                         {requested.by(nobody, payment.Accepted{}), payment.NotAllowed},
		"the contractor accepts their own":       {requested.by(ada, payment.Accepted{}), payment.NotAllowed},
		"the contractor rejects their own":       {requested.by(ada, payment.Rejected{Reason: "x"}), payment.NotAllowed},
		"more is captured than held":             {authorized.by(nobody, payment.Captured{Amount: eur(125001), GatewayReference: "r"}), payment.WrongAmount},
		"another currency is captured than held": {authorized.by(nobody, payment.Captured{Amount: money.Amount{Minor: 1, Currency: "USD"}, GatewayReference: "r"}), payment.WrongAmount},
	} {
		t.Run(name, func(t *testing.T) {
			_, steps := payment.Fold(tt.history.entries)
			last := steps[len(steps)-1]
			if last.Effect || last.Refusal.Code != tt.want {
				t.Errorf("effect %v, refusal %v, want %q", last.Effect, last.Refusal, tt.want)
			}
		})
	}
}

func TestTheStateTellsWhatHappened(t *testing.T) {
	p := refunded.payment()
	at := func(minute int, who event.Meta) payment.Act {
		return payment.Act{
			EventID: refunded.entries[minute].ID, By: who.Actor, ByName: who.ActorName,
			At: noon.Add(time.Duration(minute) * time.Minute), Confirmed: true,
		}
	}
	want := payment.Payment{
		ID: paymentID, ContractorID: "ada", ContractorName: "Ada Nowak", Amount: eur(125000),
		Description: "Design of the autumn brochure", CaptureMethod: payment.Automatic,
		Decision: payment.DecisionAccepted, Money: payment.MoneyRefunded,
		Requested: at(0, ada), Decided: at(1, mia), Authorized: at(2, nobody), Captured: at(3, nobody), Refunded: at(4, nobody),
		Note: "ok", MoneyReason: "order 2026/11/000042 expired",
		GatewayReference: "auth_1", CaptureReference: "cap_1", RefundReference: "ref_1",
		AuthorizedAmount: eur(125000), CapturedAmount: eur(125000), ReleasedAmount: eur(0), RefundedAmount: eur(125000),
		UpdatedAt: noon.Add(4 * time.Minute),
	}
	if p != want {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
}

func TestAnEventOfTheFutureIsKeptWithoutEffect(t *testing.T) {
	g := requested.by(mia, payment.Accepted{})
	g.entries[1].Type = "payment_blessed"
	p, steps := payment.Fold(g.entries)
	if p != requested.payment() || steps[1].Effect || steps[1].Refusal.Code != payment.UnknownType {
		t.Errorf("step %+v", steps[1])
	}
}

func TestPendingUntilTheLogConfirms(t *testing.T) {
	pending := rejected.pending().payment()
	if !pending.Pending || pending.Decided.Confirmed || pending.Decision != payment.DecisionRejected {
		t.Errorf("a pending rejection shows at once, as pending: %+v", pending)
	}
	if confirmed := rejected.payment(); confirmed.Pending || !confirmed.Decided.Confirmed {
		t.Errorf("a confirmed one is not pending: %+v", confirmed)
	}
	// Mia's pending acceptance counts as last: Ada's withdrawal, received meanwhile, wins
	race := withdrawn.by(mia, payment.Accepted{}).pending()
	if p := race.payment(); p.Decision != payment.DecisionWithdrawn || p.Pending {
		t.Errorf("got %s, pending %v", p.Decision, p.Pending)
	}
}

func TestTheFourthDeclineIsFinal(t *testing.T) {
	g := accepted
	for n, delay := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute} {
		body, err := g.payment().Decline("insufficient_funds", "", false)
		if err != nil || body.Final {
			t.Fatalf("decline %d: %+v, %v", n+1, body, err)
		}
		g = g.by(nobody, body)
		if operation, after := g.payment().NextStep(); operation != payment.Authorize || after != delay {
			t.Errorf("after decline %d: %q in %s, want authorize in %s", n+1, operation, after, delay)
		}
	}
	body, err := g.payment().Decline("insufficient_funds", "", false)
	if err != nil || !body.Final {
		t.Errorf("fourth decline: %+v, %v", body, err)
	}
	// and it is final even if its writer did not say so
	p := g.by(nobody, payment.Declined{Code: "insufficient_funds"}).payment()
	if operation, _ := p.NextStep(); !p.Final || operation != payment.NoOperation {
		t.Errorf("final %v, next %q", p.Final, operation)
	}
}

func TestNextStep(t *testing.T) {
	manual := request()
	manual.CaptureMethod = payment.Manual
	held := unknown.by(ada, manual).by(mia, payment.Accepted{}).by(nobody, payment.Authorized{GatewayReference: "r"})
	wants := map[string]payment.OperationKind{"accepted": payment.Authorize, "declined": payment.Authorize, "authorized": payment.Capture}
	for state, history := range histories {
		if got, _ := history.payment().NextStep(); got != wants[state] {
			t.Errorf("%s: %q, want %q", state, got, wants[state])
		}
	}
	if got, _ := held.payment().NextStep(); got != payment.NoOperation {
		t.Errorf("a hold that waits for a manager: %q", got)
	}
}

func mustRefuse(t *testing.T, err error, code payment.Code) *payment.Refusal {
	t.Helper()
	var refusal *payment.Refusal
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("got %v, want a refusal as %q", err, code)
	}
	return refusal
}

func TestAnAcceptanceIsTakenBackWhileNothingIsAskedOfTheGateway(t *testing.T) {
	// given an accepted payment
	p := accepted.payment()

	// when a manager takes the acceptance back
	body, err := p.Reopen(tom, p.Decided.EventID.String())
	if err != nil {
		t.Fatal(err)
	}
	reopened := accepted.by(tom, body)

	// then it waits as it did before, and can be decided again
	p, steps := payment.Fold(reopened.entries)
	want := requested.payment()
	want.UpdatedAt = p.UpdatedAt
	if p != want {
		t.Errorf("%+v, want %+v", p, want)
	}
	if text := paymentview.StepText(steps[2]); text != "Tom Berg took the acceptance back" {
		t.Error(text)
	}
	if p := reopened.by(mia, payment.Accepted{Note: "after all"}).payment(); p.Decision != payment.DecisionAccepted || p.Note != "after all" {
		t.Errorf("%+v", p)
	}
	if p := reopened.by(ada, payment.Withdrawn{}).payment(); p.Decision != payment.DecisionWithdrawn {
		t.Errorf("%+v", p)
	}
	// but not by the one to be paid, nor by nobody, nor twice, nor while an authorization is stuck
	for name, tt := range map[string]struct {
		given given
		who   event.Meta
		code  payment.Code
		text  string
	}{
		"the contractor": {accepted, ada, payment.NotAllowed, "an acceptance can only be taken back by another person than the one to be paid"},
		"nobody":         {accepted, nobody, payment.NotAllowed, "an acceptance can only be taken back by another person than the one to be paid"},
		"twice":          {reopened, tom, payment.NotAccepted, "no manager has accepted it"},
		"captured":       {captured, tom, payment.WrongState, "already captured"},
		"stuck":          {accepted.by(nobody, stuck(payment.Authorize)), tom, payment.WrongState, "already stuck"},
		"another":        {reopened.by(mia, payment.Accepted{}), tom, payment.Stale, "accepted again by Mia Weber"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tt.given.payment().Reopen(tt.who, accepted.reopening().AcceptanceID)
			if r := mustRefuse(t, err, tt.code); r.Error() != tt.text {
				t.Error(r)
			}
		})
	}
}
