package pages_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/signing"
)

// positions are those of the events that a page lists, in its order.
func (a answer) positions() (all []string) {
	for _, m := range regexp.MustCompile(`<tr data-position="(\d+)">`).FindAllStringSubmatch(a.text, -1) {
		all = append(all, m[1])
	}
	return all
}

// link is where the first link of a page with these words leads.
func (a answer) leads(words string) string {
	a.tb.Helper()
	found := regexp.MustCompile(`href="([^"]*)"[^>]*>(?:<bdi[^>]*>)?` + regexp.QuoteMeta(words) + `<`).FindStringSubmatch(a.text)
	if found == nil {
		a.tb.Fatalf("%s has no link %q:\n%s", a.path, words, a.text)
	}
	return strings.ReplaceAll(found[1], "&amp;", "&")
}

func TestEventsAreListedAndFiltered(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	iris.get("/history").is(http.StatusOK, "Nothing has happened yet")

	// given a payment that was accepted, another that was not, and a product
	first, second := requested(ada, 125000, "Kitchen <b>tiles</b>", 0), requested(jon, 700, "Bath", 60)
	first.CorrelationID = "request-1"
	accepted := written("/manager-ui", first.Subject, event.Meta{Actor: "mia-weber", ActorName: "Mia Weber", CorrelationID: "request-2"}, payment.Accepted{Note: "as agreed"}, 90)
	o.receive(first, second, accepted, added("T-1", "Tape", 100))

	all := iris.get("/history").is(http.StatusOK, "product_added", "A contractor asks to be paid.", "Mia Weber", "The newest first")
	if got := strings.Join(all.positions(), " "); got != "4 3 2 1" {
		t.Errorf("the list has %s", got)
	}
	for address, want := range map[string]string{
		"type=payment_requested":                    "2 1",
		"stream=" + first.Subject:                   "3 1",
		"stream=" + first.Subject[:9]:               "3 1",
		"stream=product-":                           "4",
		"actor=mia-weber":                           "3",
		"writer=/contractor-ui":                     "2 1",
		"correlation=request-2":                     "3",
		"text=KITCHEN":                              "1",
		"text=kitchen+tiles":                        "1",
		"text=agreed+bath":                          "",
		"text=" + first.Subject:                     "3 1",
		"text=700":                                  "2",
		"text=mia":                                  "3",
		"from=2026-11-23+13:00&to=2026-11-23+13:00": "2",
		"from=2026-11-23&to=2026-11-23":             "4 3 2 1",
		"to=2026-11-22":                             "",
		"type=payment_requested&actor=jon-park":     "2",
		"at=2":                                      "2 1",
	} {
		page := iris.get("/history?" + address).is(http.StatusOK)
		if got := strings.Join(page.positions(), " "); got != want {
			t.Errorf("%s finds %q, not %q", address, got, want)
		}
		if want == "" {
			page.is(http.StatusOK, "No event is like that", "Take a filter away", `href="/history">Show all events`)
		}
	}
	// what is wrong is said beside its field
	for address, said := range map[string]string{
		"from=yesterday": "Write the time as year", "from=2026-11-23&to=2026-11-22": "This is before the other time.",
		"at=noon": "Write a position, such as 12345", "text=---": "Write a word, a number or an id.", "to=2026-13-01": "Write the time as year",
	} {
		iris.get("/history?"+address).is(http.StatusUnprocessableEntity, said, `aria-invalid="true"`)
	}
	for _, address := range []string{"before=x", "after=0", "size=7", "sort=type"} {
		iris.get("/history?" + address).is(http.StatusNotFound)
	}
	iris.get("/history?text=" + strings.Repeat("x", 300)).is(http.StatusBadRequest)
}

func TestEventsHavePages(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	for i := range 60 {
		o.receive(requested(ada, int64(100+i), fmt.Sprintf("Thing %d", i), i))
	}
	page := iris.get("/history").is(http.StatusOK)
	if got := page.positions(); len(got) != 25 || got[0] != "60" || strings.Contains(page.text, ">Newer<") {
		t.Fatalf("the first page has %s", got)
	}
	older := iris.get(page.leads("Older"))
	if got := older.positions(); len(got) != 25 || got[0] != "35" || got[24] != "11" {
		t.Fatalf("the next page has %s", got)
	}
	if got := iris.get(older.leads("Newer")).positions(); len(got) != 25 || got[0] != "60" {
		t.Errorf("back is %s", got)
	}
	last := iris.get(older.leads("Older"))
	if got := last.positions(); len(got) != 10 || got[9] != "1" || strings.Contains(last.text, ">Older<") {
		t.Errorf("the last page has %s", got)
	}
	// an event leads back to where one was
	opened := iris.openFrom(older.path, older.leads("payment_requested")).is(http.StatusOK)
	// Behind the navigation, which has such a link too.
	_, after, _ := strings.Cut(opened.text, `<p class="mb-2">`)
	opened.text = after
	if back := iris.get(opened.leads("Events")).positions(); back[0] != "35" {
		t.Errorf("back leads to %s", back)
	}
}

func TestOneEvent(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	first := requested(ada, 99999999999, "Kitchen <script>alert(1)</script>", 0)
	first.CorrelationID = "request-1"
	accepted := written("/manager-ui", first.Subject, event.CausedBy(first), payment.Accepted{}, 1)
	o.receiveSigned(o.signed, first)
	o.receiveSigned(o.signed, accepted)

	page := iris.get("/history/events/1").is(http.StatusOK, "A contractor asks to be paid.", "&#34;amount&#34;: 99999999999", "Kitchen &lt;script&gt;", "payments/0/1", "Verified", "Fits",
		"https://countersign.example/schemas/payment_requested.json", first.ID.String(), "payment_accepted", "Download all of it")
	page.without("<script>alert")
	iris.get(page.leads("payment_accepted")).is(http.StatusOK, "A manager", "payment_requested", "request-1")
	iris.get(page.leads("All that belongs to the same request")).is(http.StatusOK, `data-position="2"`, `data-position="1"`)
	for _, path := range []string{"/history/events/3", "/history/events/0", "/history/events/x", "/history/events/3/data", "/history/events/99999999999999999999"} {
		iris.get(path).is(http.StatusNotFound, "There is no such event")
	}
	// a look is on record
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.sessions.KeepSecurityLog(ended)
	iris.get("/security?tab=acts").is(http.StatusOK, "Looked into an event", "position=1")
	o.manager("mia-weber").get("/history/events/1").is(http.StatusForbidden)
}

func TestAnEventThatIsForgedOrDoesNotFitIsShownSo(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	forged, broken, newer := requested(ada, 100, "Kitchen", 0), requested(ada, 100, "Bath", 0), requested(ada, 100, "Roof", 0)
	broken.Data = []byte(`{"payment_id": 12345678901234567890}`)
	newer.Type = "payment_renamed<b>"
	signature := o.signed(forged)
	forged.Data = []byte(strings.Replace(string(forged.Data), "Kitchen", "Castle", 1))
	o.receiveSigned(func(event.Event) *signing.Signature { return signature }, forged)
	o.receiveSigned(o.signed, broken, newer)
	iris.get("/history/events/1").is(http.StatusOK, "Does not hold")
	iris.get("/history/events/2").is(http.StatusOK, "Does not fit", "12345678901234567890")
	iris.get("/history/events/3").is(http.StatusOK, "does not know what events of this type mean", "payment_renamed&lt;b&gt;")
	iris.get("/history?type=payment_renamed%3Cb%3E").is(http.StatusOK, `data-position="3"`)
}

func TestALargeEventIsCut(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	large := requested(ada, 100, "Kitchen", 0)
	large.Data = []byte(`{"payment_id":"` + large.Subject + `","text":"` + strings.Repeat("word ", 180_000) + `","n":12345678901234567890}`)
	o.receive(large)
	page := iris.get("/history/events/1").is(http.StatusOK, "These are the first 65,536 of 900,")
	if len(page.text) > 300_000 {
		t.Errorf("the page has %d bytes", len(page.text))
	}
	file := iris.get("/history/events/1/data").is(http.StatusOK, "12345678901234567890")
	if len(file.text) < 900_000 {
		t.Errorf("the file has %d bytes", len(file.text))
	}
}

func TestFiltersOfEventsAreSavedByName(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	o.receive(requested(ada, 100, "Kitchen", 0))
	iris.post("/history/views?type=payment_requested&actor=ada-nowak", "view", "Ada asks").is(http.StatusOK, "This view is saved as “Ada asks”.",
		`href="/history?actor=ada-nowak&amp;type=payment_requested" aria-current="true"><bdi>Ada asks`)
	iris.post("/history/views?from=x", "view", "Wrong").is(http.StatusUnprocessableEntity, "The filter is not right.")
}

func TestAJumpToATimeShowsWhatWasRecordedUntilThen(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	for i := range 40 {
		o.receive(requested(ada, 100, "Thing", i))
	}
	// given that they were recorded a minute apart, with a gap of positions
	_, err := o.db.Pool().Exec(t.Context(), "alter table journal disable trigger all")
	o.must(err)
	_, err = o.db.Pool().Exec(t.Context(), "update journal set recorded_at = $1::timestamptz + position * interval '1 minute'", noon)
	o.must(err)
	_, err = o.db.Pool().Exec(t.Context(), "delete from journal where position between 11 and 19")
	o.must(err)
	for at, want := range map[time.Duration]string{5*time.Minute + time.Second: "5", 15 * time.Minute: "10", 20 * time.Minute: "20", time.Hour: "40", time.Minute: "1"} {
		page := iris.get("/history?at=" + noon.Add(at).Format("2006-01-02+15:04:05"))
		if got := page.positions(); len(got) == 0 || got[0] != want {
			t.Errorf("%s after noon begins with %s, not %s", at, got, want)
		}
	}
	if got := iris.get("/history?at=2026-11-23").is(http.StatusOK, "Nothing here").positions(); len(got) > 0 {
		t.Errorf("before all there is %s", got)
	}
}

func TestPersonalFieldsOfEventsAreForAuditors(t *testing.T) {
	o := open(t, nowhere)
	iris, omar := o.manager("iris-hahn"), o.manager("omar-reyes")
	o.receive(requested(ada, 12345678901, "Kitchen of Jon", 0))
	iris.get("/history/events/1").is(http.StatusOK, "Kitchen of Jon").without("are masked")
	omar.get("/history/events/1").is(http.StatusOK, "(masked)", "Personal fields are masked", "12345678901").without("Kitchen")
	omar.get("/history/events/1/data").is(http.StatusOK, "12345678901").without("Kitchen")
	iris.get("/history/events/1/data").is(http.StatusOK, "Kitchen of Jon")
	// what they may not see they do not find
	if got := iris.get("/history?text=kitchen").positions(); len(got) != 1 {
		t.Errorf("the auditor finds %s", got)
	}
	if got := omar.get("/history?text=kitchen").positions(); len(got) > 0 {
		t.Errorf("the operator finds %s", got)
	}
	omar.get("/history?text=12345678901").is(http.StatusOK, `data-position="1"`)
	for range 3 { // a page that follows what happens
		omar.get("/history?text=12345678901").is(http.StatusOK)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.sessions.KeepSecurityLog(ended)
	log := iris.get("/security?tab=acts&person=omar-reyes").is(http.StatusOK, "Looked for words in events", "Looked into an event", "as=file")
	if n := strings.Count(log.text, "Looked for words"); n != 2 {
		t.Errorf("%d looks for words are on record, of two words", n)
	}
}

func TestStreamsAreListed(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	iris.get("/history/streams").is(http.StatusOK, "Nothing has happened yet")
	first, second := requested(ada, 100, "Kitchen", 0), requested(jon, 100, "Bath", 0)
	o.receive(first, second, written("/manager-ui", first.Subject, mia, payment.Accepted{}, 1), added("T-1", "Tape", 100))
	iris.get("/history/streams").is(http.StatusOK, "payment-"+first.Subject, "product-", "payment_accepted", "By name")
	found := iris.get("/history/streams?q="+first.Subject[:12]).is(http.StatusOK, "payment-"+first.Subject)
	found.without(second.Subject)
	if got := iris.get(found.leads("2 events")).positions(); strings.Join(got, " ") != "3 1" {
		t.Errorf("the stream has %s", got)
	}
	iris.get("/history/streams?q=%3Cb%3E").is(http.StatusOK, "No stream is called so", "&lt;b&gt;", "Show all streams")
	iris.get("/history/streams?after=%00").is(http.StatusNotFound)
	for range 51 {
		o.receive(requested(ada, 100, "Thing", 0))
	}
	page := iris.get("/history/streams?q=payment-")
	iris.get(page.leads("Next")).is(http.StatusOK, ">Previous<", "payment-").without(">Next<")
}
