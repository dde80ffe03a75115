// Package reconcile makes each kind of difference that countersign reconcile claims to find, by hand, in a
// whole system, and has it found.
package reconcile

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"countersign.example/deploy/reconcile"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/gateway"
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

// tampering is what somebody does to a database, and what is said of it.
type tampering struct {
	in, do, undo string
	kind         reconcile.Kind
	says         string
}

const (
	columns = "stream, version, log, event_id, type, source, subject, time, data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data"
	rest    = "type, source, subject, time, data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data"
	putBack = "insert into journal overriding system value select * from kept; drop table kept"
)

// aside puts an event of a type, which kept has then, out of the journal.
func aside(typ string) string {
	return "create table kept as select * from journal where type = '" + typ + "' order by position limit 1; delete from journal where position = (select position from kept)"
}

var tamperings = map[string]tampering{
	"an event of a copy is deleted": {testsystem.Contractor, aside("payment_authorized"), putBack, reconcile.JournalLacks, "has no place in its log"},
	"a core's event is deleted":     {testsystem.Core, aside("payment_captured"), putBack, reconcile.JournalLacks, "has no place in its log"},
	"an event is added": {
		testsystem.Manager, `insert into journal (` + columns + `, topic, partition, "offset") select stream, 100, log + 100, gen_random_uuid(), ` + rest + `, topic, partition, "offset"
			from journal where type = 'payment_accepted' order by position limit 1`, "delete from journal where version = 100",
		reconcile.JournalExceeds, "is not in the topic"},
	"a stream is added that is in no topic": {
		testsystem.Ordering, `insert into journal (` + columns + `) select 'nothing-1', 1, 1, gen_random_uuid(), ` + rest + ` from journal where type = 'order_drafted' limit 1`,
		"delete from journal where stream = 'nothing-1'", reconcile.JournalExceeds, "belongs to no topic"},
	"an amount is changed": {
		testsystem.Core, `create table kept as select * from journal where type = 'payment_captured' order by position limit 1;
			update journal set data = jsonb_set(data, '{amount,amount}', '1') where position = (select position from kept)`,
		"update journal set data = (select data from kept) where position = (select position from kept); drop table kept", reconcile.JournalDiffers, "is not as payments/"},
	"who did it is changed": {
		testsystem.Contractor, `create table kept as select * from journal where type = 'payment_accepted' order by position limit 1;
			update journal set actor = 'nobody' where position = (select position from kept)`,
		"update journal set actor = (select actor from kept) where position = (select position from kept); drop table kept", reconcile.JournalDiffers, "is not as payments/"},
	"two events change places": {
		testsystem.Ordering, swap, swap, reconcile.JournalOrder, "another order"},
	"a place of the log is left out": {
		testsystem.Ordering, "update journal set log = 99 where " + last, "update journal set log = version where log = 99", reconcile.JournalOrder, "another order"},
	"an event gets lost before it is published": {
		testsystem.Core, `insert into journal (` + columns + `) select stream, 100, null, gen_random_uuid(), ` + rest + ` from journal where type = 'payment_captured' limit 1`,
		"delete from journal where version = 100", reconcile.NotPublished, "neither in the outbox nor in the topic"},
	"an event is a dead letter in one service": {
		testsystem.Ordering, aside("payment_authorized") + `; update journal j set log = j.log - 1 from kept where j.stream = kept.stream and j.log > kept.log; insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts)
			select topic, partition, "offset", '', '[]', '', now(), 'poison', 'by hand', 1 from kept`,
		"delete from dead_letters; update journal j set log = j.log + 1 from kept where j.stream = kept.stream and j.log >= kept.log; " + putBack, reconcile.Disagreement, "counts in payments-core, contractor-ui, manager-ui"},
	"a payment's row is changed": {
		testsystem.Manager, "create table kept as select id from payment_rows where money = 'captured' limit 1; update payment_rows set money = 'released' where id = (select id from kept)",
		"update payment_rows set money = 'captured' where id = (select id from kept); drop table kept",
		reconcile.Copy, `money is "released" and must be "captured"`},
	"a payment's row is deleted": {
		testsystem.Contractor, "create table kept as select * from payment_rows limit 1; delete from payment_rows where id = (select id from kept)",
		"insert into payment_rows select * from kept; drop table kept", reconcile.Copy, "there is no row of payment-"},
	"an order's row is changed": {
		testsystem.Contractor, "update order_rows set total_minor = total_minor + 1 where id = (select max(id::text)::uuid from order_rows where state <> 'draft')",
		"update order_rows set total_minor = total_minor - 1 where id = (select max(id::text)::uuid from order_rows where state <> 'draft')", reconcile.Copy, "its row of order-"},
	"a payment's row is added": {
		testsystem.Manager, "create table kept as select * from payment_rows limit 1; update kept set id = gen_random_uuid(); insert into payment_rows select * from kept",
		"delete from payment_rows where id = (select id from kept); drop table kept", reconcile.Copy, "which its journal does not have"},
	"a product's price is changed": {
		testsystem.Manager, "update products set price = price + 1 where id = (select max(id::text)::uuid from products)",
		"update products set price = price - 1 where id = (select max(id::text)::uuid from products)", reconcile.Copy, "its row of product-"},
	"a customer is archived": {
		testsystem.Contractor, "update customers set archived = true where id = (select max(id::text)::uuid from customers)",
		"update customers set archived = false where id = (select max(id::text)::uuid from customers)", reconcile.Copy, "archived is true and must be false"},
	"somebody is blocked": {testsystem.Manager, "update people set blocked = true where person = 'ada-nowak'", "update people set blocked = false", reconcile.Copy, "blocked is true"},
	"an operation is added that the events do not tell": {
		testsystem.Core, `insert into operations (payment_id, kind, n, amount, currency, state, closed_at, handled_by)
			select payment_id, 'release', 9, amount, currency, 'succeeded', now(), 'by hand' from operations where kind = 'capture' and state = 'succeeded' limit 1`,
		"delete from operations where n = 9", reconcile.Operation, "was released, and not by its events"},
	"an operation is added for a payment that nobody requested": {
		testsystem.Core, `insert into operations (payment_id, kind, n, amount, currency) values ('nobody', 'authorize', 9, 1, 'EUR')`,
		"delete from operations where n = 9", reconcile.Operation, "nobody has requested it"},
	"an operation is added that the gateway does not know": {
		testsystem.Core, `insert into operations (payment_id, kind, n, amount, currency, state, closed_at)
			select payment_id, 'refund', 9, amount, currency, 'failed', now() from operations where kind = 'capture' and state = 'succeeded' limit 1`,
		"delete from operations where n = 9", reconcile.Gateway, "has no record of its key"},
	"an operation's amount is changed": {
		testsystem.Core, "update operations set amount = amount + 1 where id = (select min(id) from operations)", "update operations set amount = amount - 1 where id = (select min(id) from operations)",
		reconcile.Gateway, "at the gateway"},
	"the gateway turns an outcome round": {
		testsystem.Gateway, `update requests set answer = replace(answer, '"outcome":"approved"', '"outcome":"refused","code":"by_hand","final":true') where key = (select min(key) from requests where outcome = 'approved')`,
		`update requests set answer = replace(answer, '"outcome":"refused","code":"by_hand","final":true', '"outcome":"approved"')`, reconcile.Gateway, "has succeeded here, and failed at the gateway"},
	"the gateway did it twice, since it had forgotten the key": {
		testsystem.Gateway, `insert into requests (key, fingerprint, kind, payment_id, reference, amount, outcome, answer, answered_at)
			select key || ' of before', fingerprint, kind, payment_id, reference, amount, outcome, answer, answered_at from requests where outcome = 'approved' and kind = 'capture' limit 1`,
		"delete from requests where key like '% of before'", reconcile.Gateway, "twice, under the key"},
}

// last is the last event of an order's stream, and swap has the first two of one change places.
const (
	last = "(stream, log) = (select stream, max(log) from journal where starts_with(stream, 'order-') group by stream order by stream limit 1)"
	swap = "update journal set log = 3 - log where log < 3 and stream = (select min(stream) from journal where starts_with(stream, 'order-') and version = 2)"
)

func TestEachKindOfDifferenceIsFound(t *testing.T) {
	sys := testsystem.New(t, testsystem.Unlimited...)
	t.Log(sys.Seed())
	sys.Settle(t)
	require.Empty(t, sys.Reconcile(t).Differences)

	for _, name := range slices.Sorted(maps.Keys(tamperings)) {
		c := tamperings[name]
		sys.Break(t, c.in, "set session_replication_role = replica; "+c.do)
		report := sys.Reconcile(t)
		if report.Count != 1 || report.Differences[0].Kind != c.kind || !strings.Contains(report.Differences[0].String(), c.says) {
			t.Errorf("%s: found are %v", name, report.Differences)
		}
		sys.Break(t, c.in, "set session_replication_role = replica; "+c.undo)
	}
	require.Empty(t, sys.Reconcile(t).Differences)

	// A hold and a capture that somebody forges at the gateway are two keys of which the core knows nothing.
	client, err := gateway.NewClient(sys.ReconcileConfig().Gateway)
	require.NoError(t, err)
	defer client.Close()
	amount := money.Amount{Minor: 10_00, Currency: "EUR"}
	hold, err := client.Authorize(t.Context(), gateway.Request{Key: "forged:authorize:1", PaymentID: uuid.NewString(), Amount: amount, Description: "forged"})
	require.NoError(t, err)
	_, err = client.Capture(t.Context(), "forged:capture:1", hold.Reference, amount)
	require.NoError(t, err)
	report := sys.Reconcile(t)
	require.Equal(t, map[reconcile.Kind]int{reconcile.Gateway: 2}, report.ByKind, report.Differences)
	require.Contains(t, report.Differences[1].What, "payments-core never asked for it")

	// A core that refunds what has paid an order, and one that counts wrong, say so to everybody.
	var paid, draft string
	for id, o := range sys.Orders(t) {
		switch o.Order.State {
		case order.StatePaid:
			paid = o.Order.PaidBy
		case order.StateDraft:
			draft = id
		}
	}
	sys.Break(t, testsystem.Core, `insert into operations (payment_id, kind, n, amount, currency, state, closed_at, handled_by)
		select payment_id, 'refund', 1, amount, currency, 'succeeded', now(), 'by hand' from operations where kind = 'capture' and state = 'succeeded' and payment_id = '`+paid+"'")
	write(t, sys, testsystem.Core, payment.Stream(paid), payment.New("/payments-core", paid, payment.Refunded{Reason: "by hand", GatewayReference: "none"}))
	sys.Settle(t)
	c := sys.ReconcileConfig()
	c.Patience = time.Second
	report, err = reconcile.Run(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, map[reconcile.Kind]int{reconcile.Gateway: 2, reconcile.OrderMoney: 1}, report.ByKind, report.Differences)
	require.Contains(t, report.Differences[0].What, "was paid by "+paid)

	e := order.New("/ordering-core", draft, order.Cancelled{Reason: "by hand", By: "manager"})
	e.Sequence = 99
	write(t, sys, testsystem.Ordering, order.Stream(draft), e)
	sys.Settle(t)
	report, err = reconcile.Run(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, map[reconcile.Kind]int{reconcile.Gateway: 2, reconcile.OrderMoney: 1, reconcile.Order: 1}, report.ByKind, report.Differences)
	require.Contains(t, report.Differences[0].What, "has the sequence 99")
}

// write has a service say something that it would not say by itself.
func write(t *testing.T, sys *testsystem.System, service, stream string, e event.Event) {
	t.Helper()
	sys.Break(t, service, fmt.Sprintf(`with moved as (update streams set version = version + 1 where stream = '%[1]s' returning version),
		written as (insert into journal (`+columns+`) select '%[1]s', version, null, '%[2]s', '%[3]s', '%[4]s', '%[5]s', now(), '%[6]s', %[7]d, 'by-hand', '', '', '', '', '%[8]s' from moved returning position)
		insert into outbox select position from written`, stream, e.ID, e.Type, e.Source, e.Subject, e.DataSchema, e.Sequence, e.Data))
}
