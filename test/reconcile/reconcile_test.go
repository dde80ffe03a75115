// Package reconcile makes each kind of difference that countersign reconcile claims to find, by hand, in a
// whole system, and has it found.
package reconcile

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/deploy/reconcile"
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
	// keep puts an event aside, for undo to put back.
	putBack   = "insert into journal overriding system value select * from kept; drop table kept"
	ofTrigger = "set session_replication_role = replica; "
)

var tamperings = map[string]tampering{
	"an event of a copy is deleted": {
		testsystem.Contractor, "create table kept as select * from journal where type = 'payment_authorized' order by position limit 1; delete from journal where position = (select position from kept)", putBack,
		reconcile.JournalLacks, "has no place in its log"},
	"a core's event is deleted": {
		testsystem.Core, "create table kept as select * from journal where type = 'payment_captured' order by position limit 1; delete from journal where position = (select position from kept)", putBack,
		reconcile.JournalLacks, "has no place in its log"},
	"an event is added": {
		testsystem.Manager, `insert into journal (stream, version, log, event_id, type, source, subject, time, data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data, topic, partition, "offset")
			select stream, 100, log + 100, gen_random_uuid(), type, source, subject, time, data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data, topic, partition, "offset"
			from journal where type = 'payment_accepted' order by position limit 1`, "delete from journal where version = 100",
		reconcile.JournalExceeds, "is not in the topic"},
	"a stream is added that is in no topic": {
		testsystem.Ordering, `insert into journal (stream, version, log, event_id, type, source, subject, time, data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data)
			select 'nothing-1', 1, 1, gen_random_uuid(), type, source, subject, time, data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data
			from journal where type = 'order_drafted' order by position limit 1`, "delete from journal where stream = 'nothing-1'",
		reconcile.JournalExceeds, "belongs to no topic"},
	"an amount is changed": {
		testsystem.Core, `create table kept as select * from journal where type = 'payment_captured' order by position limit 1; update journal set data = jsonb_set(data, '{amount,amount}', '1') where position = (select min(position) from journal where type = 'payment_captured')`, `update journal set data = (select data from kept) where position = (select position from kept); drop table kept`,
		reconcile.JournalDiffers, "is not as payments/"},
}

func TestEachKindOfDifferenceIsFound(t *testing.T) {
	sys := testsystem.New(t, testsystem.Unlimited...)
	t.Log(sys.Seed())
	sys.Settle(t)
	require.Empty(t, sys.Reconcile(t).Differences)

	for _, name := range slices.Sorted(maps.Keys(tamperings)) {
		c := tamperings[name]
		sys.Break(t, c.in, ofTrigger+c.do)
		report := sys.Reconcile(t)
		if report.Count != 1 || report.Differences[0].Kind != c.kind || !strings.Contains(report.Differences[0].String(), c.says) {
			t.Errorf("%s: found are %v", name, report.Differences)
		}
		sys.Break(t, c.in, ofTrigger+c.undo)
	}
}
