package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/payments-core/payment"
	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

const operator = "Omar Reyes · operator"

func TestAnOperatorLooksAfterDeadLettersAndOperations(t *testing.T) {
	sys := testsystem.New(t)
	b := browser.New(t)
	// given manager-ui, which cannot record a payment, and a message that is no event for all
	conn, err := pgx.Connect(t.Context(), sys.Database[testsystem.Manager])
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	change := func(statement string) {
		t.Helper()
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	change(`create function fails() returns trigger language plpgsql as $$ begin raise exception 'cannot stand <b>this</b>'; end $$`)
	change("create trigger fails before insert on payment_rows for each row execute function fails()")
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/payments/new")
	ada.Fill("Amount", "1250.00")
	ada.Fill("Description", "Kitchen-fitting")
	ada.Press("Request payment")
	ada.See("Kitchen-fitting")
	w := &kafkago.Writer{Addr: kafkago.TCP(strings.Split(sys.Parts.Brokers, ",")...), RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond}
	require.NoError(t, w.WriteMessages(t.Context(), kafkago.Message{Topic: payment.Topic, Key: []byte("nobody"), Value: []byte{0, 1, 0xfe}}))
	require.NoError(t, w.Close())
	omar := b.Tab(t, sys.URL(testsystem.Manager))
	signIn(omar, operator)
	omar.Press("Dead letters")
	omar.See("What was done, and by whom")
	all := `document.body.innerText.includes("1 poison, 1 malformed") && document.body.innerText.match(/1 malformed/g).length === 4`
	for until := time.Now().Add(time.Minute); !browser.Eval[bool](omar, all); omar.Reload() {
		require.True(t, time.Now().Before(until), "not all services have set it aside")
	}
	looksRight(t, omar, "dead letters")
	omar.Screenshot("letters")

	// when the cause is mended, then a try tells what would happen, and the replay does it
	change("drop trigger fails on payment_rows")
	omar.Press("payment_requested")
	omar.See("What waits of its key")
	omar.See("cannot stand <b>this</b>")
	looksRight(t, omar, "a dead letter")
	omar.Screenshot("letter")
	omar.Press("Try to replay it")
	omar.See("1 would pass, 0 would fail")
	looksRight(t, omar, "a try")
	omar.Screenshot("letter-task")
	omar.Fill("Reason", "the trigger is gone")
	omar.Press("Replay them")
	omar.See("1 recorded, 0 failed")
	omar.Press("Payments")
	omar.See("Kitchen-fitting")

	// and what is no event is found by the address, and given up with a reason
	omar.Open(sys.URL(testsystem.Manager) + "/dead-letters?service=contractor-ui&kind=malformed")
	omar.See("no type")
	omar.Press("no type")
	omar.See("00 01 fe")
	omar.Fill("Reason", "nobody knows who sent it")
	omar.Press("Discard it")
	omar.See("1 settled")
	omar.Press("What was done")
	omar.See("the trigger is gone")
	omar.See("nobody knows who sent it")
	looksRight(t, omar, "what was done")

	// and what is open at the gateway is looked at
	omar.Press("Operations")
	omar.See("Nothing is open")
	looksRight(t, omar, "operations")
}
