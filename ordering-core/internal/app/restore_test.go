package app_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/internal/app"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
	"countersign.example/pkg/service/servicetest"
)

// backup copies the core's database, which nobody uses meanwhile, and returns what gives it back.
func (h *harness) backup() (restore func()) {
	h.t.Helper()
	h.db.Close()
	u, err := url.Parse(h.cfg.DatabaseURL)
	if err != nil {
		h.t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	copied := name + "_backup"
	server := *u
	server.Path = "/postgres"
	administer := func(statements ...string) {
		conn, err := pgx.Connect(context.Background(), server.String())
		if err != nil {
			h.t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.Background()) }()
		for _, statement := range statements {
			if _, err := conn.Exec(context.Background(), statement); err != nil {
				h.t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	reopen := func() {
		if h.db, err = pg.Open(context.Background(), h.cfg.DatabaseURL); err != nil {
			h.t.Fatal(err)
		}
		db := h.db
		h.t.Cleanup(db.Close)
	}
	administer(fmt.Sprintf("create database %q template %q", copied, name))
	reopen()
	return func() {
		h.t.Helper()
		h.db.Close()
		administer(fmt.Sprintf("drop database %q with (force)", name), fmt.Sprintf("alter database %q rename to %q", copied, name))
		reopen()
	}
}

// command runs a command of the core's, and returns what it prints.
func (h *harness) command(args ...string) string {
	h.t.Helper()
	for name, value := range map[string]string{
		"DATABASE_URL": h.cfg.DatabaseURL, "KAFKA_BROKERS": strings.Join(h.cfg.KafkaBrokers, ","),
		"SERVICE_TOKENS": contractorUI + "=" + tokens[contractorUI], "TIME_ZONE": h.cfg.TimeZone,
		"EVENT_VERIFY_KEYS_FILE": h.cfg.EventVerifyKeysFile,
	} {
		h.t.Setenv(name, value)
	}
	var out bytes.Buffer
	if code := app.Program().Execute(h.t.Context(), args, &out, &out); code != 0 {
		h.t.Fatalf("%v ended with %d: %s", args, code, &out)
	}
	return out.String()
}

// begin runs the core without waiting until it is ready.
func (h *harness) begin() { h.stop = servicetest.Run(app.Program(), h.cfg, service.All) }

// heldBack waits until the core answers a command, and checks that it serves nothing.
func (h *harness) heldBack() {
	h.t.Helper()
	command := func() int {
		request, err := http.NewRequest(http.MethodPost, "http://"+h.cfg.HTTPAddr+"/orders",
			strings.NewReader(`{"actor":`+ada+`,"order_id":"`+uuid.NewString()+`"}`))
		if err != nil {
			h.t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+tokens[contractorUI])
		request.Header.Set("Idempotency-Key", uuid.NewString())
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	ready := func() int {
		response, err := http.Get("http://" + h.cfg.HTTPAddr + "/readyz")
		if err != nil {
			return 0
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	h.eventually("it answers", func() bool { return command() != 0 && ready() == http.StatusServiceUnavailable })
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); <-tick.C {
		if got := command(); got != http.StatusServiceUnavailable {
			h.t.Fatalf("a command is answered with %d", got)
		}
		if got := ready(); got != http.StatusServiceUnavailable {
			h.t.Fatalf("/readyz answers %d", got)
		}
	}
}

func (h *harness) submit(order string, total int64) answer {
	h.t.Helper()
	return h.must(contractorUI, ada, "/orders/"+order+"/submit", fmt.Sprintf(`"sequence":3,"total":{"amount":%d,"currency":"EUR"}`, total))
}

func TestARestoredDatabaseServesNothingUntilItHasWhatWasWritten(t *testing.T) {
	for name, running := range map[string]bool{"while the core is stopped": false, "while the core runs": true} {
		t.Run(name, func(t *testing.T) { restoreABackup(t, running) })
	}
}

func restoreABackup(t *testing.T, running bool) {
	// given a core with a product, a customer and two drafts, and a backup of that
	h := newHarness(t)
	h.start()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")
	before, other := h.draft(fence, garden), h.draft(fence, garden)
	h.settled()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	restore := h.backup()

	// and then an order that is submitted, products that change, and an order that ends
	h.start()
	number := h.submit(before, 25_00).body["number"].(string)
	gate := h.product("GATE", 99_00)
	h.must(managerUI, mia, "/products/"+fence, `"sku":"FENCE-2","name":"A fence","price":{"amount":1300,"currency":"EUR"},"sequence":1`)
	ended := h.draft(gate, garden)
	// (with their keys, by which those send again who have had no answer)
	commands := []struct{ key, service, actor, path, fields string }{
		{uuid.NewString(), contractorUI, ada, "/orders/" + other + "/items", `"product_id":"` + fence + `","quantity":1`},
		{uuid.NewString(), managerUI, mia, "/orders/" + ended + "/cancel", `"reason":"a mistake"`},
		{uuid.NewString(), managerUI, mia, "/customers/" + garden, `"name":"Garden Inc","email":"inc@example.com","sequence":1`},
		{uuid.NewString(), managerUI, mia, "/customers", `"customer_id":"` + uuid.NewString() + `","name":"Late","email":"late@example.com"`},
	}
	for _, c := range commands {
		if a := h.sendAs(c.key, c.service, c.actor, c.path, c.fields); a.status >= http.StatusBadRequest {
			t.Fatalf("%s: %d %s", c.path, a.status, a.text)
		}
	}
	h.settled()

	// when the backup is restored
	if running {
		restore()
	} else {
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		restore()
		h.begin()
	}

	// then nothing is served
	h.heldBack()
	if said := h.command("adopt", "--dry-run"); !strings.Contains(said, "adopt order_submitted of order-"+before) ||
		!strings.Contains(said, "go on after 000001") || !strings.Contains(said, "nothing was changed") {
		t.Errorf("a dry run says %s", said)
	}
	var refused bytes.Buffer
	if code := app.Program().Execute(t.Context(), []string{"dead-letters", "replay", "--all"}, &refused, &refused); code != 1 ||
		!strings.Contains(refused.String(), "nothing was changed") {
		t.Errorf("a replay into it ends with %d: %s", code, &refused)
	}
	h.heldBack()

	// until what is missing is adopted: then it begins by itself
	h.command("adopt", "--reason", "restored the backup", "--by", "mia")
	servicetest.Ready(h.t, h.cfg.HTTPAddr)
	if o := h.get("/orders/" + before); o.body["number"] != number || o.body["state"] != "submitted" {
		t.Errorf("the order is %s", o.text)
	}
	// and what was done is known by its keys, though the answers are gone
	for _, c := range commands {
		if a := h.sendAs(c.key, c.service, c.actor, c.path, c.fields); a.status >= http.StatusBadRequest {
			t.Errorf("%s, sent again: %d %s", c.path, a.status, a.text)
		}
	}
	if lines := h.get("/orders/" + other).body["lines"].([]any); len(lines) != 1 || lines[0].(map[string]any)["quantity"] != 3.0 {
		t.Errorf("what was added once more is there twice: %v", lines)
	}
	again := h.draft(gate, garden)
	if got := h.submit(again, 198_00).body["number"]; got == number || !strings.HasSuffix(got.(string), "/000002") {
		t.Errorf("the next number is %v, after %s", got, number)
	}
	h.must(managerUI, mia, "/products/"+fence, `"sku":"FENCE-3","name":"A fence","price":{"amount":1300,"currency":"EUR"},"sequence":2`)
	if a := h.send(managerUI, mia, "/orders/"+ended+"/cancel", `"reason":"a mistake"`); a.status != http.StatusConflict {
		t.Errorf("an order that has ended is cancelled again: %d %s", a.status, a.text)
	}
	var deadlines int
	if err := h.db.Pool().QueryRow(t.Context(), "select count(*) from deadlines where order_id = any($1)",
		[]string{before, other, again, ended}).Scan(&deadlines); err != nil || deadlines != 3 {
		t.Errorf("%d orders have a deadline, %v", deadlines, err)
	}
	h.settled()

	// and an event that the core has not written is skipped, when it starts again
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	barn := catalog.CustomerAdded{CustomerID: uuid.NewString(), Name: "Barn Ltd", Email: "barn@example.com"}
	forged := catalog.New("/ordering-core", barn.CustomerID, barn)
	forged.Sequence, forged.Time = 1, time.Now()
	h.publish(catalog.Topic, forged)
	h.begin()
	h.heldBack()
	said := h.command("adopt", "--dry-run")
	at := strings.Fields(said[strings.Index(said, " at "+catalog.Topic)+4:])[0]
	h.command("skip", at, "--reason", "nobody knows Barn Ltd", "--by", "mia")
	servicetest.Ready(h.t, h.cfg.HTTPAddr)
	var barns int
	if err := h.db.Pool().QueryRow(t.Context(), "select count(*) from journal where event_id = $1", forged.ID).Scan(&barns); err != nil || barns != 0 {
		t.Errorf("it was recorded %d times, %v", barns, err)
	}
}
