package pages_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync/atomic"
	"testing"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

var keyField = regexp.MustCompile(`name="key" value="([^"]+)"`)

func (a answer) key() string {
	a.tb.Helper()
	found := keyField.FindStringSubmatch(a.text)
	if found == nil {
		a.tb.Fatalf("%s has no key", a.path)
	}
	return found[1]
}

// hold is a payment whose money waits for a manager.
func (o *testSite) hold() string {
	o.tb.Helper()
	r := requested(ada, 125000, "Kitchen", 0, manual)
	tom := event.Meta{Actor: "tom-berg", ActorName: "Tom Berg"}
	o.receive(r, written("/manager-ui", r.Subject, tom, payment.Accepted{}, 1),
		written("/payments-core", r.Subject, event.Meta{}, payment.Authorized{GatewayReference: "g1"}, 2))
	return r.Subject
}

func TestCapture(t *testing.T) {
	var keys []string
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		var body struct {
			Actor  struct{ ID, Name string }
			Reason string
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Actor.ID != "mia-weber" || body.Actor.Name != "Mia Weber" {
			t.Errorf("sent %+v, %v", body, err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `{"payment_id":%q}`, r.URL.Path[len("/payments/"):len("/payments/")+36])
	}))
	defer core.Close()
	o := open(t, core.URL)
	mia := o.manager("mia-weber")
	id := o.hold()
	mia.get("/payments?tab=accepted").is(200, "Capture or release", "Accepted · on hold")
	page := mia.get("/payments/"+id).is(200, "On hold, to be captured by a manager", "1,250.00 EUR is on hold")

	// when pressed twice
	said := []string{"Capturing…", "1,250.00 EUR is being captured. Mia Weber asked for it", "Accepted · capturing", "On hold, capturing"}
	mia.post("/payments/"+id+"/capture", "key", page.key()).is(200, said...).without("<button class=\"btn btn-primary\"", "Release</button>")
	mia.post("/payments/"+id+"/capture", "key", page.key()).is(200, said...)
	mia.post("/payments/"+id+"/release", "key", page.key(), "reason", "Late").is(200)

	// then it was one command, and release is another
	if len(keys) != 3 || keys[0] != keys[1] || keys[1] == keys[2] {
		t.Errorf("sent the keys %v", keys)
	}
	mia.post("/payments/" + id + "/capture").is(400)

	// and everybody sees it, until it is done
	tom := o.manager("tom-berg")
	tom.get("/payments/"+id).is(200, said...)
	tom.get("/payments?tab=accepted").is(200, "Accepted · capturing").without("Capture or release")
	rows, err := pages.NewLive(o.db, o.renderer).Rows(t.Context(), []string{payment.Stream(id)})
	o.must(err)
	tom.get("/payments/"+id).is(200, fmt.Sprintf(`data-revision="%d"`, rows[0].Revision))
	o.receive(written("/payments-core", id, event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"},
		payment.Captured{Amount: money.Amount{Minor: 125000, Currency: "EUR"}, GatewayReference: "g2"}, 3))
	tom.get("/payments/"+id).is(200, "Paid out").without("apturing")
	rows, err = pages.NewLive(o.db, o.renderer).Rows(t.Context(), []string{payment.Stream(id)})
	o.must(err)
	tom.get("/payments/"+id).is(200, fmt.Sprintf(`data-revision="%d"`, rows[0].Revision))
}

func TestAnotherIsFaster(t *testing.T) {
	core := httptest.NewServer(respond(409, "application/problem+json", `{"code":"under_way","detail":"already being released by Tom Berg",
		"at":"2026-11-23T12:59:00Z","under_way":{"kind":"release","state":"open","by_name":"Tom Berg","opened_at":"2026-11-23T12:59:00Z"}}`))
	defer core.Close()
	o := open(t, core.URL)
	mia := o.manager("mia-weber")
	id := o.hold()

	// when Tom's release is under way, then Mia is told, keeps what she wrote and is offered neither button
	said := []string{"Releasing…", "1,250.00 EUR is being released. Tom Berg asked for it", "Accepted · releasing"}
	mia.post("/payments/"+id+"/release", "key", mia.get("/payments/"+id).key(), "reason", "Too <late>").
		is(409, append(said, "Not released.", "Already being released by Tom Berg", "You wrote: “<bdi>Too &lt;late&gt;</bdi>”")...).
		without(`id="hold-form"`)

	// and when she reloads
	mia.get("/payments/"+id).is(200, said...).without(`id="hold-form"`)
}

func TestTheFactsOfAPayment(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	id := o.hold()
	o.receive(written("/payments-core", id, event.Meta{}, payment.Captured{Amount: money.Amount{Minor: 125000, Currency: "EUR"}, GatewayReference: "g1"}, 3),
		written("/payments-core", id, event.Meta{}, payment.Refunded{Reason: "order 2026/11/000009 expired", GatewayReference: "g3"}, 4))
	mia.get("/payments/"+id).is(200, "<dd>Accepted by Tom Berg, <time", "<dt>Money back because</dt><dd>Order 2026/11/000009 expired</dd>", "Gateway’s hold").
		without("Gateway’s capture") // the hold's own reference

	r := requested(ada, 100, "Paint", 0)
	o.receive(r, written("/payments-core", r.Subject, event.Meta{}, payment.Cancelled{Reason: "the order expired"}, 1))
	mia.get("/payments/"+r.Subject).is(200, "<dd>Cancelled with its order, <time", "<dt>Reason</dt><dd>The order expired</dd>")
}

func TestWhatIsStuckAtTheGatewayIsSaid(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	// given a hold that the gateway does not let go of
	id := o.hold()
	o.receive(written("/payments-core", id, event.Meta{}, payment.Stuck{Operation: payment.Release, Reason: "the bank keeps the hold"}, 3))
	// then the page says so, and nothing can be commanded
	mia.get("/payments/"+id).is(200, "Accepted · release stuck", "On hold, the release is stuck at the gateway",
		"<dt>Stuck because</dt><dd>The bank keeps the hold. An operator has been told.</dd>", "The release of the hold of 1,250.00 EUR is stuck at the gateway").
		without(`id="hold-form"`)
	mia.get("/payments?tab=accepted").is(200, "Accepted · release stuck").without("Capture or release")
	// and when it has gone after all, nothing is stuck any more
	o.receive(written("/payments-core", id, event.Meta{Actor: "Olga", ActorName: "Olga"}, payment.Released{Reason: "settled by hand: the bank called"}, 4))
	mia.get("/payments/"+id).is(200, "Accepted · not paid out", "released by Olga").without("Stuck because")
}

func TestNotCaptured(t *testing.T) {
	var reply atomic.Value
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { reply.Load().(http.HandlerFunc)(w, r) }))
	o := open(t, core.URL)
	mia := o.manager("mia-weber")
	id := o.hold()
	answers := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for _, test := range []struct {
		name   string
		reply  http.HandlerFunc
		status int
		says   string
		same   bool // the form keeps its key
	}{
		{"under way", answers(409, `{"detail":"capture is under way since 12:00"}`), 409, "Capture is under way since 12:00", false},
		{"lapsed", answers(409, `{"detail":"already released: the hold lapsed","at":"2026-11-23T12:00:00Z"}`), 409,
			"Already released: the hold lapsed, <time datetime=\"2026-11-23T12:00:00Z\"", false},
		{"not heard of", answers(404, `{"detail":"There is no such payment."}`), 409, "has not heard of this payment yet", false},
		{"failing", answers(500, `{"detail":"secret"}`), 503, "no clear answer", true},
		{"rubbish", answers(202, `rubbish`), 503, "no clear answer", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			reply.Store(test.reply)
			before := mia.get("/payments/" + id).key()
			page := mia.post("/payments/"+id+"/release", "key", before, "reason", "Too <late>").
				is(test.status, test.says, "Too &lt;late&gt;").without("secret")
			if (page.key() == before) != test.same {
				t.Errorf("the key is the same: %v", !test.same)
			}
		})
	}

	core.Close()
	before := mia.get("/payments/" + id).key()
	page := mia.post("/payments/"+id+"/release", "key", before, "reason", "Late").
		is(503, "Not released", "cannot be reached", "Nothing was changed", "Late")
	if page.key() != before {
		t.Error("trying again would be another command")
	}
}

func TestCommandNeedsPayment(t *testing.T) {
	core := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("payments-core was asked") }))
	defer core.Close()
	o := open(t, core.URL)
	mia := o.manager("mia-weber")
	id := o.hold()
	key := mia.get("/payments/" + id).key()

	// given a payment of which only the decision was received
	early := requested(ada, 100, "Later", 0).Subject
	o.receive(written("/manager-ui", early, event.Meta{Actor: "tom-berg"}, payment.Accepted{}, 1))
	mia.post("/payments/"+early+"/capture", "key", key).is(404, "no such payment")

	// when the database fails, then that is not "no such payment"
	_, err := o.db.Pool().Exec(t.Context(), "alter table journal rename to gone")
	o.must(err)
	mia.post("/payments/"+id+"/capture", "key", key).is(500).without("no such payment")
}
