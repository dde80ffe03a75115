package faults

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/deploy/keys/keyring"
	persons "countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/money"
	"countersign.example/test/testsystem"
)

// acceptance is an event as manager-ui writes it, whoever does.
func acceptance(id, actor, name string) event.Event {
	e := payment.New(payment.Writer(payment.TypeAccepted), id, payment.Accepted{})
	e.ID, e.Time, e.Meta = event.NewID(), time.Now(), event.Meta{Actor: actor, ActorName: name, CorrelationID: uuid.NewString()}
	return e
}

func connect(t *testing.T, sys *testsystem.System, service string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), sys.Database[service])
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func produce(t *testing.T, sys *testsystem.System, messages ...kafkago.Message) {
	t.Helper()
	w := &kafkago.Writer{Addr: kafkago.TCP(strings.Split(sys.Parts.Brokers, ",")...), Balancer: kafkago.Murmur2Balancer{},
		RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond}
	defer func() { _ = w.Close() }()
	require.NoError(t, w.WriteMessages(t.Context(), messages...))
}

// Whoever may write to the topic could once accept a payment as anyone, and have it paid out.
func TestAForgedAcceptancePaysNothingOut(t *testing.T) {
	t.Parallel()
	// given a payment that waits for a manager, and one that a manager has accepted
	sys := newSystem(t)
	p := signInBoth(t, sys)
	waiting, err := p.request(t.Context(), "12.00", "waits")
	require.NoError(t, err)
	accepted, err := p.request(t.Context(), "13.00", "accepted")
	require.NoError(t, err)
	require.NoError(t, p.accept(t.Context(), accepted))
	sys.Settle(t)

	// when somebody with access to Kafka accepts the former in every way, and asks for money with an acceptance
	// of it
	unsigned := kafka.Encode(payment.Topic, acceptance(waiting, "mia-weber", "Mia Weber"))
	stranger := acceptance(waiting, "x", "Tom Berg")
	stranger.Source = "/evil"
	elsewhere := kafkatest.NewKeys(t).Encode(payment.Topic, acceptance(waiting, "mia-weber", "Mia Weber"))
	contractors := kafka.Encode(payment.Topic, acceptance(waiting, "mia-weber", "Mia Weber"))
	require.NoError(t, kafka.Sign(&contractors, sys.Keys.Signer("/contractor-ui")))
	rekeyed := sys.Keys.Encode(payment.Topic, acceptance(accepted, "mia-weber", "Mia Weber"))
	rekeyed.Key = []byte(waiting)
	for i := range rekeyed.Headers {
		if rekeyed.Headers[i].Key == "ce_subject" {
			rekeyed.Headers[i].Value = []byte(waiting)
		}
	}
	invented := uuid.NewString()
	requested := payment.New(payment.Writer(payment.TypeRequested), invented, payment.Requested{PaymentID: invented, ContractorID: "ada-nowak",
		Amount: money.Amount{Minor: 5_000_000_00, Currency: "EUR"}, Description: "invented", CaptureMethod: payment.Automatic})
	requested.ID, requested.Time, requested.Meta = event.NewID(), time.Now(), event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}
	forged := []kafkago.Message{unsigned, kafka.Encode(payment.Topic, stranger), elsewhere, contractors, rekeyed,
		kafka.Encode(payment.Topic, requested), kafka.Encode(payment.Topic, acceptance(invented, "mia-weber", "Mia Weber"))}
	produce(t, sys, forged...)
	allReceived(t, sys, stalledAfter)

	// then every service refuses each of them with words, and nothing waits behind them
	for _, service := range journals {
		list := sys.Run(service, "dead-letters", "list")
		require.Equal(t, len(forged), strings.Count(list, "refused"), "%s: %s", service, list)
		for _, words := range []string{"no signature", "which nobody here knows", "of /contractor-ui, and says that /manager-ui has written it", "were changed"} {
			require.Contains(t, list, words, service)
		}
	}
	rows := func(service, query string, args ...any) (n int) {
		conn := connect(t, sys, service)
		require.NoError(t, conn.QueryRow(t.Context(), query, args...).Scan(&n))
		return n
	}
	require.Zero(t, rows(testsystem.Core, "select count(*) from operations where payment_id = any($1)", []string{waiting, invented}))
	require.Zero(t, rows(testsystem.Gateway, "select count(*) from requests where payment_id = any($1)", []string{waiting, invented}))
	require.Contains(t, sys.Run(testsystem.Core, "reconcile"), "no differences")

	// and what the manager then does about the payment counts, and is proved by its writer's signature in every
	// journal
	require.NoError(t, p.accept(t.Context(), waiting))
	testsystem.Eventually(t, "it is paid out", func() error {
		if rows(testsystem.Gateway, "select count(*) from requests where payment_id = $1 and kind = 'capture' and outcome = 'approved'", waiting) == 0 {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	sys.Settle(t)
	for _, service := range journals {
		require.Zero(t, rows(service, "select count(*) from journal where signature is null"), service)
		require.Positive(t, rows(service, "select count(*) from journal where stream = $1 and type = 'payment_captured'", payment.Stream(waiting)), service)
	}
}

// A key is renewed while people work, as docs/operations.md says.
func TestKeysAreRenewedWhilePeopleWork(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	p := signInBoth(t, sys)
	for _, service := range journals {
		sys.Keys.Renew(service)
		id, err := p.request(t.Context(), "10.00", "after "+service)
		require.NoError(t, err)
		require.NoError(t, p.accept(t.Context(), id))
		sys.Settle(t) // so that everybody has signed before the next key is renewed
	}
	for _, service := range journals {
		var keys, unsigned int
		require.NoError(t, connect(t, sys, service).QueryRow(t.Context(),
			"select count(distinct key_id), count(*) filter (where signature is null) from journal where topic = $1", payment.Topic).Scan(&keys, &unsigned))
		require.Zero(t, unsigned, service)
		require.Equal(t, 5, keys, service) // contractor-ui's new one, both of manager-ui's, both of payments-core's
	}
	sys.CheckInvariants(t)
}

func TestTheTopicsOfTheKeysAreOurs(t *testing.T) {
	require.Equal(t, []string{payment.Topic, order.Topic, catalog.Topic, persons.Topic}, keyring.Topics)
	require.Equal(t, kafkatest.Services, keyring.Services)
}
