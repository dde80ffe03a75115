package pages_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/manager-ui/people"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

var lena = event.Meta{Actor: "lena-roth", ActorName: "Lena Roth"}

// person is what is on record about somebody, so many minutes after noon.
func person(source string, by event.Meta, b people.Body, minutes int) event.Event {
	e := people.New(source, b)
	e.Meta, e.Time = by, noon.Add(time.Duration(minutes)*time.Minute)
	return e
}

var (
	miaThere  = people.SeenByManagerUI{PersonID: "mia-weber", Name: "Mia Weber", Address: "mia@example.com", Roles: []string{"manager"}, Sessions: 2}
	lenaThere = people.SeenByManagerUI{PersonID: "lena-roth", Name: "Lena Roth", Roles: []string{"admin"}, Sessions: 1}
	adaThere  = people.SeenByContractorUI{PersonID: "ada-nowak", Name: "Ada Nowak", Roles: []string{"contractor"}, Sessions: 1}
)

func pathOf(id string) string { return "/people/" + people.ID(id) }

// withPeople is a site that knows Mia, Lena and Ada.
func withPeople(t *testing.T) *testSite {
	o := open(t, nowhere)
	o.receive(person("/manager-ui", lena, miaThere, 0), person("/manager-ui", lena, lenaThere, 0), person("/contractor-ui", lena, adaThere, 0))
	return o
}

func TestAnAdminBlocksAndUnblocks(t *testing.T) {
	o := withPeople(t)
	mia, lena := o.manager("mia-weber"), o.manager("lena-roth")
	lena.get("/people").is(200, "Ada Nowak", "contractor", "Mia Weber", "mia@example.com", "2 open sessions", "No limit", "Nothing", "May sign in")
	lena.get("/people?q=contr").is(200, "Ada Nowak").without(">Mia Weber</a>")
	lena.get(pathOf("mia-weber")).is(200, "Whatever comes: there is no limit", "Block Mia Weber", `name="seen" value="0"`)

	// when she gives no reason, then she is asked for one; and when she does, Mia is out
	lena.post(pathOf("mia-weber")+"/block", "seen", "0", "reason", " ").is(422, "Say why, for the record.")
	page := lena.post(pathOf("mia-weber")+"/block", "seen", "0", "reason", "Left the company.")
	page.is(200, "Mia Weber is blocked.", "Unblock Mia Weber", "Blocked by Lena Roth: Left the company", "0 open sessions then")
	mia.get("/payments").is(403, "Lena Roth has blocked you").without("Left the company")
	lena.get("/people?tab=blocked").is(200, "Mia Weber").without(">Ada Nowak</a>")

	// whom only admins change, auditors look at, and others do not see
	iris := o.manager("iris-hahn")
	iris.get(pathOf("mia-weber")).is(200, "Left the company").without("block-form", "limit-form")
	iris.post(pathOf("mia-weber")+"/unblock", "seen", "1", "reason", "x").is(403, "You may not block people")
	iris.get("/payments").is(200, `href="/people"`)
	o.manager("tom-berg").get("/people").is(403, "You may not look at who uses the apps")
	o.manager("tom-berg").get("/payments").is(200).without(`href="/people"`)

	// and blocking her twice is refused with words, and what was typed is kept
	lena.post(pathOf("mia-weber")+"/block", "seen", "1", "reason", "Really.").is(409, "Not blocked", "Mia Weber is blocked already, by Lena Roth", "Really.")

	lena.post(pathOf("mia-weber")+"/unblock", "seen", "1", "reason", "Came back.").is(200, "Mia Weber is unblocked.", "Unblocked by Lena Roth: Came back")
	o.manager("mia-weber").get("/payments").is(200)
	lena.get("/people?tab=blocked").is(200, "Nobody is blocked")
}

func TestNobodyChangesThemselvesOrWhatTheyHaveNotSeen(t *testing.T) {
	o := withPeople(t)
	lena := o.manager("lena-roth")
	lena.get(pathOf("lena-roth")).is(200, "This is you: another admin changes it.").without("block-form")
	lena.post(pathOf("lena-roth")+"/block", "seen", "0", "reason", "Tired.").is(409, "Nobody can block themselves: ask another admin", "Tired.")
	lena.post(pathOf("lena-roth")+"/limit", "seen", "0", "limit", "5", "currency", "EUR", "why", "x").is(409, "Nobody can limit themselves")
	lena.get("/people/"+people.ID("nobody")).is(404, "There is no such person.")
	lena.post("/people/"+people.ID("nobody")+"/block", "seen", "0", "reason", "x").is(404, "There is no such person.")
	lena.get("/people/mia-weber").is(404)

	o.receive(person("/manager-ui", event.Meta{Actor: "amy", ActorName: "Amy Lee"}, people.LimitSet{PersonID: "mia-weber", Limit: money.Amount{Minor: 100, Currency: "EUR"}, Reason: "New."}, 1))
	lena.post(pathOf("mia-weber")+"/block", "seen", "0", "reason", "Left.").
		is(409, "Amy Lee has changed something about Mia Weber meanwhile: look at it, and decide again", "Left.", `name="seen" value="1"`)
	lena.post(pathOf("mia-weber")+"/block", "seen", "garbage", "reason", "Left.").is(409, "Amy Lee")
}

func TestAManagerAcceptsUpToTheirLimit(t *testing.T) {
	o := withPeople(t)
	mia, lena := o.manager("mia-weber"), o.manager("lena-roth")
	small, large := requested(ada, 5000_00, "Tiles", 0), requested(ada, 7200_00, "Kitchen", 1)
	o.receive(small, large)

	// given a limit, whose amount was typed wrong at first
	lena.post(pathOf("mia-weber")+"/limit", "seen", "0", "limit", "lots", "currency", "EUR", "why", "New in the job.").is(422, "lots", "New in the job.")
	lena.post(pathOf("mia-weber")+"/limit", "seen", "0", "limit", "0", "currency", "EUR", "why", "New in the job.").is(422, "above zero")
	lena.post(pathOf("mia-weber")+"/limit", "seen", "0", "limit", "5000", "currency", "EUR", "why", " ").is(422, "Say why, for the record.")
	lena.post(pathOf("mia-weber")+"/limit", "seen", "0", "limit", "5000", "currency", "EUR", "why", "New in the job.").
		is(200, "Saved: what Mia Weber may accept.", "up to", "says Lena Roth: New in the job.", "Limit set to 5,000.00 EUR by Lena Roth")
	lena.get("/people").is(200, "up to")

	// then Mia is told before, and refused after
	const words = "Your limit is 5,000.00 EUR; this is 7,200.00 EUR. Ask a manager whose limit allows it, or an admin to change yours"
	mia.get("/payments/"+large.Subject).is(200, words, `data-key="a" disabled`)
	mia.get("/payments/"+small.Subject).is(200).without("Your limit", "disabled")
	mia.post("/payments/"+large.Subject+"/accept", "note", "Fine").is(409, "Not accepted", words, "Fine")
	mia.postFrom("/payments", "/payments/"+large.Subject+"/accept").is(200, words, "Kitchen")
	if n := len(o.stream(large.Subject).Records); n != 1 {
		t.Errorf("%d events", n)
	}
	mia.post("/payments/"+small.Subject+"/accept").is(200, "Accepted: 5,000.00 EUR")
	// and others have no limit
	o.manager("tom-berg").post("/payments/"+large.Subject+"/accept").is(200, "Accepted: 7,200.00 EUR")

	lena.post(pathOf("mia-weber")+"/limit", "seen", "1", "limit", "", "currency", "JPY", "why", "Knows.").is(409, "Mia Weber has no limit in JPY")
	lena.post(pathOf("mia-weber")+"/limit", "seen", "1", "limit", "", "currency", "EUR", "why", "Knows.").is(200, "Whatever comes", "Limit in EUR removed by Lena Roth: Knows")
	// and the security log does not have her limit at nothing, of whom whatever comes is accepted
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.sessions.KeepSecurityLog(ended) // it stores what waits
	lena.get("/security?tab=acts").is(200, "limit=5,000.00 EUR", "limit=none in EUR").without("limit=0")
}

func TestOpenListsOfPeopleShowWhoIsBlocked(t *testing.T) {
	o := withPeople(t)
	o.receive(person("/manager-ui", lena, people.Blocked{PersonID: "mia-weber", Reason: "Left."}, 1))
	id := people.ID("mia-weber")
	rows, err := pages.NewLive(o.db, o.renderer).Rows(t.Context(), []string{people.Stream(id), "person-x"})
	o.must(err)
	if len(rows) != 1 || rows[0].ID != "person-"+id || rows[0].List != "people" || forAdmins(strings.Join(rows[0].Tabs, " ")) != "people blocked" ||
		!strings.Contains(rows[0].HTML, `data-now="Blocked"`) || rows[0].Revision == 0 {
		t.Errorf("pushed: %+v", rows)
	}
	if row := rows[0]; forManagers(row.HTML) != "" || row.Sort != "" || forManagers(strings.Join(row.Tabs, " ")) != "people " {
		t.Errorf("managers are pushed %s, in %s of %s", forManagers(row.HTML), forManagers(strings.Join(row.Tabs, " ")), row.Sort)
	}
}

func TestADecisionAboutMuchIsConfirmedFirst(t *testing.T) {
	o := openWith(t, nowhere, func(o *pages.Options) { o.StepUp = people.Limits{"EUR": 1000_00} })
	mia := o.manager("mia-weber")
	small, large := requested(ada, 1000_00, "Tiles", 0), requested(ada, 1000_01, "Kitchen", 1)
	dollars := requested(ada, 1, "Paint", 2, func(b *payment.Requested) { b.Amount.Currency = "USD" })
	o.receive(small, large, dollars)

	mia.post("/payments/"+small.Subject+"/accept").is(200, "Accepted: 1,000.00 EUR")
	const words = "Above 1,000.00 EUR, the sign-in service asks you again who you are before you decide. What you typed is kept."
	mia.post("/payments/"+large.Subject+"/accept", "note", "Fine by me").
		is(401, "Please confirm that it is you", "This is about 1,000.01 EUR.", words, "/sign-in?confirm=yes&amp;to=%2Fpayments%2F"+large.Subject)
	// and back on the page, what was typed is there, once
	mia.get("/payments/"+large.Subject).is(200, "Fine by me", "Nothing is decided yet").without("You have confirmed")
	mia.get("/payments/" + large.Subject).is(200).without("Fine by me")
	mia.post("/payments/"+large.Subject+"/reject", "reason", "Too much").is(401, words, "reject")
	mia.get("/payments/"+large.Subject+"/reject").is(200, "Too much")
	mia.post("/payments/"+dollars.Subject+"/accept").is(401, "This is about 0.01 USD. Above 0.00 USD")
	if n := len(o.stream(large.Subject).Records); n != 1 {
		t.Errorf("%d events", n)
	}
}
