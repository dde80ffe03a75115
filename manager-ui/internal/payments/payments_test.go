package payments_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/core"
	"countersign.example/manager-ui/internal/payments"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

var (
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ada  = event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}
	mia  = event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}
	tom  = event.Meta{Actor: "tom-berg", ActorName: "Tom Berg"}
)

// fixture is the service on a database of its own, with a payments-core that answers as a test has it.
type fixture struct {
	*payments.Service
	t       *testing.T
	db      *pg.DB
	journal *journal.Journal
	answer  atomic.Pointer[http.HandlerFunc]
	offset  int64
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, db: pgtest.New(t, journal.Migrations, migrations.Set)}
	f.journal = journal.New(f.db, "/manager-ui", journal.Live())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*f.answer.Load())(w, r) }))
	t.Cleanup(server.Close)
	client, err := core.New(server.URL, "token")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	f.Service = payments.New(f.db, f.journal, client, func() time.Time { return noon })
	return f
}

// answers has payments-core answer so from now on.
func (f *fixture) answers(answer http.HandlerFunc) { f.answer.Store(&answer) }

// as is the context of a request of somebody's.
func (f *fixture) as(person event.Meta) context.Context { return event.WithMeta(f.t.Context(), person) }

// requested records Ada's request of a payment, and what else is given, as the consumer does. It returns the
// payment's id.
func (f *fixture) requested(bodies ...payment.Body) string {
	f.t.Helper()
	id := uuid.NewString()
	request := payment.Requested{
		PaymentID: id, ContractorID: ada.Actor, Amount: money.Amount{Minor: 1250, Currency: "EUR"}, Description: "Tiles",
		CaptureMethod: payment.Manual,
	}
	var received []journal.Received
	for _, body := range append([]payment.Body{request}, bodies...) {
		e := payment.New(payment.Writer(body.EventType()), id, body)
		e.Meta, e.Time = ada, noon
		f.offset++
		received = append(received, journal.Received{Event: e, Stream: payment.Stream(id), Topic: payment.Topic, Offset: f.offset})
	}
	err := f.db.InTx(f.t.Context(), func(tx *pg.Tx) error {
		streams, _, err := f.journal.Receive(f.t.Context(), tx, received)
		if err != nil {
			return err
		}
		return readmodel.Project(f.t.Context(), tx, streams)
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}

// payment reads a payment and checks that its row agrees.
func (f *fixture) payment(id string) readmodel.PaymentHistory {
	f.t.Helper()
	p, err := readmodel.NewHistories(f.db, f.journal).Payment(f.t.Context(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	rows, err := readmodel.Find(f.t.Context(), f.db, id)
	if err != nil || len(rows) != 1 || rows[0].Decision != p.Decision || rows[0].Shown() != p.Shown() {
		f.t.Fatalf("the row %+v, %v of %+v", rows, err, p)
	}
	return p
}

// outbox counts what waits to be published.
func (f *fixture) outbox() (n int) {
	f.t.Helper()
	if err := f.db.Pool().QueryRow(f.t.Context(), "select count(*) from outbox").Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

func TestADecisionIsWrittenOnce(t *testing.T) {
	// given a payment that waits
	f := newFixture(t)
	id := f.requested()
	// when Mia accepts it, and Tom decides as well, in both ways
	if p, err := f.Accept(f.as(mia), id, " Well done ", ""); err != nil || p.ContractorID != ada.Actor {
		t.Fatal(p, err)
	}
	for code, decide := range map[payment.Code]func() error{
		payment.SameVerdict:     func() error { _, err := f.Accept(f.as(tom), id, "", ""); return err },
		payment.OppositeVerdict: func() error { _, err := f.Reject(f.as(tom), id, "too late", ""); return err },
	} {
		var refusal *payment.Refusal
		if err := decide(); !errors.As(err, &refusal) || refusal.Code != code || refusal.ByName != mia.ActorName {
			t.Errorf("%v, not a refusal of the code %s by Mia", err, code)
		}
	}
	// then hers is written, and nothing else
	p := f.payment(id)
	if p.Decision != payment.DecisionAccepted || p.Note != "Well done" || p.Decided.By != mia.Actor || !p.Decided.At.Equal(noon) {
		t.Errorf("%+v", p)
	}
	if n := f.outbox(); n != 1 {
		t.Errorf("%d events to publish", n)
	}
}

func TestNobodyDecidesOnWhatTheyAskedFor(t *testing.T) {
	f := newFixture(t)
	f.answers(func(http.ResponseWriter, *http.Request) { t.Error("payments-core is asked") })
	waiting, held := f.requested(), f.requested()
	for name, command := range map[string]func(context.Context) error{
		"accept":  func(ctx context.Context) error { _, err := f.Accept(ctx, waiting, "", ""); return err },
		"reject":  func(ctx context.Context) error { _, err := f.Reject(ctx, waiting, "no", ""); return err },
		"reopen":  func(ctx context.Context) error { _, err := f.Reopen(ctx, waiting, uuid.NewString()); return err },
		"capture": func(ctx context.Context) error { return f.Capture(ctx, held, uuid.NewString(), "") },
		"release": func(ctx context.Context) error { return f.Release(ctx, held, uuid.NewString(), "", "") },
	} {
		var refusal *payment.Refusal
		if err := command(f.as(ada)); !errors.As(err, &refusal) || refusal.Code != payment.NotAllowed {
			t.Errorf("Ada may %s: %v", name, err)
		}
	}
	if n := f.outbox(); n != 0 {
		t.Errorf("%d events to publish", n)
	}
}

func TestARefusalWritesNothing(t *testing.T) {
	f := newFixture(t)
	id := f.requested()
	var refusal *payment.Refusal
	if _, err := f.Reject(f.as(mia), id, " ", ""); !errors.As(err, &refusal) || refusal.Code != payment.Invalid || refusal.Field != "reason" {
		t.Error(err)
	}
	if _, err := f.Accept(f.as(mia), uuid.NewString(), "", ""); !errors.As(err, &refusal) || refusal.Code != payment.NotRequested {
		t.Error(err)
	}
	if err := f.Capture(f.as(mia), uuid.NewString(), "key", ""); !errors.Is(err, payments.ErrNoPayment) {
		t.Error(err) // payments-core is not asked: it would panic
	}
	if p, n := f.payment(id), f.outbox(); p.Decision != payment.DecisionRequested || n != 0 {
		t.Errorf("%+v, and %d events to publish", p, n)
	}
}

func TestWhatPaymentsCoreHasAcceptedIsPending(t *testing.T) {
	// given money on hold
	f := newFixture(t)
	id := f.requested(payment.Accepted{}, payment.Authorized{GatewayReference: "g"})
	// when payments-core is away, then nothing is pending
	f.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if err := f.Release(f.as(mia), id, "key", "moved", ""); !errors.Is(err, api.ErrUnknown) {
		t.Error(err)
	}
	if p := f.payment(id); p.Command != nil {
		t.Errorf("%+v", p.Command)
	}
	// and when it accepts a release, twice with one key, then Mia's is
	var keys []string
	f.answers(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `{"payment_id":%q}`, id)
	})
	for _, person := range []event.Meta{mia, tom} {
		if err := f.Release(f.as(person), id, "key", "moved", ""); err != nil {
			t.Fatal(err)
		}
	}
	p := f.payment(id)
	if p.Command == nil || p.Command.Operation != payment.Release || p.Command.ByName != mia.ActorName || !p.Command.At.Equal(noon) {
		t.Errorf("%+v", p.Command)
	}
	if strings.Join(keys, " ") != "release:key release:key" {
		t.Errorf("the keys %v", keys)
	}
}
