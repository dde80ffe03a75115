package pages_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"countersign.example/payments-core/payment"
)

const nowhere = "http://127.0.0.1:1"

func TestAcceptFromTheList(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	r := requested(ada, 125000, "Kitchen fitting", 0)
	o.receive(r)
	mia.get("/payments").is(200, "Kitchen fitting", "1,250.00", "1 waits for a decision")

	page := mia.postFrom("/payments?q=kitchen", "/payments/"+r.Subject+"/accept")

	page.is(200, "Accepted: 1,250.00 EUR for Ada Nowak.", "Nothing waits for a decision")
	if page.path != "/payments?q=kitchen" {
		t.Errorf("led to %s", page.path)
	}
	s := o.stream(r.Subject)
	if len(s.Records) != 2 || s.Records[1].Type != payment.TypeAccepted || s.Records[1].ActorName != "Mia Weber" {
		t.Fatalf("the journal holds %+v", s.Records)
	}
	if row := o.row(r.Subject); row.Decision != "accepted" || row.Revision != s.Revision() || !row.Pending {
		t.Errorf("the copy holds %+v", row)
	}
	mia.get("/payments/"+r.Subject).is(200, "Mia Weber accepted it", "being confirmed")
}

func TestAcceptWithNote(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	r := requested(ada, 100, "Paint", 0)
	o.receive(r)

	mia.post("/payments/"+r.Subject+"/accept", "note", strings.Repeat("ü", 2001)).is(422, "2,000 characters at most", "üüü")
	page := mia.post("/payments/"+r.Subject+"/accept", "note", "Well done")

	page.is(200, "Mia Weber accepted it: “Well done”")
	if n := len(o.stream(r.Subject).Records); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestANoteBecomesTheReason(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	r := requested(ada, 100, "Paint", 0)
	o.receive(r)
	mia.get("/payments/"+r.Subject).is(200, `formmethod="get" formaction="/payments/`+r.Subject+`/reject">Reject<`)
	mia.get("/payments/"+r.Subject+"/reject?note=Too+%3Cmuch%3E").is(200, "Too &lt;much&gt;</textarea>")
}

func TestRejectNeedsReason(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	r := requested(ada, 100, "Paint", 0)
	o.receive(r)
	reject := "/payments/" + r.Subject + "/reject"
	mia.get(reject).is(200, "Reason", "Reject payment", "Paint")

	for _, reason := range []string{"", " \n ", strings.Repeat("x", 2001), "a\x00b"} {
		page := mia.post(reject, "reason", reason).is(422, "reason-error")
		if kept := strings.TrimSpace(strings.ReplaceAll(reason, "\x00", "")); !strings.Contains(page.text, kept) {
			t.Errorf("what was typed is gone")
		}
	}
	if n := len(o.stream(r.Subject).Records); n != 1 {
		t.Fatalf("%d events after refused forms", n)
	}

	mia.post(reject, "reason", strings.Repeat("x", 2000)).is(200, "Rejected: 1.00 EUR for Ada Nowak.", "Mia Weber rejected it")
	mia.get("/payments?tab=rejected").is(200, "Paint", "Rejected", "by Mia Weber")
}

func TestTwoManagers(t *testing.T) {
	o := open(t, nowhere)
	mia, tom := o.manager("mia-weber"), o.manager("tom-berg")
	r := requested(ada, 100, "Paint", 0)
	o.receive(r)
	mia.post("/payments/"+r.Subject+"/accept").is(200, "Accepted: 1.00 EUR")

	t.Run("same verdict", func(t *testing.T) {
		tom.post("/payments/"+r.Subject+"/accept").is(200, "Already accepted by Mia Weber.")
	})
	t.Run("opposite verdict", func(t *testing.T) {
		tom.post("/payments/"+r.Subject+"/reject", "reason", "Too much").
			is(409, "Not rejected", "Already accepted by Mia Weber", "23 Nov 2026, 13:00:00 UTC", "You wrote: “<bdi>Too much</bdi>”")
	})
	t.Run("reject form of what is decided", func(t *testing.T) {
		if page := tom.get("/payments/"+r.Subject+"/reject").is(200, "Already accepted by Mia Weber."); page.path != "/payments/"+r.Subject {
			t.Errorf("led to %s", page.path)
		}
	})
	if n := len(o.stream(r.Subject).Records); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestAPressOnWhatWasSeenOtherwiseIsRefused(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	r := requested(ada, 100, "Paint", 0)
	o.receive(r)
	accept := "/payments/" + r.Subject + "/accept"
	seen := regexp.MustCompile(`name="seen" value="([^"]+)"`).FindStringSubmatch(mia.get("/payments").text)[1]
	other := strings.Replace(seen, " 1.00 EUR", " 2.00 EUR", 1)

	mia.get("/payments/"+r.Subject).is(200, `name="seen" value="`+seen)
	mia.get("/payments/"+r.Subject+"/reject").is(200, `name="seen" value="`+seen)
	mia.post(accept, "seen", other, "note", "Well done").is(409, "Not accepted", "It is about 1.00 EUR, which is not what you saw", "Well done")
	mia.post("/payments/"+r.Subject+"/reject", "seen", other, "reason", "Twice").is(409, "Not rejected", "Twice")
	page := mia.postFrom("/payments", accept, "seen", other).is(200, "Not accepted", "which is not what you saw", ">Paint</a>")
	if page.path != "/payments" {
		t.Errorf("led to %s", page.path)
	}
	if n := len(o.stream(r.Subject).Records); n != 1 {
		t.Fatalf("%d events", n)
	}
	mia.postFrom("/payments", accept, "seen", seen).is(200, "Accepted: 1.00 EUR")
}

func TestConcurrentDecisions(t *testing.T) {
	o := open(t, nowhere)
	mia, tom := o.manager("mia-weber"), o.manager("tom-berg")
	for range 8 {
		r := requested(ada, 100, "Paint", 0)
		o.receive(r)

		var yes, no answer
		var both sync.WaitGroup
		both.Go(func() { yes = mia.post("/payments/" + r.Subject + "/accept") })
		both.Go(func() { no = tom.post("/payments/"+r.Subject+"/reject", "reason", "Too much") })
		both.Wait()

		if n := len(o.stream(r.Subject).Records); n != 2 {
			t.Fatalf("%d events, want the request and one decision", n)
		}
		want := [2]int{http.StatusOK, http.StatusConflict}
		if o.row(r.Subject).Decision == "rejected" {
			want = [2]int{http.StatusConflict, http.StatusOK}
		}
		if got := [2]int{yes.status, no.status}; got != want {
			t.Fatalf("answered %v, want %v", got, want)
		}
	}
}

func TestWithdrawnMeanwhile(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	r := requested(ada, 100, "Paint", 0)
	o.receive(r)

	// given Mia accepted, and Ada's withdrawal came before it in the log
	mia.post("/payments/" + r.Subject + "/accept").is(200)
	accepted := o.stream(r.Subject).Records[1].Event
	o.receive(written("/contractor-ui", r.Subject, ada, payment.Withdrawn{}, 1))
	o.receive(accepted)

	// then the log's order holds, and the page explains
	if row := o.row(r.Subject); row.Decision != "withdrawn" || row.Pending {
		t.Errorf("the copy holds %+v", row)
	}
	mia.get("/payments/"+r.Subject).is(200, "Ada Nowak withdrew it", "Not accepted: Ada Nowak had already withdrawn it", "tried by Mia Weber")
	mia.post("/payments/"+r.Subject+"/accept").is(409, "Already withdrawn by Ada Nowak")
}

func TestBadIDs(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	for _, id := range []string{"1", "x'--", strings.ToUpper(uuid.NewString()), uuid.NewString(), "%00", strings.Repeat("9", 300)} {
		mia.get("/payments/" + id).is(404)
		mia.get("/payments/" + id + "/reject").is(404)
		for _, action := range []string{"accept", "reject"} {
			mia.post("/payments/"+id+"/"+action, "reason", "x").is(404)
		}
		mia.post("/payments/"+id+"/capture", "key", uuid.NewString()).is(404)
	}
	mia.get("/payments?tab=nope").is(404)
	mia.get("/payments?after=rubbish").is(400)
}
