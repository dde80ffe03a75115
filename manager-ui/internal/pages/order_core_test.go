package pages_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// orderSite is a site with one order, which a stand-in of ordering-core changes by the real rules.
type orderSite struct {
	*booked
	sent []string    // the commands: "path body key"
	deaf atomic.Bool // nothing is received
}

func openOrderSite(tb testing.TB, o *testSite, b *booked) *orderSite {
	d := &orderSite{booked: b}
	o.orderingAnswers(d.answer)
	return d
}

func (d *orderSite) answer(w http.ResponseWriter, r *http.Request) {
	var told struct {
		Actor       struct{ ID, Name string }
		Reason      string
		BasisPoints int64 `json:"basis_points"`
		Sequence    int64
		Total       money.Amount
	}
	d.must(json.NewDecoder(r.Body).Decode(&told))
	command := strings.TrimPrefix(r.URL.Path, "/orders/"+d.id)
	d.sent = append(d.sent, fmt.Sprint(command, " ", told.Reason, told.BasisPoints, " ", r.Header.Get("Idempotency-Key")))
	var body order.Body
	var err error
	switch o := d.order(); command {
	case "/cancel":
		body, err = o.Cancel(told.Reason, order.ByManager)
	case "/expire":
		body, err = o.Expire("")
	case "/discount":
		body, err = o.SetDiscount(told.BasisPoints)
	case "/discount/reset":
		body, err = o.ResetDiscount()
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if err == nil {
		err = d.order().Check(body.EventType(), order.Seen{Sequence: told.Sequence, Total: told.Total}, d.products())
	}
	var refusal *order.Refusal
	if errors.As(err, &refusal) {
		d.refuse(w, refusal, told.Sequence)
		return
	}
	d.must(err)
	e := d.write(event.Meta{Actor: told.Actor.ID, ActorName: told.Actor.Name}, body)
	if !d.deaf.Load() {
		d.receive(e)
	}
	respond(200, "application/json", fmt.Sprintf(`{"order_id":%q,"sequence":%d}`, d.id, e.Sequence))(w, nil)
}

// products are those that the site has received.
func (d *orderSite) products() map[string]order.Product {
	found, err := readmodel.FindProducts(d.tb.Context(), d.db, d.order().Lines[0].ProductID)
	d.must(err)
	current := map[string]order.Product{}
	for _, p := range found {
		current[p.ID] = order.Product{ID: p.ID, SKU: p.SKU, Name: p.Name, Price: p.Price()}
	}
	return current
}

func (d *orderSite) refuse(w http.ResponseWriter, refusal *order.Refusal, seen int64) {
	problem := map[string]any{"detail": refusal.Error(), "code": refusal.Code}
	status := http.StatusConflict
	if refusal.Code == order.Invalid {
		status, problem["field"] = http.StatusUnprocessableEntity, refusal.Field
	}
	if refusal.Stood != "" {
		problem["stood"], problem["by_name"], problem["at"] = refusal.Stood, refusal.ByName, refusal.At
	}
	if refusal.Code == order.StaleVersion {
		var changes []map[string]string
		_, steps := order.Fold(d.entries)
		for _, s := range steps[seen:] {
			changes = append(changes, map[string]string{"words": orderview.StepText(s)})
		}
		problem["sequence"], problem["changes"] = d.order().Sequence, changes
	}
	text, err := json.Marshal(problem)
	d.must(err)
	respond(status, "application/problem+json", string(text))(w, nil)
}

var keys = regexp.MustCompile(`name="key" value="([^"]+)"`)

// orderKey is the key of the forms of an order's page.
func (a answer) orderKey() string {
	a.tb.Helper()
	found := keys.FindStringSubmatch(a.text)
	if found == nil {
		a.tb.Fatalf("%s has no form with a key", a.path)
	}
	return found[1]
}

func TestDiscountOnADraft(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	d := openOrderSite(t, o, o.begin(ada, 0).fill("Tiles", 1250))
	page := "/orders/" + d.id

	// what is typed wrong is refused beside the field, and kept
	for typed, says := range map[string]string{
		"": "Enter a percentage", "0": "above 0 and below 100", "100": "above 0 and below 100", "-5": "above 0 and below 100",
		"33.333": "two decimals at most", "12,5": "Write the decimals like this: 12.5%.", "x": "in digits", "1\x00": "not text",
	} {
		answer := mia.post(page+"/discount", "key", mia.get(page).orderKey(), "basis_points", typed).is(422, says, `id="basis_points-error"`, "/discount\" data-touched>")
		if shown := strings.TrimSuffix(typed, "\x00"); shown != "" {
			answer.is(422, `value="`+shown+`"`)
		}
	}
	if len(d.sent) != 0 {
		t.Fatalf("ordering-core was told %v", d.sent)
	}

	// set twice by pressing twice, which is one command
	key := mia.get(page).orderKey()
	mia.post(page+"/discount", "key", key, "basis_points", "12.5 %").is(200, "Discount set for the draft of Ada Nowak.", "Discount of 12.5%", "Mia Weber set a discount of 12.5%", "21.87")
	mia.post(page+"/discount", "key", key, "basis_points", "12.5 %")
	if len(d.sent) != 2 || d.sent[0] != d.sent[1] || !strings.HasPrefix(d.sent[0], "/discount 1250 ") {
		t.Errorf("pressing twice told %q", d.sent)
	}
	mia.post(page+"/discount/reset", "key", key).is(200, "Discount taken from the draft of Ada Nowak.").without("Discount of 12.5%")
	if d.sent[2][len("/discount/reset 0 "):] == d.sent[0][len("/discount 1250 "):] {
		t.Error("two commands have one key")
	}

	// a draft no more
	d.submit("2026/11/000001")
	mia.post(page+"/discount", "key", key, "basis_points", "5").is(409, "Not discounted.", "The order is already submitted by Ada Nowak, <time").without("Set discount")
	mia.get(page+"/discount").is(200, "Order 2026/11/000001")
}

func TestCancelAndExpireOrders(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	d := openOrderSite(t, o, o.begin(ada, 0).fill("Tiles", 1250).submit("2026/11/000001"))
	page := "/orders/" + d.id
	mia.post(page+"/cancel", "key", mia.get(page).orderKey(), "reason", " ").is(422, "Say why, for the contractor to read.", `id="reason-error"`)
	mia.post(page+"/cancel", "key", "rubbish", "reason", "No").is(400)
	mia.post("/orders/x/cancel", "key", mia.get(page).orderKey(), "reason", "No").is(404)

	stale := mia.get(page).orderKey()
	mia.post(page+"/cancel", "key", stale, "reason", "The <site> is closed").is(200, "Order 2026/11/000001 is cancelled.", "Cancelled by Mia Weber",
		"The &lt;site&gt; is closed").without("Cancel order", "Expire order", "<dt>Money</dt>")
	mia.post(page+"/cancel", "key", stale, "reason", "Too late").is(409, "Not cancelled.", "You wrote: “<bdi>Too late</bdi>”")
	mia.post(page+"/expire", "key", stale).is(409, "Not expired.", "The order is already cancelled by Mia Weber, <time")

	// expired by hand
	d = openOrderSite(t, o, o.begin(jon, 0).fill("Bricks", 100))
	page = "/orders/" + d.id
	mia.get(page).is(200, `href="`+page+`/expire"`).without(`action="` + page + `/expire"`)
	ask := mia.get(page+"/expire").is(200, "Expire this order?", `2.00 <span class="money-currency">EUR`, "Keep it")
	mia.post(page+"/expire", "key", ask.orderKey()).is(200, "The draft of Jon Park is expired.", "Expired by Mia Weber")
	mia.get(page+"/expire").is(200, "Expired by Mia Weber").without("Expire this order?")

	// not answered, and asked again
	d = openOrderSite(t, o, o.begin(jon, 0).fill("Bricks", 100))
	page = "/orders/" + d.id
	o.orderingAnswers(nil)
	ask = mia.get(page + "/expire")
	again := mia.post(page+"/expire", "key", ask.orderKey()).is(503, "Perhaps not expired", "Expire this order?")
	if again.orderKey() != ask.orderKey() {
		t.Error("pressing again is another command")
	}
	mia.get("/orders/" + uuid.NewString() + "/expire").is(404)

	// taken, and not received yet
	d = openOrderSite(t, o, o.begin(jon, 0).fill("Bricks", 100))
	d.deaf.Store(true)
	page = "/orders/" + d.id
	mia.post(page+"/expire", "key", mia.get(page).orderKey()).is(200, "Saved. It is shown shortly.")
}

func TestOrderingCoreMisbehavesAboutOrders(t *testing.T) {
	for name, test := range map[string]struct {
		core   http.HandlerFunc
		status int
		says   string
	}{
		"500":           {respond(500, "text/plain", "oops"), 503, "Perhaps not cancelled"},
		"rubbish":       {respond(200, "application/json", `{"hello":1}`), 503, "Perhaps not cancelled"},
		"another order": {respond(200, "application/json", `{"order_id":"x","sequence":2}`), 503, "Perhaps not cancelled"},
		"hangs up":      {nil, 503, "Perhaps not cancelled"},
		"never answers": {silent, 503, "Perhaps not cancelled"},
		"is away":       {nil, 503, "ordering-core cannot be reached at the moment. Nothing was changed"},
		"refuses":       {respond(422, "application/problem+json", `{"detail":"Too long.","field":"reason"}`), 422, `id="reason-error">Too long.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t, nowhere)
			mia := o.manager("mia-weber")
			b := o.begin(ada, 0).fill("Tiles", 1250).submit("2026/11/000001")
			o.orderingAnswers(test.core)
			if name == "is away" {
				o.core.Close()
			}
			key := mia.get("/orders/" + b.id).orderKey()
			page := mia.post("/orders/"+b.id+"/cancel", "key", key, "reason", "What I typed").is(test.status, test.says, "What I typed</textarea>")
			if spent := page.orderKey() != key; spent != (test.status == 422) {
				t.Errorf("the key was spent: %v", spent)
			}
			mia.get("/orders").is(200, "2026/11/000001") // what can be read still is
		})
	}
}
