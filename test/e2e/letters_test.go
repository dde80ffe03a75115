package e2e

import (
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/payments-core/payment"
	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

const operator = "Omar Reyes · operator"

// sendNoEvent sends all services a message that is no event.
func sendNoEvent(t *testing.T, sys *testsystem.System) {
	t.Helper()
	w := &kafkago.Writer{Addr: kafkago.TCP(strings.Split(sys.Parts.Brokers, ",")...), RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond}
	require.NoError(t, w.WriteMessages(t.Context(), kafkago.Message{Topic: payment.Topic, Key: []byte("nobody"), Value: []byte{0, 1, 0xfe}}))
	require.NoError(t, w.Close())
}

func TestAnOperatorLooksAfterDeadLettersAndOperations(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, testsystem.Unlimited...)
	b := browser.New(t)

	// Given manager-ui, which cannot record a payment, and a message that is no event for all.
	sys.Break(t, testsystem.Manager, `create function fails() returns trigger language plpgsql as $$ begin raise exception 'cannot stand <b>this</b>'; end $$;
		create trigger fails before insert on payment_rows for each row execute function fails()`)
	sendNoEvent(t, sys)
	request(sys, b.Tab(t, sys.URL(testsystem.Contractor)), "1250.19", "Kitchen-fitting", "By a manager, after a hold")
	omar := b.Tab(t, sys.URL(testsystem.Manager))
	signIn(omar, operator)
	omar.Eventually(`fetch("/dead-letters").then((answer) => answer.text()).then((text) => text.includes("1 poison, 1 malformed") && text.match(/1 malformed/g).length === 4)`)
	omar.Press("Operations", ".site-nav")
	omar.Press("Dead letters", ".section")
	omar.See("What was done, and by whom")
	isWideEnough(t, omar, "dead letters")

	// When the cause is mended, then a try tells what would happen, and the replay does it.
	sys.Break(t, testsystem.Manager, "drop trigger fails on payment_rows")
	omar.Press("payment_requested")
	omar.See("What waits of its key")
	omar.See("cannot stand <b>this</b>")
	omar.See(`"description": "Kitchen-fitting"`)
	omar.Open(sys.URL(testsystem.Manager) + "/dead-letters?service=manager-ui&kind=poison")
	omar.Press("Try to replay these")
	omar.See("1 would pass, 0 would fail")
	omar.Fill("Reason", "the trigger is gone")
	omar.Press("Replay them")
	omar.See("1 recorded, 0 failed")
	mia := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
	mia.See("Kitchen-fitting")

	// And what is no event is given up with a reason, on record.
	omar.Open(sys.URL(testsystem.Manager) + "/dead-letters?service=contractor-ui&kind=malformed")
	omar.Press("no type")
	omar.See("00 01 fe")
	omar.Press("Discard it")
	omar.See("Say why: it stays on record.")
	omar.Fill("Reason", "nobody knows who sent it")
	omar.Press("Discard it")
	omar.See("1 settled")
	omar.Press("What was done")
	omar.See("the trigger is gone")
	omar.See("nobody knows who sent it")
	isWideEnough(t, omar, "what was done")

	// When the gateway refuses a release for good, then it is asked again, and settled, with a reason.
	mia.Press("Accept")
	mia.See("Accepted", "#flashes")
	mia.Press("Accepted", ".tabs")
	mia.Press("Kitchen-fitting")
	mia.Press("Release")
	mia.See("release is stuck")
	omar.Press("Gateway", ".section")
	omar.See("Stuck", "tbody")
	isWideEnough(t, omar, "operations")
	omar.Press("Release the hold")
	omar.See("Not by itself: an operator decides")
	looksRight(t, omar, "a stuck operation")
	omar.Fill("Reason", "the bank has opened it")
	omar.Press("Ask again")
	omar.See("The gateway is asked again")
	omar.Eventually(`fetch("/operations?tab=stuck").then((answer) => answer.text()).then((text) => text.includes("Release the hold"))`)
	omar.Open(sys.URL(testsystem.Manager) + "/operations?tab=stuck")
	omar.Press("Release the hold")
	omar.See("the bank has opened it")
	omar.Fill("How it came out", "It was done")
	browser.Eval[bool](omar, `Boolean(document.querySelector("#because").value = "the hold has lapsed")`)
	omar.Press("Settle")
	omar.See("It is settled")
	omar.See("the hold has lapsed")
	mia.See("released by Omar Reyes")
}
