package readmodel_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/contractor-ui/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

var (
	ada = event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}
	mia = event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}
	t0  = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)
)

// fixture is a journal with its read model.
type fixture struct {
	t       *testing.T
	db      *pg.DB
	journal *journal.Journal
	offset  int64
}

func newFixture(t *testing.T) *fixture {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	return &fixture{t: t, db: db, journal: journal.New(db, "/contractor-ui", journal.Live())}
}

func about(id string, by event.Meta, at time.Time, b payment.Body) event.Event {
	e := payment.New(payment.Writer(b.EventType()), id, b)
	e.Meta, e.Time = by, at
	return e
}

func requested(id, description string, minor int64, at time.Time) event.Event {
	return about(id, ada, at, payment.Requested{
		PaymentID: id, ContractorID: ada.Actor, Amount: money.Amount{Minor: minor, Currency: "EUR"},
		Description: description, CaptureMethod: payment.Automatic,
	})
}

// receive records events as the consumer does.
func (d *fixture) receive(events ...event.Event) error {
	d.t.Helper()
	received := make([]journal.Received, len(events))
	for i, e := range events {
		d.offset++
		received[i] = journal.Received{Event: e, Stream: payment.Stream(e.Subject), Topic: payment.Topic, Offset: d.offset}
	}
	return d.db.InTx(d.t.Context(), func(tx *pg.Tx) error {
		streams, _, err := d.journal.Receive(d.t.Context(), tx, received)
		if err != nil {
			return err
		}
		return readmodel.Project(d.t.Context(), tx, streams)
	})
}

func (d *fixture) mustReceive(events ...event.Event) {
	d.t.Helper()
	if err := d.receive(events...); err != nil {
		d.t.Fatal(err)
	}
}

// write appends an event of our own and saves the copy; after may fail the transaction.
func (d *fixture) write(e event.Event, after error) error {
	d.t.Helper()
	return d.db.InTx(d.t.Context(), func(tx *pg.Tx) error {
		id := payment.Stream(e.Subject)
		streams, err := d.journal.Load(d.t.Context(), tx, id)
		if err != nil {
			return err
		}
		s := streams[id]
		if err := d.journal.Append(d.t.Context(), tx, &s, e); err != nil {
			return err
		}
		if err := readmodel.Save(d.t.Context(), tx, s); err != nil {
			return err
		}
		return after
	})
}

// row reads a payment's row, or nil.
func (d *fixture) row(id string) *readmodel.Payment {
	d.t.Helper()
	rows, err := readmodel.Find(d.t.Context(), d.db, id)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(rows) == 0 {
		return nil
	}
	return &rows[0]
}

// agrees checks that a row is the fold of its stream.
func (d *fixture) agrees(id string) {
	d.t.Helper()
	s, err := d.journal.Read(d.t.Context(), payment.Stream(id))
	if err != nil {
		d.t.Fatal(err)
	}
	want, p, ok := paymentview.RowOf(s)
	row := d.row(id)
	if !ok {
		if row != nil {
			d.t.Errorf("a row for a payment that nobody requested: %+v", row)
		}
		return
	}
	if row == nil {
		d.t.Fatalf("no row of %s", id)
	}
	got := row.Row
	got.RequestedAt, got.UpdatedAt = got.RequestedAt.UTC(), got.UpdatedAt.UTC()
	if got.DecidedAt != nil {
		at := got.DecidedAt.UTC()
		got.DecidedAt = &at
	}
	if !reflect.DeepEqual(got, want) {
		d.t.Errorf("the table has\n%+v, the fold is\n%+v", got, want)
	}
	terms := search.Later(search.Mark(p.ContractorID), p.Description, p.Amount.Decimal(), p.Amount.String())
	if row.Amount() != p.Amount || row.SearchTerms != terms || paymentview.MoneyLabel(row.Payment()) != paymentview.MoneyLabel(p) {
		d.t.Errorf("row %+v\nfold %+v", row, p)
	}
}

func TestCopyEqualsFold(t *testing.T) {
	at := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Minute) }
	amount := money.Amount{Minor: 1099, Currency: "EUR"}
	for name, bodies := range map[string][]payment.Body{
		"asked":               {},
		"rejected":            {payment.Rejected{Reason: "no invoice"}},
		"paid out":            {payment.Accepted{}, payment.Authorized{GatewayReference: "g"}, payment.Captured{Amount: amount, GatewayReference: "c"}},
		"declined, tried":     {payment.Accepted{}, payment.Declined{Code: "later"}},
		"declined for good":   {payment.Accepted{}, payment.Declined{Code: "never", Final: true}},
		"accepted, then more": {payment.Accepted{}, payment.Rejected{Reason: "too late"}, payment.Withdrawn{}},
		"cancelled":           {payment.Cancelled{Reason: "its order died"}},
		"stuck":               {payment.Accepted{}, payment.Authorized{GatewayReference: "g"}, payment.Stuck{Operation: payment.Capture, Reason: "no"}},
	} {
		t.Run(name, func(t *testing.T) {
			d, id := newFixture(t), uuid.NewString()
			d.mustReceive(requested(id, "Tiles", 1099, t0))
			d.agrees(id)
			for i, body := range bodies {
				d.mustReceive(about(id, mia, at(i+1), body))
				d.agrees(id)
			}
		})
	}
}

func TestEventsBeforeTheRequestMakeNoRow(t *testing.T) {
	// given a decision about a payment that nobody has asked for
	d, id := newFixture(t), uuid.NewString()
	d.mustReceive(about(id, mia, t0, payment.Accepted{}))
	if row := d.row(id); row != nil {
		t.Fatalf("a row without a request: %+v", row)
	}
	// when the request is received after all
	d.mustReceive(requested(id, "Tiles", 1099, t0))
	// then the row is there, and waits: the decision had no effect
	d.agrees(id)
	if row := d.row(id); row.Decision != payment.DecisionRequested {
		t.Errorf("decision %q", row.Decision)
	}
}

func TestADecisionRacesItsOwnConfirmation(t *testing.T) {
	// given our own withdrawal, pending, of a payment that the log has
	d, id := newFixture(t), uuid.NewString()
	d.mustReceive(requested(id, "Tiles", 1099, t0))
	withdrawn := about(id, ada, t0.Add(time.Minute), payment.Withdrawn{})
	if err := d.write(withdrawn, nil); err != nil {
		t.Fatal(err)
	}
	d.agrees(id)
	if row := d.row(id); row.Decision != payment.DecisionWithdrawn || !row.Pending {
		t.Fatalf("not withdrawn at once: %+v", row)
	}
	// when a manager's decision comes before it in the log
	d.mustReceive(about(id, mia, t0.Add(2*time.Minute), payment.Accepted{}))
	d.agrees(id)
	d.mustReceive(withdrawn)
	// then the manager's stands
	d.agrees(id)
	if row := d.row(id); row.Decision != payment.DecisionAccepted || row.DecidedByName != "Mia Weber" || row.Pending {
		t.Errorf("the log's order does not rule: %+v", row)
	}
}

func TestRollbackAfterAWriteLeavesNothing(t *testing.T) {
	d, id := newFixture(t), uuid.NewString()
	failure := errors.New("changed my mind")
	if err := d.write(requested(id, "Tiles", 1099, t0), failure); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	var left int
	err := d.db.Pool().QueryRow(context.Background(), `select (select count(*) from payment_rows) + (select count(*) from journal)
		+ (select count(*) from outbox) + (select count(*) from unpushed) + (select count(*) from streams)`).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d rows left, %v", left, err)
	}
}

func TestSupersededOnce(t *testing.T) {
	d, first := newFixture(t), uuid.NewString()
	again := func() event.Event {
		id := uuid.NewString()
		return about(id, ada, t0, payment.Requested{PaymentID: id, ContractorID: ada.Actor, Amount: money.Amount{Minor: 1, Currency: "EUR"},
			Description: "again", Supersedes: first, CaptureMethod: payment.Automatic})
	}
	// given a payment asked for again
	second := again()
	if err := d.write(second, nil); err != nil {
		t.Fatal(err)
	}
	// when it is asked for once more here, then that fails as a whole
	third := again()
	if err := d.write(third, nil); !errors.Is(err, readmodel.ErrSuperseded) {
		t.Errorf("a second one: %v", err)
	}
	if d.row(third.Subject) != nil {
		t.Error("it is there all the same")
	}
	// and when the log has one more, then it is a payment, and the first claim stays
	d.mustReceive(second, third, again())
	d.agrees(third.Subject)
	by, err := readmodel.SupersededBy(t.Context(), d.db.Pool(), first)
	if err != nil || by != second.Subject {
		t.Errorf("superseded by %q, %v", by, err)
	}
}

// Somebody else's event must not take the claim from the contractor, nor stop the consumer.
func TestSupersededByItsContractorOnly(t *testing.T) {
	d, first := newFixture(t), uuid.NewString()
	again := func(contractor, id string, superseded string) event.Event {
		return about(id, event.Meta{Actor: contractor}, t0, payment.Requested{PaymentID: id, ContractorID: contractor,
			Amount: money.Amount{Minor: 1, Currency: "EUR"}, Description: "again", Supersedes: superseded, CaptureMethod: payment.Automatic})
	}
	by := func(id string) string {
		by, err := readmodel.SupersededBy(t.Context(), d.db.Pool(), id)
		if err != nil {
			t.Fatal(err)
		}
		return by
	}
	// given a payment, when another contractor's asks for it again, then it is free still
	forged, ours := uuid.NewString(), uuid.NewString()
	d.mustReceive(requested(first, "first", 1, t0), again("bo-lind", forged, first))
	d.agrees(forged)
	if got := by(first); got != "" {
		t.Errorf("superseded by %s", got)
	}
	if err := d.write(again(ada.Actor, ours, first), nil); err != nil || by(first) != ours {
		t.Errorf("asked for again: %v, superseded by %s", err, by(first))
	}
	// and what comes before the payment that it supersedes keeps its claim
	late, early := uuid.NewString(), uuid.NewString()
	d.mustReceive(again(ada.Actor, early, late))
	d.mustReceive(requested(late, "late", 1, t0))
	if by(late) != early {
		t.Errorf("superseded by %s", by(late))
	}
	// and a log that has one of ours superseding another one stops nothing
	d.mustReceive(again(ada.Actor, ours, late))
	d.mustReceive(again(ada.Actor, ours, uuid.NewString()))
	if by(first) != ours {
		t.Errorf("superseded by %s", by(first))
	}
}

func TestKeysetPages(t *testing.T) {
	// given 60 payments, every third at the same moment as the one before, and another contractor's
	d := newFixture(t)
	var events []event.Event
	for n := range 60 {
		events = append(events, requested(event.NewID().String(), fmt.Sprintf("Item %d", n), int64(n+1), t0.Add(time.Duration(n/3)*time.Second)))
	}
	d.mustReceive(events...)
	jon := uuid.NewString()
	d.mustReceive(about(jon, event.Meta{Actor: "jon-park"}, t0, payment.Requested{PaymentID: jon, ContractorID: "jon-park",
		Amount: money.Amount{Minor: 5, Currency: "EUR"}, Description: "Item of Jon", CaptureMethod: payment.Automatic}))

	// when one reads on to the end and back
	q := readmodel.Query{Contractor: ada.Actor, Tab: string(payment.DecisionRequested)}
	read := func(q readmodel.Query) list.Page[readmodel.Payment] {
		page, err := readmodel.List(t.Context(), d.db, q)
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	first := read(q)
	second := read(readmodel.Query{Contractor: ada.Actor, Query: list.Query{After: first.After}})
	third := read(readmodel.Query{Contractor: ada.Actor, Query: list.Query{After: second.After}})
	back := read(readmodel.Query{Contractor: ada.Actor, Query: list.Query{Before: third.Before}})
	start := read(readmodel.Query{Contractor: ada.Actor, Query: list.Query{Before: back.Before}})

	// then every payment is there once, in the order of its sort key, and the way back is the same
	var keys []string
	for _, page := range []list.Page[readmodel.Payment]{first, second, third} {
		for _, p := range page.Rows {
			keys = append(keys, p.Place(paymentview.Newest).Key+p.ID)
		}
	}
	if len(keys) != 60 {
		t.Fatalf("%d payments", len(keys))
	}
	for i := 1; i < len(keys); i++ {
		if keys[i] >= keys[i-1] {
			t.Errorf("%s is not older than %s", keys[i], keys[i-1])
		}
	}
	if third.After != nil || first.Before != nil {
		t.Error("there is no page beyond the ends")
	}
	if fmt.Sprint(back.Rows) != fmt.Sprint(second.Rows) || fmt.Sprint(start.Rows) != fmt.Sprint(first.Rows) {
		t.Error("the way back shows other pages")
	}
	if start.Before != nil {
		t.Error("the first page has nothing newer")
	}
}

func TestTotals(t *testing.T) {
	d := newFixture(t)
	ids := make([]string, 5)
	for i := range ids {
		ids[i] = uuid.NewString()
		d.mustReceive(requested(ids[i], "x", 100, t0))
	}
	d.mustReceive(about(ids[0], mia, t0, payment.Accepted{}), about(ids[1], mia, t0, payment.Accepted{}),
		about(ids[1], mia, t0, payment.Authorized{GatewayReference: "g"}),
		about(ids[2], mia, t0, payment.Rejected{Reason: "no"}))
	got, err := readmodel.ReadTotals(t.Context(), d.db, ada.Actor)
	if err != nil {
		t.Fatal(err)
	}
	want := "[2.00 EUR] [2.00 EUR] [] 2"
	if text := fmt.Sprint(got.Waiting, got.Accepted, got.PaidOut, got.Waits); text != want {
		t.Errorf("%s, not %s", text, want)
	}
	d.mustReceive(about(ids[1], mia, t0, payment.Captured{Amount: money.Amount{Minor: 100, Currency: "EUR"}, GatewayReference: "c"}))
	if got, err = readmodel.ReadTotals(t.Context(), d.db, ada.Actor); err != nil || fmt.Sprint(got.Accepted, got.PaidOut) != "[1.00 EUR] [1.00 EUR]" {
		t.Errorf("after the capture: %v, %v", got, err)
	}
}

func TestMoneyThatGoesBackIsNotOnItsWay(t *testing.T) {
	d := newFixture(t)
	eur := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }
	// given one payment on hold, one that is being captured, and one that is paid out
	ids := make([]string, 3)
	for i, minor := range []int64{100, 20, 3} {
		ids[i] = uuid.NewString()
		d.mustReceive(requested(ids[i], "x", minor, t0), about(ids[i], mia, t0, payment.Accepted{}),
			about(ids[i], mia, t0, payment.Authorized{GatewayReference: "g"}))
	}
	d.mustReceive(about(ids[2], mia, t0, payment.Captured{Amount: eur(3), GatewayReference: "c"}))
	sums := func() string {
		t.Helper()
		got, err := readmodel.ReadTotals(t.Context(), d.db, ada.Actor)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(got.Accepted, got.PaidOut)
	}
	if got, want := sums(), "[1.20 EUR] [0.03 EUR]"; got != want {
		t.Fatalf("%s, not %s", got, want)
	}

	// when the hold's release, the other one's capture and the refund are stuck
	for i, operation := range []payment.OperationKind{payment.Release, payment.Capture, payment.Refund} {
		d.mustReceive(about(ids[i], mia, t0, payment.Stuck{Operation: operation, Reason: "no"}))
	}
	// then what is to be released is on its way to nobody, and what is to be refunded is still paid out
	if got, want := sums(), "[0.20 EUR] [0.03 EUR]"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	d.mustReceive(about(ids[2], mia, t0, payment.Refunded{GatewayReference: "r"}))
	if got, want := sums(), "[0.20 EUR] []"; got != want {
		t.Errorf("once it is refunded: %s, not %s", got, want)
	}
}
