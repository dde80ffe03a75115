package pages_test

import (
	"encoding/json"
	"html"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestAStreamShowsTheStateAfterEachOfItsEvents(t *testing.T) {
	o := open(t, nowhere)
	x := anExpiredOrder()
	o.receive(x.events...)
	iris, path := o.manager("iris-hahn"), "/history/streams/payment-"+x.payment

	// given the newest, when somebody goes back one by one
	newest := iris.get(path).is(http.StatusOK, "As of event 4 of 4", "The hold of 1,250.00 EUR was released", "Event before", `data-key="ArrowLeft"`).without("Event after")
	newest.changed(map[string][2]string{"Money": {"authorized", "released"}, "Released amount": {"0.00 EUR", "1,250.00 EUR"}})
	before := iris.get(newest.leads("Event before")).is(http.StatusOK, "As of event 3 of 4", "Event after", `data-key="ArrowRight"`)
	before.changed(map[string][2]string{"Money": {"–", "authorized"}, "Gateway reference": {"–", "auth_1"}})
	accepted := iris.get(before.leads("Event before")).is(http.StatusOK, "As of event 2 of 4", "&lt;b&gt;fine&lt;/b&gt;").without("<b>fine")
	accepted.changed(map[string][2]string{"Decision": {"requested", "accepted"}, "Note": {"–", "&lt;b&gt;fine&lt;/b&gt;"}})
	first := iris.get(accepted.leads("Event before")).is(http.StatusOK, "As of event 1 of 4").without("Event before")
	first.changed(map[string][2]string{"Decision": {"–", "requested"}, "Reference": {"–", "P-2026-000042"}})
	if next := iris.get(first.leads("Event after")); next.path != accepted.path {
		t.Errorf("the next is at %s, not %s", next.path, accepted.path)
	}
	// and an order, with its lines
	iris.get("/history/streams/order-"+x.order).is(http.StatusOK, "As of event 5 of 5").changed(map[string][2]string{"State": {"submitted", "expired"}})
	iris.get("/history/streams/order-"+x.order+"?at=1").is(http.StatusOK, "As of event 1 of 5").changed(map[string][2]string{"State": {"–", "draft"}})

	for _, address := range []string{"/history/streams/payment-" + uuid.NewString(), "/history/streams/%00", "/history/streams/%ff", path + "?at=1", path + "?at=x", path + "?at=0"} {
		iris.get(address).is(http.StatusNotFound)
	}
	o.manager("mia-weber").get(path).is(http.StatusForbidden)
}

// changed checks the fields that a page marks as changed.
func (a answer) changed(want map[string][2]string) {
	a.tb.Helper()
	row := regexp.MustCompile(`(?s)<tr class="is-changed"><th scope="row">([^<]*) <.*?<bdi class="pre-line">([^<]*)</bdi>.*?<bdi class="pre-line">([^<]*)</bdi>`)
	got := map[string][2]string{}
	for _, m := range row.FindAllStringSubmatch(a.text, -1) {
		got[m[1]] = [2]string{m[2], m[3]}
	}
	for name, values := range want {
		if got[name] != values {
			a.tb.Errorf("%s: %q changed %q, not %q", a.path, name, got[name], values)
		}
	}
}

func TestAStreamOfAnotherKindIsAList(t *testing.T) {
	o := open(t, nowhere)
	product := added("T-1", "Tape", 100)
	o.receive(product)
	o.manager("iris-hahn").get("/history/streams/product-"+product.Subject).is(http.StatusOK, "product_added", "States are shown of payments and orders", `href="/history/events/1"`).
		without("As a test")
}

// TestAFixtureCompilesAndFoldsToTheSameState runs what a page offers among the tests of the domain.
func TestAFixtureCompilesAndFoldsToTheSameState(t *testing.T) {
	o := open(t, nowhere)
	x := anExpiredOrder()
	forged := x.events[0]
	forged.ID, forged.Source, forged.Sequence = uuid.New(), "/evil`\"", 6
	o.receive(append(x.events, forged)...)
	iris := o.manager("iris-hahn")
	for stream, pkg := range map[string]string{"payment-" + x.payment: "payments-core/payment", "order-" + x.order: "ordering-core/order"} {
		page := iris.get("/history/streams/"+stream).is(http.StatusOK, "As a test’s fixture")
		copied := regexp.MustCompile(`data-copy="([^"]*)"`).FindStringSubmatch(page.text)
		if copied == nil {
			t.Fatalf("nothing is copied:\n%s", page.text)
		}
		run(t, pkg, html.UnescapeString(copied[1]))
	}
	// who may not see personal fields gets none
	omar := o.manager("omar-reyes")
	omar.get("/history/streams/payment-"+x.payment).is(http.StatusOK, "Note: &#34;(masked)&#34;").without("fine&lt;/b&gt;")
	omar.get("/history/streams/order-"+x.order).is(http.StatusOK, "(masked)").without("not paid in time")
	for _, of := range []string{"payment/" + x.payment, "order/" + x.order, "correlation/request-7"} {
		omar.get("/history/cases/"+of).is(http.StatusOK, "Mia Weber accepted it", "(masked)").without("fine&lt;/b&gt;").without("not paid in time")
	}
}

// run runs a file of tests as one of the package's own.
func run(t *testing.T, pkg, source string) {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	file, overlay := filepath.Join(t.TempDir(), "on_record_test.go"), filepath.Join(t.TempDir(), "overlay.json")
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, pkg, "on_record_test.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{file: []byte(source), overlay: replaced} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	test := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-count=1", "-v", "-run", "^TestOnRecord$", "./"+pkg)
	test.Dir = root
	said, err := test.CombinedOutput()
	if err != nil || !strings.Contains(string(said), "--- PASS: TestOnRecord") {
		t.Errorf("%v: %s\n%s", err, said, source)
	}
}
