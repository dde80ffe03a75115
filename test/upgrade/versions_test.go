package upgrade

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/test/testsystem"
)

func TestMain(m *testing.M) {
	code := m.Run()
	testsystem.Cleanup()
	os.Exit(code)
}

// programs are those of all versions; the gateway is not ours to upgrade, and stays as it is.
var programs = []string{testsystem.Core, testsystem.Ordering, testsystem.Contractor, testsystem.Manager}

func TestTheVersionBeforeAndThisOneWorkOnEachOthersSchema(t *testing.T) {
	commit := commitBefore(t)
	old, now := programsOf(t, commit), testsystem.Programs(t)
	t.Logf("the version before is %s", commit)

	// given the version before, in use
	sys := testsystem.NewOf(t, old, signsNotYet)
	first := ask(t, sys, "Asked-before")
	sees(t, sys, first)
	stop(t, sys)

	// when this one is started on its schema, under roles that own nothing, then it does nothing to it before it
	// is migrated; and begins by itself
	sys.Use(now)
	sys.Restrict()
	for _, name := range programs {
		sys.Start(name)
	}
	for _, name := range programs {
		testsystem.Eventually(t, name+" lives", func() error { return answers(sys.URL(name)+"/livez", http.StatusOK) })
	}
	for _, name := range programs {
		sys.Run(name, "migrate")
	}
	for _, name := range programs {
		sys.WaitReady(name)
	}
	second := ask(t, sys, "Asked-after")
	sees(t, sys, first, second)
	stop(t, sys)

	// and when the version before is started on the new schema, under the same roles, as during an upgrade or
	// after it is taken back
	sys.Use(old)
	for _, name := range programs {
		sys.Start(name)
	}
	for _, name := range programs {
		sys.WaitReady(name)
	}
	third := ask(t, sys, "Asked-again")
	sees(t, sys, first, second, third)
	setsApart(t, sys, "Asked-behind")
}

func TestTheVersionBeforeGoesOnWhileItsSchemaChanges(t *testing.T) {
	old, now := programsOf(t, commitBefore(t)), testsystem.Programs(t)
	sys := testsystem.NewOf(t, old, signsNotYet)
	first := ask(t, sys, "Asked-before")
	sees(t, sys, first)

	// when it is migrated in use, with its statements prepared
	sys.Use(now)
	for _, name := range programs {
		sys.Run(name, "migrate")
	}
	sys.Use(old)

	// then it goes on
	sees(t, sys, first, ask(t, sys, "Asked-after"))
	setsApart(t, sys, "Asked-behind")
}

// signsNotYet is how this version is set up as long as the version before writes events, which does not sign.
const signsNotYet = "VERIFY_EVENTS=accepted"

// setsApart sends what no service can use, and a payment behind it, and waits until all have set both apart
// and, once the former is discarded, the apps find the latter.
func setsApart(t *testing.T, sys *testsystem.System, description string) {
	t.Helper()
	id := uuid.NewString()
	e := payment.New(payment.Writer(payment.TypeRequested), id, payment.Requested{PaymentID: id, ContractorID: "ada-nowak",
		Amount: money.Amount{Minor: 12_00, Currency: "EUR"}, Description: description, CaptureMethod: payment.Automatic})
	e.ID, e.Time, e.Meta = event.NewID(), time.Now(), event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}
	useless := e
	useless.ID, useless.Data = event.NewID(), []byte("{}")
	writer := &kafkago.Writer{Addr: kafkago.TCP(strings.Split(sys.Parts.Brokers, ",")...), Balancer: kafkago.Murmur2Balancer{},
		RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond}
	defer func() { _ = writer.Close() }()
	if err := writer.WriteMessages(t.Context(), sys.Keys.Encode(payment.Topic, useless), sys.Keys.Encode(payment.Topic, e)); err != nil {
		t.Fatal(err)
	}
	for _, name := range programs {
		testsystem.Eventually(t, name+" sets both apart", func() error {
			if list := sys.Run(name, "dead-letters", "list"); strings.Count(list, id) < 2 || !strings.Contains(list, "parked") {
				return fmt.Errorf("the list is %s", list)
			}
			return nil
		})
		sys.Run(name, "dead-letters", "discard", "1")
		if list := sys.Run(name, "dead-letters", "list"); strings.Contains(list, id) {
			t.Errorf("%s sets apart still: %s", name, list)
		}
	}
	for app, person := range map[string]string{testsystem.Contractor: "Ada Nowak", testsystem.Manager: "Mia Weber"} {
		listed(t, sys, app, person, description)
	}
}

// ask asks for a payment, as a contractor, and returns what it is found by.
func ask(t *testing.T, sys *testsystem.System, description string) string {
	t.Helper()
	ada := sys.SignIn(t, testsystem.Contractor, "Ada Nowak")
	page, err := ada.Open("/")
	if err == nil {
		page, err = page.Press("Request new payment")
	}
	if err == nil {
		_, err = page.Press("Request payment", "Amount", "12.00", "Currency", "EUR", "Description", description)
	}
	if err != nil {
		t.Fatal(err)
	}
	return description
}

// sees waits until both apps list the payments, and a manager has accepted the newest, and it was paid out.
func sees(t *testing.T, sys *testsystem.System, descriptions ...string) {
	t.Helper()
	for app, person := range map[string]string{testsystem.Contractor: "Ada Nowak", testsystem.Manager: "Mia Weber"} {
		listed(t, sys, app, person, descriptions...)
	}
	mia := sys.SignIn(t, testsystem.Manager, "Mia Weber")
	page, err := mia.Open("/")
	if err == nil {
		_, err = page.Press("Accept") // it is the only one that waits
	}
	if err != nil {
		t.Fatal(err)
	}
	ada := sys.SignIn(t, testsystem.Contractor, "Ada Nowak")
	testsystem.Eventually(t, "it is paid out", func() error {
		page, err := ada.Open("/")
		if err == nil && strings.Count(strings.ToLower(page.Text()), "paid out")+strings.Count(strings.ToLower(page.Text()), "captured") < len(descriptions) {
			err = fmt.Errorf("the list shows %s", page.Text())
		}
		return err
	})
}

// listed waits until an app lists the payments, all of them and each where it is searched for.
func listed(t *testing.T, sys *testsystem.System, app, person string, descriptions ...string) {
	t.Helper()
	who := sys.SignIn(t, app, person)
	list := map[string]string{testsystem.Contractor: "/?q=", testsystem.Manager: "/payments?tab=all&q="}[app]
	testsystem.Eventually(t, "all are listed by "+app, func() error {
		for _, search := range append([]string{""}, descriptions...) {
			page, err := who.Open(list + search)
			if err != nil {
				return err
			}
			for _, description := range descriptions {
				row := regexp.MustCompile(regexp.QuoteMeta(description) + `(P-[0-9-]+)? 12\.00 EUR`)
				if row.MatchString(page.Text()) != (search == "" || search == description) {
					return fmt.Errorf("%s, searched for %q, shows %s", description, search, page.Text())
				}
			}
		}
		return nil
	})
}

func stop(t *testing.T, sys *testsystem.System) {
	t.Helper()
	for _, name := range programs {
		if err := sys.Stop(name); err != nil {
			t.Errorf("stop %s: %v", name, err)
		}
	}
}

func answers(url string, want int) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != want {
		return fmt.Errorf("%s answers %d", url, response.StatusCode)
	}
	return nil
}

// commitBefore is the version that an upgrade to this one is from: the last commit before the oldest
// migration whose views are still there for it, else before the newest migration. UPGRADE_FROM names another.
func commitBefore(t *testing.T) string {
	t.Helper()
	if commit := os.Getenv("UPGRADE_FROM"); commit != "" {
		return commit
	}
	const folders = ":(glob)**/migrations/*.sql"
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("this test builds the version before from git's history, and there is no git")
	}
	if changed, err := git(t, "status", "--porcelain", "--", folders); err != nil {
		t.Skipf("this test builds the version before from git's history, and there is none: %v", err)
	} else if expanding := withViews(t); len(expanding) > 0 {
		added, err := git(t, append([]string{"log", "--diff-filter=A", "--reverse", "--format=%H", "--"}, expanding...)...)
		if err != nil {
			t.Skipf("this test builds the version before from git's history, and there is none: %v", err)
		}
		if oldest, _, _ := strings.Cut(added, "\n"); oldest != "" {
			return parent(t, oldest)
		}
		return must(git(t, "rev-parse", "HEAD"))(t)
	} else if changed != "" {
		return must(git(t, "rev-parse", "HEAD"))(t)
	}
	newest, err := git(t, "log", "-1", "--format=%H", "--", folders)
	if err != nil || newest == "" {
		t.Skipf("this test builds the version before from git's history, and there is none: %v", err)
	}
	return parent(t, newest)
}

// withViews returns the migrations that make views for the version before, as long as they are not dropped.
func withViews(t *testing.T) (expanding []string) {
	t.Helper()
	var all strings.Builder
	made := map[string][]string{} // the views of each file
	for _, path := range migrations(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		all.WriteString(up)
		for _, m := range createView.FindAllStringSubmatch(up, -1) {
			made[path] = append(made[path], m[1])
		}
	}
	var dropped []string
	for _, m := range dropView.FindAllStringSubmatch(all.String(), -1) {
		dropped = append(dropped, strings.Split(m[1], ", ")...)
	}
	for path, views := range made {
		if slices.ContainsFunc(views, func(name string) bool { return !slices.Contains(dropped, name) }) {
			expanding = append(expanding, path)
		}
	}
	return expanding
}

var (
	createView = regexp.MustCompile(`(?m)^create view (\w+) as`)
	dropView   = regexp.MustCompile(`(?m)^drop view ([\w, ]+);`)
)

func parent(t *testing.T, commit string) string {
	t.Helper()
	before, err := git(t, "rev-parse", "--verify", commit+"^")
	if err != nil {
		t.Skipf("this test builds the version before from git's history, which is not here as far as %s^: %v", commit, err)
	}
	return before
}

// programsOf are the programs of a commit.
func programsOf(t *testing.T, commit string) (bin string) {
	t.Helper()
	return must(testsystem.ProgramsOf(t.Context(), commit))(t)
}

func git(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return testsystem.Git(t.Context(), args...)
}

func must(value string, err error) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
