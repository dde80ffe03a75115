package app_test

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/internal/app"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/money"
)

const stuck = payment.TypeStuck

// stuckRefund leads to a refund that the gateway refuses for good.
func (h *harness) stuckRefund(minor int64) (id string) {
	h.t.Helper()
	order := uuid.NewString()
	id, events := acceptedFor(order, minor, payment.Automatic)
	h.publish(append(submitted(order), events...)...)
	h.story(id, captured)
	h.publish(ofOrder(order, "order_expired", `{"reason": "not paid in time"}`))
	h.story(id, stuck)
	return id
}

// command runs one of payments-core's commands, and returns what it printed.
func (h *harness) command(args ...string) (printed string, code int) {
	h.t.Helper()
	for name, value := range map[string]string{
		"DATABASE_URL": h.cfg.DatabaseURL, "KAFKA_BROKERS": h.broker.Addr(), "EVENT_VERIFY_KEYS_FILE": h.cfg.EventVerifyKeysFile, "GATEWAY_URL": h.cfg.GatewayURL,
		"GATEWAY_TOKEN": gatewayToken, "SERVICE_TOKENS": "manager-ui=" + callerToken,
	} {
		h.t.Setenv(name, value)
	}
	var out strings.Builder
	code = app.Program().Execute(h.t.Context(), args, io.Writer(&out), io.Writer(&out))
	return out.String(), code
}

func TestAnAddressThatIsNoneIsRefusedFirst(t *testing.T) {
	for name, value := range map[string]string{
		"DATABASE_URL": "postgres://core@127.0.0.1:1/core", "KAFKA_BROKERS": "127.0.0.1:1", "GATEWAY_URL": "localhost:5002",
		"EVENT_VERIFY_KEYS_FILE": filepath.Join(kafkatest.NewKeys(t).Dir, "verify.json"),
		"GATEWAY_TOKEN":          gatewayToken, "SERVICE_TOKENS": "manager-ui=" + callerToken,
	} {
		t.Setenv(name, value)
	}
	var out strings.Builder
	code := app.Program().Execute(t.Context(), []string{"adopt", "--dry-run"}, &out, &out)
	if code != 2 || !strings.Contains(out.String(), "GATEWAY_URL") {
		t.Errorf("ended with %d: %s", code, out.String())
	}
}

func TestWhatTheGatewayRefusesForGoodIsNotAskedForEver(t *testing.T) {
	h := newHarness(t, sandbox.Options{})
	h.start()
	// given a refund that the gateway refuses for good
	id := h.stuckRefund(10_18)
	// then nothing asks again
	if got := h.operations(id); !slices.Equal(got, []string{"authorize:1 succeeded", "capture:1 succeeded", "refund:1 open"}) {
		t.Errorf("the operations are %v", got)
	}
	var jobs int
	if err := h.db.Pool().QueryRow(t.Context(), "select count(*) from river_job where kind = 'gateway_call' and state <> 'completed'").Scan(&jobs); err != nil || jobs > 0 {
		t.Errorf("%d calls are to be made, %v", jobs, err)
	}
	// and managers are told, as is whoever lists what is stuck
	if refused := h.post("/payments/"+id+"/release", uuid.NewString(), byMia); refused.status != http.StatusConflict || !strings.Contains(refused.text, "stuck") {
		t.Errorf("a command while it is stuck: %d %s", refused.status, refused.text)
	}
	if list, code := h.command("operations", "list"); code != 0 || !strings.Contains(list, id+":refund:1") || !strings.Contains(list, "account is closed") {
		t.Errorf("listed: %d %s", code, list)
	}
	if got := h.reconcile(); len(got) != 1 || !strings.Contains(got[0], "stuck since") {
		t.Errorf("reconcile says %q", got)
	}
	if gauge := `payment_operations_stuck{service="payments-core"} 1`; !strings.Contains(h.metrics(), gauge) {
		t.Errorf("the metrics lack %s", gauge)
	}

	// when an operator retries it, it is asked once more, with a new key
	if said, code := h.command("operations", "retry", id+":refund:1", "--by", "Olga", "--why", "the bank says try now"); code != 0 || !strings.Contains(said, id+":refund:2") {
		t.Fatalf("retry: %d %s", code, said)
	}
	h.eventually("refused again", func() bool { return slices.Contains(h.records(id), "refund:2 refused") })
	h.eventually("stuck again", func() bool { list, _ := h.command("operations", "list"); return strings.Contains(list, id+":refund:2") })

	// when an operator says that the money went back otherwise
	if said, code := h.command("operations", "settle", id+":refund:2", "--outcome", "succeeded", "--by", "Olga", "--why", "by bank transfer"); code != 0 {
		t.Fatalf("settle: %d %s", code, said)
	}
	// then the payment is refunded, by whom and why is on record, and everything agrees (see newHarness)
	if got, want := h.story(id, refunded), []string{requested, yes, authorized, captured, stuck, stuck, refunded}; !slices.Equal(got, want) {
		t.Errorf("the story is %v", got)
	}
	var actor, reason, handledBy, handledWhy string
	err := h.db.Pool().QueryRow(t.Context(), `select j.actor_name, j.data->>'reason', o.handled_by, o.handled_why from journal j, operations o
		where j.type = $1 and j.subject = $2 and o.key = $2 || ':refund:2'`, refunded, id).Scan(&actor, &reason, &handledBy, &handledWhy)
	const because = "settled by hand: by bank transfer; wanted because order 2026/11/000042 expired: not paid in time"
	if err != nil || actor != "Olga" || reason != because || handledBy != "Olga" || handledWhy != "by bank transfer" {
		t.Errorf("on record: %q, %q, %q, %q, %v", actor, reason, handledBy, handledWhy, err)
	}
	if list, code := h.command("operations", "list"); code != 0 || list != "nothing is stuck\n" {
		t.Errorf("listed: %d %s", code, list)
	}
}

// An operator retries and settles what a person has asked for: the person's name and reason stay on record.
func TestWhoAskedForWhatGetsStuckIsOnRecord(t *testing.T) {
	h := newHarness(t, sandbox.Options{})
	h.start()
	// given a release that a manager asks for, with a reason, and that the gateway refuses for good
	id := h.held(10_19)
	if asked := h.post("/payments/"+id+"/release", uuid.NewString(), byTom); asked.status != http.StatusAccepted {
		t.Fatalf("the release: %d %s", asked.status, asked.text)
	}
	h.story(id, stuck)
	const isStuck = "the release of the hold of 10.19 EUR, which Tom Berg asked for, is stuck at the gateway"
	if told := h.words(id); !strings.HasPrefix(told[len(told)-1], isStuck) {
		t.Errorf("while it is stuck the timeline says %q", told)
	}
	// when an operator retries it, and it is stuck again, and settles it
	if said, code := h.command("operations", "retry", id+":release:1", "--by", "Olga", "--why", "try now"); code != 0 {
		t.Fatalf("retry: %d %s", code, said)
	}
	h.eventually("stuck again", func() bool {
		list, _ := h.command("operations", "list")
		return strings.Contains(list, id+":release:2")
	})
	settle := []string{"operations", "settle", id + ":release:2", "--outcome", "succeeded", "--by", "Olga", "--why", "The bank called."}
	if said, code := h.command(settle...); code != 0 {
		t.Fatalf("settle: %d %s", code, said)
	}
	h.story(id, payment.TypeReleased)
	// then the timeline says who settled it and why, and who had asked for it and why
	told := h.words(id)
	want := "the hold of 10.19 EUR was released by Olga: settled by hand: The bank called; Tom Berg had asked for it: the job is off"
	if last := told[len(told)-1]; last != want || !strings.HasPrefix(told[len(told)-2], isStuck) {
		t.Errorf("the timeline says %q", told)
	}
}

func TestWhatAnOperatorCannotDo(t *testing.T) {
	h := newHarness(t, sandbox.Options{})
	h.start()
	id := h.stuckRefund(10_18)
	key := id + ":refund:1"
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nameless":            {[]string{"retry", key, "--why", "so"}, 2, "who decides"},
		"without a reason":    {[]string{"retry", key, "--by", "Olga"}, 2, "say why"},
		"an invisible name":   {[]string{"retry", key, "--by", "\u200b", "--why", "so"}, 2, "who decides"},
		"turned letters":      {[]string{"settle", key, "--outcome", "succeeded", "--by", "Olga", "--why", "paid \u202eback"}, 2, "direction"},
		"no such key":         {[]string{"retry", "nonsense", "--by", "Olga", "--why", "so"}, 1, "no such operation is stuck: nonsense"},
		"not stuck":           {[]string{"retry", id + ":capture:1", "--by", "Olga", "--why", "so"}, 1, "no such operation is stuck"},
		"without an outcome":  {[]string{"settle", key, "--by", "Olga", "--why", "so"}, 2, "succeeded or failed"},
		"money that stays":    {[]string{"settle", key, "--outcome", "failed", "--by", "Olga", "--why", "so"}, 1, "the money has to go back"},
		"another outcome":     {[]string{"settle", key, "--outcome", "maybe", "--by", "Olga", "--why", "so"}, 2, "succeeded or failed"},
		"two keys":            {[]string{"retry", key, key}, 2, ""},
		"a command not there": {[]string{"forget", key}, 2, "not a command"},
	} {
		if said, code := h.command(append([]string{"operations"}, test.args...)...); code != test.code || !strings.Contains(said, test.says) {
			t.Errorf("%s: %d %s", name, code, said)
		}
	}
	if said, code := h.command("dead-letters", "replay", "-1"); code != 2 || !strings.Contains(said, "the id of a dead letter is a number") {
		t.Errorf("replay -1: %d %s", code, said)
	}
	if got := h.operations(id); !slices.Contains(got, "refund:1 open") {
		t.Errorf("the operations are %v", got)
	}
	h.command("operations", "settle", key, "--outcome", "succeeded", "--by", "Olga", "--why", "by bank transfer")
	h.story(id, refunded)
}

func TestAKeyOfAnotherRequestIsStuck(t *testing.T) {
	h := newHarness(t, sandbox.Options{})
	// given a key that the gateway knows of another request
	id, events := accepted(10_00, payment.Automatic)
	if _, err := h.gateway.Authorize(t.Context(), gateway.Request{Key: id + ":authorize:1", PaymentID: uuid.NewString(),
		Amount: money.Amount{Minor: 7_00, Currency: "EUR"}, Description: "Something else"}); err != nil {
		t.Fatal(err)
	}
	h.start()
	h.publish(events...)
	h.story(id, stuck)
	// when an operator settles it as failed
	if said, code := h.command("operations", "settle", id+":authorize:1", "--outcome", "failed", "--by", "Olga", "--why", "our mistake"); code != 0 {
		t.Fatalf("settle: %d %s", code, said)
	}
	// then the payment is declined for good
	if got := h.story(id, payment.TypeDeclined); !slices.Equal(got, []string{requested, yes, stuck, payment.TypeDeclined}) {
		t.Errorf("the story is %v", got)
	}
	if shown := h.get("/payments/" + id); shown.body["final"] != true {
		t.Errorf("shown: %s", shown.text)
	}
}

// After a long outage of the gateway its calls are up to an hour apart. An operator who knows that it is back
// need not wait.
func TestAnOpenOperationIsHurried(t *testing.T) {
	h := newHarness(t, sandbox.Options{})
	// given an operation without an answer, which is asked again in an hour only
	there := h.cfg.GatewayURL
	h.cfg.GatewayURL = "http://127.0.0.1:1"
	h.start()
	id, events := accepted(10_00, payment.Automatic)
	key := id + ":authorize:1"
	h.publish(events...)
	h.eventually("asked, without an answer", func() bool {
		var attempts int
		err := h.db.Pool().QueryRow(t.Context(), "select attempts from operations where key = $1", key).Scan(&attempts)
		return err == nil && attempts > 0
	})
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h.cfg.GatewayURL = there
	for _, sql := range []string{"update operations set opened_at = now() - interval '11 minutes'",
		"update river_job set state = 'scheduled', scheduled_at = now() + interval '1 hour' where kind = 'gateway_call'"} {
		if _, err := h.db.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	h.start()

	// then it is listed, with when it is asked next, and is a difference
	next := time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:")
	if list, code := h.command("operations", "list"); code != 0 || !strings.Contains(list, "nothing is stuck") || !strings.Contains(list, key) || !strings.Contains(list, next) {
		t.Errorf("listed: %d %s", code, list)
	}
	if got := h.reconcile(); len(got) != 1 || !strings.Contains(got[0], "asked next: "+next) {
		t.Errorf("reconcile says %q", got)
	}

	// and when an operator retries it, it is asked at once, with the same key
	if said, code := h.command("operations", "retry", key, "--why", "it is back"); code != 2 || !strings.Contains(said, "who decides") {
		t.Errorf("retry without a name: %d %s", code, said)
	}
	said, code := h.command("operations", "retry", key, "--by", "Olga", "--why", "it is back")
	if code != 0 || !strings.Contains(said, "with the same key "+key) || !strings.Contains(said, `"by":"Olga","why":"it is back"`) {
		t.Errorf("retry: %d %s", code, said)
	}
	h.story(id, captured)
	if got := h.operations(id); !slices.Equal(got, []string{"authorize:1 succeeded", "capture:1 succeeded"}) {
		t.Errorf("the operations are %v", got)
	}
}

// An operator's word is nothing for a database that was restored and lacks what the core has written since.
func TestOperatorsDecideNothingInADatabaseThatIsNotAdopted(t *testing.T) {
	h := newHarness(t, sandbox.Options{})
	h.start()
	id := h.stuckRefund(10_18)
	key := id + ":refund:1"
	h.settled()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	// given an event of the core's own that its journal lacks
	forged := payment.New("/payments-core", uuid.NewString(), payment.Authorized{GatewayReference: "hold"})
	forged.Sequence, forged.Time = 1, time.Now()
	h.publish(forged)

	// then commands that change something are refused, in words
	for _, args := range [][]string{{"operations", "retry", key, "--by", "Olga", "--why", "so"},
		{"operations", "settle", key, "--outcome", "succeeded", "--by", "Olga", "--why", "so"},
		{"dead-letters", "replay", "--all"}, {"dead-letters", "discard", "1"}} {
		if said, code := h.command(args...); code != 1 || !strings.Contains(said, "nothing was changed") || !strings.Contains(said, "adopt") {
			t.Errorf("%v: %d %s", args, code, said)
		}
	}
	if list, code := h.command("operations", "list"); code != 0 || !strings.Contains(list, key) {
		t.Errorf("listed: %d %s", code, list)
	}

	// until an operator has decided about the event
	said, _ := h.command("adopt", "--dry-run")
	at := strings.Fields(said[strings.Index(said, " at "+payment.Topic)+4:])[0]
	if said, code := h.command("skip", at, "--reason", "nobody knows it", "--by", "Olga"); code != 0 {
		t.Fatalf("skip: %d %s", code, said)
	}
	if said, code := h.command("operations", "settle", key, "--outcome", "succeeded", "--by", "Olga", "--why", "by bank transfer"); code != 0 {
		t.Errorf("settle: %d %s", code, said)
	}
	h.start()
	h.story(id, refunded)
}

// The gateway forgets keys. What was asked before that and had no answer is looked up, and not done twice.
func TestAKeyIsNotSentAgainAfterItsLife(t *testing.T) {
	t.Parallel()
	const life = 200 * time.Millisecond // less than the wait for another attempt
	h := newHarness(t, sandbox.Options{KeyLife: life})
	h.cfg.GatewayKeyLife = life
	h.start()
	for _, test := range []struct {
		name    string
		minor   int64
		records []string
	}{
		{"authorize, done and then no answer", 10_05, []string{"authorize:1 approved", "capture:1 approved", "refund:1 approved"}},
		{"refund, done and then no answer", 10_16, []string{"authorize:1 approved", "capture:1 approved", "refund:1 approved"}},
	} {
		order := uuid.NewString()
		id, events := acceptedFor(order, test.minor, payment.Automatic)
		h.publish(append(submitted(order), events...)...)
		h.story(id, captured)
		h.publish(ofOrder(order, "order_expired", `{"reason": "not paid in time"}`))
		h.story(id, refunded)
		if got := h.records(id); !slices.Equal(got, test.records) {
			t.Errorf("%s: the gateway has done %v", test.name, got)
		}
	}
}

func TestAnOperatorHandlesWhatIsStuckByTheAPI(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	h.start()
	// given a refund that the gateway refuses for good
	id := h.stuckRefund(10_18)
	key := id + ":refund:1"
	list := h.get("/operations?part=stuck")
	if list.status != http.StatusOK || !strings.Contains(list.text, key) || strings.Contains(h.get("/operations?part=unknown").text, key) {
		t.Errorf("what is stuck is listed as %d %s", list.status, list.text)
	}
	if shown := h.get("/operations/" + key); shown.status != http.StatusOK || !strings.Contains(shown.text, id+":capture:1") || shown.body["next_call"] != nil {
		t.Errorf("it is shown as %d %s", shown.status, shown.text)
	}
	for path, status := range map[string]int{"/operations?part=odd": 422, "/operations?after=odd": 422, "/operations/odd": 404, "/operations/%00:refund:1": 404, "/operations/" + id + ":refund:9": 404} {
		if got := h.get(path); got.status != status {
			t.Errorf("%s: %d %s", path, got.status, got.text)
		}
	}
	post := func(what, fields string, want int) answer {
		t.Helper()
		a := h.post("/operations/"+key+"/"+what, uuid.NewString(), `{"actor":{"id":"omar","name":"Omar Reyes"},`+fields+`}`)
		if a.status != want {
			t.Errorf("%s with %s: %d %s", what, fields, a.status, a.text)
		}
		return a
	}
	post("settle", `"why":"x","outcome":"open"`, http.StatusUnprocessableEntity)
	post("settle", `"why":"","outcome":"succeeded"`, http.StatusUnprocessableEntity)
	post("settle", `"why":"x","outcome":"failed"`, http.StatusConflict)
	// when it is asked again, then it is refused again, and stuck with a new key
	if again := post("retry", `"why":"the account is open again"`, http.StatusOK); again.body["asked_as"] != id+":refund:2" {
		t.Errorf("it is asked again as %s", again.text)
	}
	post("retry", `"why":"twice"`, http.StatusConflict)
	key = id + ":refund:2"
	h.eventually("stuck again", func() bool { return strings.Contains(h.get("/operations?part=stuck").text, key) })
	// when it is settled, then it is closed on record
	post("settle", `"why":"paid back by hand","outcome":"succeeded"`, http.StatusOK)
	h.story(id, refunded)
	if shown := h.get("/operations/" + key).text; !strings.Contains(shown, "Omar Reyes") || !strings.Contains(shown, "paid back by hand") {
		t.Errorf("it is on record as %s", shown)
	}
}
