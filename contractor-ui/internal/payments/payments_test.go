package payments_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/contractor-ui/internal/references"
	"countersign.example/contractor-ui/migrations"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

var (
	noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	ada  = event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}
	jon  = event.Meta{Actor: "jon-park", ActorName: "Jon Park"}
	mia  = event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}
)

// fixture is the service on a database of its own, with events of other services recorded by hand.
type fixture struct {
	*payments.Service
	t       *testing.T
	db      *pg.DB
	journal *journal.Journal
}

func newFixture(t *testing.T) *fixture {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	j := journal.New(db, "/contractor-ui", journal.Live())
	clock := func() time.Time { return noon }
	numbers := references.New(db, func(context.Context) error { return nil }, clock, slog.New(slog.DiscardHandler))
	if err := numbers.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &fixture{payments.New(db, j, numbers, clock), t, db, j}
}

// as is the context of a request of somebody's.
func (f *fixture) as(person event.Meta) context.Context { return event.WithMeta(f.t.Context(), person) }

func wanted(description string) payment.Requested {
	return payment.Requested{
		PaymentID: uuid.NewString(), ContractorID: ada.Actor, Amount: money.Amount{Minor: 1250, Currency: "EUR"}, Description: description,
	}
}

// payment reads a payment and checks that its row agrees.
func (f *fixture) payment(id string) readmodel.PaymentHistory {
	f.t.Helper()
	p, err := readmodel.NewHistories(f.db, f.journal).Payment(f.t.Context(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	rows, err := readmodel.Find(f.t.Context(), f.db, id)
	if err != nil || (len(rows) == 1) != p.Exists() || len(rows) == 1 && (rows[0].Decision != p.Decision || *rows[0].Reference != p.Reference || rows[0].Revision != p.Revision) {
		f.t.Fatalf("the row %+v, %v of %+v", rows, err, p)
	}
	return p
}

// written counts what commands have left: events, and those of them that wait to be published.
func (f *fixture) written() (n [2]int) {
	f.t.Helper()
	err := f.db.Pool().QueryRow(f.t.Context(), "select (select count(*) from journal), (select count(*) from outbox)").Scan(&n[0], &n[1])
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

func (f *fixture) refused(err error, code payment.Code) {
	f.t.Helper()
	var refusal *payment.Refusal
	if !errors.As(err, &refusal) || refusal.Code != code {
		f.t.Errorf("%v, not a refusal of the code %s", err, code)
	}
}

func TestARequestIsWrittenOnce(t *testing.T) {
	// given a form
	f, form := newFixture(t), wanted("  Tiles ")
	// when it is sent twice
	for _, first := range []bool{true, false} {
		if asked, made, err := f.Request(f.as(ada), form); err != nil || made != first || asked.Reference != "P-2026-000001" {
			t.Fatal(asked, made, err)
		}
	}
	// then it is one payment, with one reference and with the text as the domain keeps it
	p := f.payment(form.PaymentID)
	if p.Reference != "P-2026-000001" || p.Decision != payment.DecisionRequested || p.Description != "Tiles" || p.Requested.ByName != ada.ActorName || !p.Requested.At.Equal(noon) {
		t.Errorf("%+v", p)
	}
	// and with something else in it, it names the payment that there is
	form.Description = "Grout"
	var other payments.OtherRequest
	if _, _, err := f.Request(f.as(ada), form); !errors.As(err, &other) || other.Payment.Description != "Tiles" {
		t.Error(err)
	}
	if n := f.written(); n != [2]int{1, 1} {
		t.Errorf("%v events", n)
	}
}

func TestARefusalWritesNothing(t *testing.T) {
	f, theirs := newFixture(t), wanted("Tiles")
	if _, _, err := f.Request(f.as(ada), theirs); err != nil {
		t.Fatal(err)
	}
	before := f.written()

	_, _, err := f.Request(f.as(ada), wanted(" "))
	f.refused(err, payment.Invalid)
	again := wanted("Tiles")
	again.Supersedes = theirs.PaymentID
	_, _, err = f.AskAgain(f.as(ada), again)
	f.refused(err, payment.WrongState)
	again.ContractorID = jon.Actor
	if _, _, err := f.AskAgain(f.as(jon), again); !errors.Is(err, payments.ErrNoPayment) {
		t.Error(err)
	}
	if err := f.Withdraw(f.as(jon), theirs.PaymentID, ""); !errors.Is(err, payments.ErrNoPayment) {
		t.Error(err)
	}
	if after := f.written(); after != before {
		t.Errorf("%v events, not %v", after, before)
	}
}

func TestAskingAgainForWhatWasRejected(t *testing.T) {
	// given a request that Mia has rejected
	f, first := newFixture(t), wanted("Tiles")
	if _, _, err := f.Request(f.as(ada), first); err != nil {
		t.Fatal(err)
	}
	f.receive(payment.Topic, payment.Stream(first.PaymentID), f.own(first.PaymentID), f.event(first.PaymentID, mia, payment.Rejected{Reason: "no"}))
	// when it is asked for again, twice with one form and once with another
	again, late := wanted("Tiles, with an invoice"), wanted("Tiles")
	again.Supersedes, late.Supersedes = first.PaymentID, first.PaymentID
	for _, made := range []bool{true, false} {
		if asked, got, err := f.AskAgain(f.as(ada), again); err != nil || got != made || asked.Reference != "P-2026-000002" {
			t.Fatal(asked, got, err)
		}
	}
	_, _, err := f.AskAgain(f.as(ada), late)
	// then there is one
	f.refused(err, payment.AlreadyAsked)
	if p := f.payment(first.PaymentID); p.SupersededBy != again.PaymentID || f.payment(late.PaymentID).Exists() {
		t.Errorf("superseded by %q", p.SupersededBy)
	}
}

func TestAnOrderIsAskedForOnceAtATime(t *testing.T) {
	// given a submitted order of Ada's
	f, id := newFixture(t), uuid.NewString()
	total := money.Amount{Minor: 2500, Currency: "EUR"}
	line := order.Line{ProductID: uuid.NewString(), SKU: "T-1", Name: "Tiles", Price: total, Quantity: 1, Total: total}
	customer := uuid.NewString()
	var events []event.Event
	for i, body := range []order.Body{
		order.Drafted{OrderID: id, ContractorID: ada.Actor},
		order.ItemAdded{ProductID: line.ProductID, SKU: line.SKU, Name: line.Name, Price: total, Quantity: 1},
		order.CustomerChosen{CustomerID: customer, Name: "Hofmann"},
		order.Submitted{Number: "2026/11/000042", ContractorID: ada.Actor, CustomerID: customer, CustomerName: "Hofmann",
			Lines: []order.Line{line}, Subtotal: total, Total: total, ExpiresAt: noon.Add(time.Hour)},
	} {
		e := order.New("/ordering-core", id, body)
		e.Meta, e.Time, e.Sequence = ada, noon, int64(i+1)
		events = append(events, e)
	}
	f.receive(order.Topic, order.Stream(id), events...)
	// when two forms ask for its payment, the first one twice
	form := payment.Requested{PaymentID: uuid.NewString(), ContractorID: ada.Actor, OrderID: id}
	for _, first := range []bool{true, false} {
		if body, made, err := f.RequestForOrder(f.as(ada), form); err != nil || made != first || made && body.Amount != total {
			t.Fatal(body, made, err)
		}
	}
	other := form
	other.PaymentID = uuid.NewString()
	if _, _, err := f.RequestForOrder(f.as(ada), other); !errors.Is(err, payments.ErrNotEnded) {
		t.Error(err)
	}
	other.ContractorID = jon.Actor
	if _, _, err := f.RequestForOrder(f.as(jon), other); !errors.Is(err, payments.ErrNoOrder) {
		t.Error(err)
	}
	// then there is one payment, of the order's total under its number
	if p := f.payment(form.PaymentID); p.Reference != "P-2026-000001" || p.OrderID != id || p.Amount != total || p.Description != "Order 2026/11/000042" {
		t.Errorf("%+v", p)
	}
	if n := f.written(); n != [2]int{len(events) + 1, 1} {
		t.Errorf("%v events", n)
	}
}

func (f *fixture) event(id string, by event.Meta, body payment.Body) event.Event {
	e := payment.New(payment.Writer(body.EventType()), id, body)
	e.Meta, e.Time = by, noon
	return e
}

// own is what the service itself has written about a payment.
func (f *fixture) own(id string) event.Event {
	f.t.Helper()
	s, err := f.journal.Read(f.t.Context(), payment.Stream(id))
	if err != nil || len(s.Records) == 0 {
		f.t.Fatal(s, err)
	}
	return s.Records[0].Event
}

// receive records events as the consumer does.
func (f *fixture) receive(topic, stream string, events ...event.Event) {
	f.t.Helper()
	received := make([]journal.Received, len(events))
	for i, e := range events {
		received[i] = journal.Received{Event: e, Stream: stream, Topic: topic, Offset: int64(i + 1)}
	}
	err := f.db.InTx(f.t.Context(), func(tx *pg.Tx) error {
		streams, _, err := f.journal.Receive(f.t.Context(), tx, received)
		if err != nil {
			return err
		}
		return errors.Join(readmodel.Project(f.t.Context(), tx, streams), readmodel.ProjectOrders(f.t.Context(), tx, streams))
	})
	if err != nil {
		f.t.Fatal(err)
	}
}
