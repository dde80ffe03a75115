package readmodel_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/search"
)

var (
	ada = event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}
	mia = event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}
)

func written(id string, by event.Meta, b payment.Body, minute int) event.Event {
	e := payment.New(payment.Writer(b.EventType()), id, b)
	e.Meta, e.Time = by, time.Date(2026, 11, 23, 12, minute, 0, 123456789, time.UTC) // finer than the database keeps
	return e
}

// copyOf runs do in a transaction with the journal, and returns the row that it leaves.
func copyOf(t *testing.T, db *pg.DB, id string, do func(tx *pg.Tx) error) readmodel.Payment {
	t.Helper()
	if err := db.InTx(t.Context(), do); err != nil {
		t.Fatal(err)
	}
	rows, err := readmodel.Find(t.Context(), db, id)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows[0]
}

// Whatever happened to the payment, the table gives back what its fold says.
func TestProjectionEqualsFold(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	j := journal.New(db, "/manager-ui")
	id, before := uuid.NewString(), uuid.NewString()
	price := money.Amount{Minor: 125000, Currency: "EUR"}
	events := []event.Event{
		written(id, mia, payment.Accepted{}, 0), // before its request: without effect
		written(id, ada, payment.Requested{PaymentID: id, ContractorID: ada.Actor, Amount: price, Description: "Kitchen ’ \\ \"x\"",
			OrderID: uuid.NewString(), Supersedes: before, CaptureMethod: payment.Manual}, 1),
		written(id, mia, payment.Accepted{Note: "fine"}, 2),
		written(id, ada, payment.Withdrawn{}, 3), // too late
		written(id, event.Meta{}, payment.Declined{Code: "later", Final: false}, 4),
		written(id, event.Meta{}, payment.Authorized{GatewayReference: "g1"}, 5),
		written(id, event.Meta{}, payment.Stuck{Operation: payment.Capture, Reason: "no"}, 6),
		written(id, mia, payment.Captured{Amount: price, GatewayReference: "g2"}, 7),
	}
	for i, e := range events {
		var stream journal.Stream
		received := journal.Received{Event: e, Stream: payment.Stream(id), Topic: payment.Topic, Offset: int64(i)}
		if i == 0 { // nothing to show yet
			if err := db.InTx(t.Context(), func(tx *pg.Tx) error {
				changed, _, err := j.Receive(t.Context(), tx, []journal.Received{received})
				if err != nil {
					return err
				}
				return readmodel.Project(t.Context(), tx, changed)
			}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		projected := copyOf(t, db, id, func(tx *pg.Tx) error {
			changed, _, err := j.Receive(t.Context(), tx, []journal.Received{received})
			if err != nil {
				return err
			}
			stream = changed[0]
			return readmodel.Project(t.Context(), tx, changed)
		})
		row, p, _ := paymentview.RowOf(stream)
		if got := kept(projected.Row); !reflect.DeepEqual(got, row) {
			t.Errorf("after %s the table has\n%+v, the fold is\n%+v", e.Type, got, row)
		}
		if want := search.Later("", "Ada Nowak", p.Description, "1250.00", "1,250.00 EUR"); projected.Amount() != price || projected.SearchTerms != want {
			t.Errorf("after %s: %s, found by %q, not %q", e.Type, projected.Amount(), projected.SearchTerms, want)
		}
	}
}

// kept is a row that was read, with its times as the fold has them.
func kept(r paymentview.Row) paymentview.Row {
	r.RequestedAt, r.UpdatedAt = r.RequestedAt.UTC(), r.UpdatedAt.UTC()
	if r.DecidedAt != nil {
		at := r.DecidedAt.UTC()
		r.DecidedAt = &at
	}
	return r
}

// What asks again shows on the payment that it is about, whichever of the two is received first, and has its
// pages pushed.
func TestAPaymentThatIsAskedForAgainShowsIt(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	j := journal.New(db, "/manager-ui", journal.Live())
	price := money.Amount{Minor: 125000, Currency: "EUR"}
	receive := func(e event.Event) {
		t.Helper()
		if err := db.InTx(t.Context(), func(tx *pg.Tx) error {
			changed, _, err := j.Receive(t.Context(), tx, []journal.Received{{Event: e, Stream: payment.Stream(e.Subject), Topic: payment.Topic}})
			if err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), "delete from unpushed"); err != nil { // leaves what comes after
				return err
			}
			return readmodel.Project(t.Context(), tx, changed)
		}); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(id, before string, by event.Meta, minute int) event.Event {
		return written(id, by, payment.Requested{PaymentID: id, ContractorID: by.Actor, Amount: price, Description: "Kitchen",
			Supersedes: before, CaptureMethod: payment.Manual}, minute)
	}
	jon := event.Meta{Actor: "jon-park", ActorName: "Jon Park"}
	for name, order := range map[string][]int{"the old one first": {0, 1, 2, 3}, "the new one first": {2, 1, 0, 3}} {
		old, forged, again, twice := uuid.NewString(), uuid.NewString(), uuid.NewString(), uuid.NewString()
		events := []event.Event{ask(old, "", ada, 1), ask(forged, old, jon, 2), ask(again, old, ada, 3), ask(twice, old, ada, 4)}
		for _, i := range order {
			receive(events[i])
			if events[i].Subject == again {
				var pushed string
				if err := db.Pool().QueryRow(t.Context(), "select stream from unpushed").Scan(&pushed); err != nil || pushed != payment.Stream(old) {
					t.Errorf("%s: pushed again: %q, %v", name, pushed, err)
				}
			}
		}
		rows, err := readmodel.Find(t.Context(), db, old)
		if err != nil || len(rows) != 1 || rows[0].Shown() != rows[0].Revision+1 {
			t.Fatalf("%s: %+v, %v", name, rows, err)
		}
		if by, err := readmodel.SupersededBy(t.Context(), db, old); err != nil || by != again {
			t.Errorf("%s: superseded by %q, %v", name, by, err)
		}
	}
}

// Our own decision is overtaken in the log: the read model follows the log, in the order it comes.
func TestOutOfOrderConfirmation(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	j := journal.New(db, "/manager-ui")
	id := uuid.NewString()
	var offset int64
	receive := func(e event.Event) readmodel.Payment {
		offset++
		return copyOf(t, db, id, func(tx *pg.Tx) error {
			changed, _, err := j.Receive(t.Context(), tx, []journal.Received{{Event: e, Stream: payment.Stream(id), Topic: payment.Topic, Offset: offset}})
			if err != nil {
				return err
			}
			return readmodel.Project(t.Context(), tx, changed)
		})
	}
	receive(written(id, ada, payment.Requested{PaymentID: id, ContractorID: ada.Actor, Amount: money.Amount{Minor: 1, Currency: "JPY"},
		Description: "Tea", CaptureMethod: payment.Automatic}, 0))

	// given a decision that the log has not confirmed
	var ours event.Event
	pending := copyOf(t, db, id, func(tx *pg.Tx) error {
		streams, err := j.Load(t.Context(), tx, payment.Stream(id))
		if err != nil {
			return err
		}
		stream := streams[payment.Stream(id)]
		if err := j.Append(t.Context(), tx, &stream, written(id, mia, payment.Accepted{}, 2)); err != nil {
			return err
		}
		ours = stream.Records[1].Event
		return readmodel.Project(t.Context(), tx, []journal.Stream{stream})
	})
	if pending.Decision != "accepted" || !pending.Pending || pending.DecidedByName != "Mia Weber" {
		t.Fatalf("pending: %+v", pending)
	}

	// when a withdrawal precedes it in the log
	if row := receive(written(id, ada, payment.Withdrawn{}, 1)); row.Decision != "withdrawn" || row.Pending || row.DecidedByName != "Ada Nowak" {
		t.Errorf("overtaken: %+v", row)
	}
	confirmed := receive(ours)

	// then it stays without effect, and the revision has grown with every change
	if confirmed.Decision != "withdrawn" || confirmed.Pending || confirmed.Revision != 6 {
		t.Errorf("confirmed: %+v", confirmed)
	}
}

// The page must be shown whatever the amounts come to.
func TestTotalsBeyondCounting(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	j := journal.New(db, "/manager-ui")
	var received []journal.Received
	for i := range 2 {
		id := uuid.NewString()
		received = append(received, journal.Received{Stream: payment.Stream(id), Topic: payment.Topic, Offset: int64(i),
			Event: written(id, ada, payment.Requested{PaymentID: id, ContractorID: ada.Actor, Description: "All",
				Amount: money.Amount{Minor: 1, Currency: "EUR"}, CaptureMethod: payment.Manual}, i)})
	}
	if err := db.InTx(t.Context(), func(tx *pg.Tx) error {
		changed, _, err := j.Receive(t.Context(), tx, received)
		if err != nil {
			return err
		}
		if err := readmodel.Project(t.Context(), tx, changed); err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), "update payment_rows set amount = $1", int64(math.MaxInt64)) // as a great many of them
		return err
	}); err != nil {
		t.Fatal(err)
	}

	got, err := readmodel.WaitingTotals(t.Context(), db)
	if err != nil || got.Count != 2 || len(got.Sums) != 1 || got.Sums[0].Minor != math.MaxInt64 {
		t.Errorf("%+v, %v", got, err)
	}
}
