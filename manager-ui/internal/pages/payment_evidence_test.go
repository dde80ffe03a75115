package pages_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/evidence"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/signing"
)

var mia = event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}

// signed is the signature with which its writer publishes an event: over the data as its journal writes
// them out.
func (o *testSite) signed(e event.Event) *signing.Signature {
	o.tb.Helper()
	o.must(o.db.Pool().QueryRow(o.tb.Context(), "select $1::jsonb::text", string(e.Data)).Scan((*[]byte)(&e.Data)))
	m := signing.Message{Event: signing.Event{Attributes: kafka.Attributes(e), Data: e.Data}, Topic: payment.Topic, Published: e.Time}
	o.must(o.keys.Signer(e.Source).Sign(m.Event))
	var trust signing.Trust
	o.must(signing.ChangeTrust(o.keys.Dir, func(t *signing.Trust) { trust = *t }))
	for i := range trust.Keys {
		trust.Keys[i].ValidFrom = e.Time
	}
	keys, err := signing.NewKeys(trust)
	o.must(err)
	v := keys.Verify([]signing.Message{m}, false)[0]
	o.must(v.Err)
	return v.Signature
}

func TestAPaymentsEvidenceIsShownAndTaken(t *testing.T) {
	o := open(t, nowhere)
	manager := o.manager("mia-weber")
	r := requested(ada, 1234_56, "Sand & <b>gravel</b>", 0)
	o.receiveSigned(o.signed, r, written("/manager-ui", r.Subject, mia, payment.Accepted{Note: "Grüße"}, 1))

	manager.get("/payments/"+r.Subject).is(200, `href="/payments/`+r.Subject+`/evidence"`)
	page := manager.get("/payments/"+r.Subject+"/evidence").is(200, "Mia Weber (mia-weber)", "through manager-ui", "Ada Nowak (ada-nowak)", "payments/0/1", "payments/0/2", "evidence.json")
	if strings.Count(page.text, ">Verified<") != 3 { // two events, and all
		t.Errorf("not everything is verified:\n%s", page.text)
	}

	bundle, err := evidence.Read(strings.NewReader(manager.get("/payments/" + r.Subject + "/evidence.json").is(200).text))
	o.must(err)
	report, err := evidence.Check(bundle, payment.Events, nil)
	o.must(err)
	if !report.Holds() || len(report.Findings) != 2 || len(bundle.Keys) != 2 || report.Findings[1].Key.Source != "/manager-ui" {
		t.Errorf("the bundle does not hold: %v", report)
	}

	// when somebody changes the journal, then the page says which event does not hold any more
	_, err = o.db.Pool().Exec(t.Context(), `update journal set actor = 'tom-berg', actor_name = 'Tom Berg' where type = 'payment_accepted'`)
	o.must(err)
	page = manager.get("/payments/"+r.Subject+"/evidence").is(200, "Does not hold", "it is forged")
	if strings.Count(page.text, ">Verified<") != 1 {
		t.Errorf("the other event is not verified, or all is:\n%s", page.text)
	}
	bundle, err = evidence.Read(strings.NewReader(manager.get("/payments/" + r.Subject + "/evidence.json").is(200).text))
	o.must(err)
	if report, err = evidence.Check(bundle, payment.Events, nil); err != nil || report.Holds() {
		t.Errorf("the bundle holds: %v %v", report, err)
	}
}

func TestEventsFromBeforeSigningSaySo(t *testing.T) {
	o := open(t, nowhere)
	manager := o.manager("mia-weber")
	r := requested(ada, 1234_56, "Sand", 0)
	o.receive(r)
	o.receiveSigned(o.signed, written("/manager-ui", r.Subject, mia, payment.Accepted{}, 1))
	path := "/payments/" + r.Subject + "/evidence"
	manager.get(path).is(200, "Does not hold", "It has no signature")

	o.must(signing.ChangeTrust(o.keys.Dir, func(t *signing.Trust) { t.UnsignedUntil = map[string]map[int]int64{payment.Topic: {0: 2}} }))
	manager.get(path).is(200, "Not signed", "from before events were signed", "Partly signed").without("Does not hold")
}

func TestEvidenceIsOfAPaymentThatIsThere(t *testing.T) {
	o := open(t, nowhere)
	manager := o.manager("mia-weber")
	for _, path := range []string{"/evidence", "/evidence.json"} {
		manager.get("/payments/"+uuid.NewString()+path).is(404, "There is no such payment")
		manager.get("/payments/none"+path).is(404, "There is no such payment")
	}
}
