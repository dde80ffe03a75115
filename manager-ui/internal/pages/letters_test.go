package pages_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/deadletters"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
)

// openLetters is a site that shows its own dead letters, and those of a core that is away. Tasks are worked
// off until the test ends.
func openLetters(t *testing.T) *testSite {
	var store *inbox.DeadLetterStore
	o := openWith(t, nowhere, func(o *pages.Options) {
		store = inbox.NewDeadLetterStore(inbox.Config{
			DB: o.DB, Journal: journal.New(o.DB, "/manager-ui", journal.Live()), Format: kafka.CloudEvents, Log: quiet,
			Topics: []event.Topic{payment.Events}, Projectors: []journal.Projector{readmodel.Project},
		})
		away, err := api.NewClient("payments-core", "PAYMENTS_CORE_URL", nowhere, "token")
		if err != nil {
			t.Fatal(err)
		}
		o.Letters = []pages.LettersOf{
			{Service: "manager-ui", Client: deadletters.Local("manager-ui", o.DB, store, quiet)}, {Service: "payments-core", Client: deadletters.Client{Client: away}},
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- store.Work(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return o
}

// setAside keeps a message as a dead letter.
func (o *testSite) setAside(kind inbox.Kind, key, payload []byte, why string, headers map[string]string) (id string) {
	o.tb.Helper()
	list := []map[string][]byte{}
	for name, value := range headers {
		list = append(list, map[string][]byte{"key": []byte(name), "value": []byte(value)})
	}
	encoded, err := json.Marshal(list)
	o.must(err)
	o.offset++
	o.must(o.db.Pool().QueryRow(o.tb.Context(), `insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts)
		values ('payments', $7, $1, $2, $3, $4, now(), $5, $6, 3) returning id::text`, 1000+o.offset, key, string(encoded), payload, kind, why,
		kafka.CloudEvents.Partition(key, payment.Events.Partitions)).Scan(&id))
	if kind == inbox.Poison {
		_, err := o.db.Pool().Exec(o.tb.Context(), "insert into quarantined_keys (topic, key) values ('payments', $1)", key)
		o.must(err)
	}
	return id
}

// setAsideEvent is setAside for an event that can be recorded by now.
func (o *testSite) setAsideEvent(kind inbox.Kind, e event.Event, why string) string {
	m := kafka.Encode(payment.Topic, e)
	headers := map[string]string{}
	for _, h := range m.Headers {
		headers[h.Key] = string(h.Value)
	}
	return o.setAside(kind, m.Key, m.Value, why, headers)
}

// press sends the form of a page that does something.
func (m *manager) press(page answer, action string, fields ...string) answer {
	m.tb.Helper()
	for _, form := range regexp.MustCompile(`(?s)<form[^>]*method="post" action="([^"]*)">(.*?)</form>`).FindAllStringSubmatch(page.text, -1) {
		if action == "stop" && strings.HasSuffix(form[1], "/stop") || strings.Contains(form[2], `name="action" value="`+action+`"`) {
			for _, field := range regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(form[2], -1) {
				fields = append(fields, field[1], strings.NewReplacer("&#34;", `"`, "&amp;", "&", "&#43;", "+").Replace(field[2]))
			}
			return m.post(form[1], fields...)
		}
	}
	m.tb.Fatalf("%s has no form that does %s:\n%s", page.path, action, page.text)
	return answer{}
}

// ended looks at a task until it has ended.
func (m *manager) ended(page answer) answer {
	m.tb.Helper()
	for deadline := time.Now().Add(time.Minute); strings.Contains(page.text, "data-under-way"); page = m.get(page.path) {
		if time.Now().After(deadline) {
			m.tb.Fatalf("it does not end:\n%s", page.text)
		}
	}
	return page
}

func TestAnOperatorTriesReplaysAndDiscardsDeadLetters(t *testing.T) {
	o := openLetters(t)
	operator := o.manager("omar-reyes")
	// given a payment whose request waits, with its acceptance behind it, and another that can never be recorded
	request := requested(ada, 125000, "Kitchen", 0)
	accepted := written("/manager-ui", request.Subject, event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}, payment.Accepted{}, 1)
	head := o.setAsideEvent(inbox.Poison, request, "cannot be recorded <script>alert(1)</script>")
	behind := o.setAsideEvent(inbox.Parked, accepted, "waits behind an earlier event")
	broken := requested(jon, 1, "Bath", 0)
	broken.Data = []byte(`{"payment_id": 7}`)
	never := o.setAsideEvent(inbox.Poison, broken, "payment_id is no text")

	list := operator.get("/dead-letters").is(http.StatusOK, "2 poison, 1 parked", "payments-core</strong> ", "Does not answer", "cannot be recorded &lt;script&gt;", "payment_requested")
	list.without("<script>alert")
	operator.get("/dead-letters?kind=parked&type=payment_accepted&key="+request.Subject+"&topic=payments&service=manager-ui&error=BEHIND&from=2026-01-01").
		is(http.StatusOK, "/of/manager-ui/"+behind+`"`).without("/of/manager-ui/" + head + `"`)
	operator.get("/dead-letters?key=nobody").is(http.StatusOK, "Nothing found", "Show all that wait")
	operator.get("/dead-letters/of/manager-ui/"+behind).is(http.StatusOK, "It waits behind", "/of/manager-ui/"+head+`"`, "which holds the key").without(">Try to replay it<")

	// when all are tried, then it says what would happen, and nothing has
	tried := operator.ended(operator.press(list, "try")).is(http.StatusOK, "2 would pass, 1 would fail", "Nothing is changed so far", "/of/manager-ui/"+never+`"`)
	if len(o.stream(request.Subject).Records) != 0 {
		t.Fatal("the try has recorded something")
	}
	// when they are replayed, also twice with one press
	operator.press(tried, "replay", "reason", "the cause is mended")
	done := operator.ended(operator.press(tried, "replay", "reason", "the cause is mended")).is(http.StatusOK, "2 recorded, 1 failed", "Omar Reyes", "the cause is mended")
	if records := o.stream(request.Subject).Records; len(records) != 2 {
		t.Fatalf("%d are recorded", len(records))
	}
	operator.get("/payments/"+request.Subject).is(http.StatusOK, "Kitchen")
	operator.get("/dead-letters/of/manager-ui/"+head).is(http.StatusOK, "replayed", "by Omar Reyes: the cause is mended").without("What can be done")
	if n := strings.Count(operator.get("/dead-letters/tasks").is(http.StatusOK, done.path, "payments-core: what was done there is not shown").text, "<td class=\"what\">"); n != 2 {
		t.Errorf("%d tasks", n)
	}

	// when the other is discarded, then not without a reason
	letter := operator.get("/dead-letters/of/manager-ui/" + never)
	operator.press(letter, "discard").is(http.StatusUnprocessableEntity, "Say why: it stays on record.")
	operator.ended(operator.press(letter, "discard", "reason", "its writer takes it back")).is(http.StatusOK, "1 settled", "its writer takes it back")
	operator.press(letter, "discard", "reason", "again").is(http.StatusConflict, "does not wait any more")
	operator.get("/dead-letters").is(http.StatusOK, "No dead letters wait")
	operator.get("/dead-letters?state=discarded").is(http.StatusOK, "/of/manager-ui/"+never+`"`)

	// and all of it is in the security log, with every look into a payload
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.sessions.KeepSecurityLog(ended)
	o.manager("iris-hahn").get("/security?tab=acts").is(http.StatusOK, "Looked into a dead letter", "service=manager-ui dead_letter="+never, "action=try", "action=replay",
		"reason=the cause is mended", "action=discard", "reason=its writer takes it back", "omar-reyes")
}

func TestADeadLetterIsShownWhateverItHolds(t *testing.T) {
	o := openLetters(t)
	auditor := o.manager("iris-hahn")
	binary := o.setAside(inbox.Malformed, []byte{0xff, 0}, []byte{0, 1, 0xfe}, "no event", map[string]string{"<b>x</b>": "\xff", "ce_type": "<i>type</i>"})
	auditor.get("/dead-letters").is(http.StatusOK, "0xff00", "&lt;i&gt;type").without("<i>type")
	auditor.get("/dead-letters/of/manager-ui/"+binary).is(http.StatusOK, "00 01 fe", "&lt;b&gt;x&lt;/b&gt;", "0xff", "Operators replay or discard it").without("<b>x", ">Discard it<")
	if file := auditor.get("/dead-letters/of/manager-ui/" + binary + "/payload"); file.text != "\x00\x01\xfe" {
		t.Errorf("the file is %q", file.text)
	}
	large := o.setAside(inbox.Malformed, []byte("k"), []byte(`{"exact":12345678901234567890,"text":"`+strings.Repeat("ä", 450_000)+`"}`), "too much", nil)
	page := auditor.get("/dead-letters/of/manager-ui/"+large).is(http.StatusOK, "&#34;exact&#34;: 12345678901234567890", "These are the first", "Download all of it")
	if len(page.text) > 200_000 {
		t.Errorf("the page has %d bytes", len(page.text))
	}
	if file := auditor.get("/dead-letters/of/manager-ui/" + large + "/payload"); len(file.text) < 900_000 {
		t.Errorf("the file has %d bytes", len(file.text))
	}
	for address, status := range map[string]int{
		"?kind=odd": 404, "?service=odd": 404, "?before=odd": 404, "?before=1.2": 404, "?from=odd": 422, "?from=2026-02-02&to=2026-02-01": 422,
		"?error=%00%ff": 200, "?key=" + strings.Repeat("x", 501): 422, "/of/odd/1": 404, "/of/manager-ui/0": 404, "/of/manager-ui/999": 404,
		"/of/manager-ui/x/payload": 404, "/of/manager-ui/tasks/9": 404, "/of/payments-core/1": 503, "/of/payments-core/tasks/1": 503,
	} {
		auditor.get("/dead-letters" + address).is(status)
	}
	// who may only look, or not even that
	auditor.post("/dead-letters/of/manager-ui/tasks", "action", "replay", "selection", "{}", "key", uuid.NewString()).is(http.StatusForbidden, "You may not replay or discard dead letters")
	manager := o.manager("mia-weber")
	manager.get("/dead-letters/of/manager-ui/"+binary).is(http.StatusForbidden, "You may not look at dead letters").without("00 01 fe")
	manager.get("/payments").without(`href="/dead-letters"`)
	operator := o.manager("omar-reyes")
	operator.post("/dead-letters/of/payments-core/tasks", "action", "replay", "selection", "{}", "key", uuid.NewString()).is(http.StatusOK, "payments-core cannot be reached at the moment")
	operator.post("/dead-letters/of/manager-ui/tasks", "action", "replay", "selection", "{}", "key", "no key").is(http.StatusBadRequest)
	operator.post("/dead-letters/of/manager-ui/tasks", "action", "odd", "selection", "{}", "key", uuid.NewString()).is(http.StatusOK, "use try, replay or discard")
}

func TestTheListOfDeadLettersIsReadPageByPage(t *testing.T) {
	o := openLetters(t)
	for range 60 {
		o.setAside(inbox.Malformed, []byte("k"), []byte("x"), "no event", nil)
	}
	auditor := o.manager("iris-hahn")
	seen := map[string]bool{}
	page := auditor.get("/dead-letters?kind=malformed")
	for range 3 {
		for _, row := range regexp.MustCompile(`href="/dead-letters/of/manager-ui/(\d+)"`).FindAllStringSubmatch(page.text, -1) {
			seen[row[1]] = true
		}
		if strings.Contains(page.text, `rel="next" href="`) {
			page = auditor.get(hrefAfter(t, page.text, `rel="next" href="`))
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d of 60 were shown", len(seen))
	}
	page.is(http.StatusOK, "Newer").without(`rel="next"`)
}
