package numbers_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/numbers"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// An event that is committed after one with a later position is counted, too.
func TestWhatIsCommittedLateIsCounted(t *testing.T) {
	b := open(t)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	late := request(uuid.NewString(), ada, at, 1000, "EUR")
	held, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- b.db.InTx(t.Context(), func(tx *pg.Tx) error {
			_, _, err := b.journal.Receive(t.Context(), tx, []journal.Received{{Event: late, Stream: payment.Stream(late.Subject), Topic: payment.Topic, Offset: 99}})
			close(held)
			<-goOn
			return err
		})
	}()
	<-held
	for range 3 { // each of which would go on behind what it has seen
		b.receive(request(uuid.NewString(), jon, at, 500, "EUR"))
		b.catchUp()
	}
	close(goOn)
	b.must(<-done)
	b.catchUp()
	if got := b.read(time.UTC, "2026-11-23", "2026-11-23")[12].Money(numbers.Requested, "EUR"); got.N != 4 || got.Minor.Int64() != 2500 {
		t.Errorf("%d of %s are counted", got.N, got.Minor)
	}
	// Once all transactions have ended, those of other databases too, the next look begins behind it.
	var position, last int64
	for until := time.Now().Add(20 * time.Second); ; {
		b.catchUp()
		b.must(b.db.Pool().QueryRow(t.Context(), "select position, (select max(position) from journal) from number_progress").Scan(&position, &last))
		if position == last || time.Now().After(until) {
			break
		}
	}
	if position != last {
		t.Errorf("read up to %d of %d", position, last)
	}
}

// An event of an unknown type is on record, whatever it is about. What comes after it is counted.
func TestAnUnknownEventAboutNoPaymentStopsNothing(t *testing.T) {
	b := open(t)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	odd := request(uuid.NewString(), ada, at, 100, "EUR")
	odd.Type, odd.Subject = "payment_renamed", "no-uuid"
	b.receive(odd, request(uuid.NewString(), ada, at, 1000, "EUR"))
	b.catchUp()
	if got := b.read(time.UTC, "2026-11-23", "2026-11-23")[12].Money(numbers.Requested, "EUR"); got.N != 1 || got.Minor.Int64() != 1000 {
		t.Errorf("%d of %s are counted", got.N, got.Minor)
	}
}

// What is counted twice, by another leader, or again from the beginning comes to the same.
func TestCountingAgainChangesNothing(t *testing.T) {
	b := open(t)
	events := lives(rand.New(rand.NewPCG(1, 2)), 200, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), 20*24*time.Hour)
	b.receive(events[:len(events)/2]...)
	b.catchUp()
	b.receive(events[len(events)/2:]...)
	b.catchUp()
	before := b.sums()
	if _, err := b.db.Pool().Exec(t.Context(), "update number_progress set position = 0, seen = 0"); err != nil {
		t.Fatal(err)
	}
	b.must(b.follower.CatchUp(t.Context(), 2))
	if twice := b.sums(); twice != before {
		t.Errorf("again:\n%s\nbefore:\n%s", twice, before)
	}
	b.must(numbers.Restart(t.Context(), b.db))
	if fresh, err := numbers.Fresh(t.Context(), b.db); err != nil || !fresh.AsOf.IsZero() || fresh.Waits == 0 {
		t.Errorf("while it is counted from the beginning: %+v, %v", fresh, err)
	}
	b.must(b.follower.CatchUp(t.Context(), 3))
	if twice := b.sums(); twice != before {
		t.Errorf("from the beginning:\n%s\nbefore:\n%s", twice, before)
	}
	if fresh, err := numbers.Fresh(t.Context(), b.db); err != nil || fresh.AsOf.IsZero() || fresh.Waits != 0 {
		t.Errorf("then: %+v, %v", fresh, err)
	}
	if err := b.follower.CatchUp(t.Context(), 2); err == nil {
		t.Error("a former leader goes on")
	}
}

// sums are all of both tables.
func (b *books) sums() (all string) {
	b.Helper()
	var line string
	for _, table := range []string{"number_sums", "number_contractor_sums"} {
		b.must(pg.ForEach(b.Context(), b.db.Pool(), []any{&line}, func() { all += line + "\n" }, "select t::text from "+table+" as t order by 1"))
	}
	return all
}

// Sums have no bound.
func TestASumBeyondAnInt64IsRead(t *testing.T) {
	b := open(t)
	_, err := b.db.Pool().Exec(t.Context(), `insert into number_sums values ('hour', '2026-11-23 12:00Z', 'EUR', 'captured', '', 100, 9223372036854775807::numeric * 10)`)
	b.must(err)
	got := b.read(time.UTC, "2026-11-23", "2026-11-23")[12].Money(numbers.Captured, "EUR")
	if want := "92,233,720,368,547,758.07 EUR"; (money.Sum{Minor: new(big.Int).Div(got.Minor, big.NewInt(10)), Currency: "EUR"}).String() != want {
		t.Errorf("got %s", got.Minor)
	}
	if got := (money.Sum{Minor: got.Minor, Currency: "EUR"}).String(); got != "922,337,203,685,477,580.70 EUR" {
		t.Error(got)
	}
}

// The times that decisions took are within a tenth of the true ones.
func TestTimesToDecisionAreRightToATenth(t *testing.T) {
	b := open(t)
	at := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	var events []event.Event
	var took []time.Duration
	for i := range 101 {
		id, d := uuid.NewString(), time.Duration(rand.Int64N(int64(time.Hour)))+time.Duration(i)*time.Second
		took = append(took, d)
		events = append(events, request(id, ada, at.Add(-d), 100, "EUR"), written(id, mia, at, payment.Accepted{}))
	}
	b.receive(events...)
	b.catchUp()
	slices.Sort(took)
	tally := b.read(time.UTC, "2026-11-23", "2026-11-23")[6]
	for share, want := range map[float64]time.Duration{0.5: took[50], 0.95: took[95]} {
		got, n := tally.Decided(share)
		if ratio := got.Seconds() / want.Seconds(); n != 101 || ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%v of %d took %s at most, want %s", share, n, got, want)
		}
	}
}

func TestWhatWaitsIsCountedByItsAge(t *testing.T) {
	b := open(t)
	now := time.Date(2026, 11, 23, 12, 7, 0, 0, time.UTC)
	var events []event.Event
	for _, age := range []time.Duration{time.Minute, 30 * time.Minute, 2 * time.Hour, 30 * time.Hour, 100 * time.Hour, 1000 * time.Hour, 5000 * time.Hour} {
		events = append(events, request(uuid.NewString(), ada, now.Add(-age), 100, "EUR"))
	}
	decided := uuid.NewString()
	events = append(events, request(decided, jon, now.Add(-time.Minute), 100, "EUR"))
	b.receive(events...)
	b.catchUp()
	b.receive(written(decided, mia, now, payment.Accepted{}))
	b.catchUp()
	waits, err := numbers.Waits(t.Context(), b.db, now, "")
	b.must(err)
	var got []int64
	for _, w := range waits {
		got = append(got, w.CountWaiting())
	}
	if fmt.Sprint(got) != "[2 1 0 1 1 0 2]" {
		t.Errorf("got %v", got)
	}
}

func TestContractorsComeByHowMuchTheyAskFor(t *testing.T) {
	b := open(t)
	at := time.Date(2026, 11, 23, 12, 7, 0, 0, time.UTC)
	var events []event.Event
	for i := range 25 {
		who := event.Meta{Actor: fmt.Sprintf("person-%02d", i), ActorName: fmt.Sprintf("Person %d", i)}
		for range i + 1 {
			events = append(events, request(uuid.NewString(), who, at, 100, "EUR"))
		}
	}
	b.receive(events...)
	b.catchUp()
	p := period(time.UTC, "2026-11-01", "2026-11-30")
	all, err := numbers.Contractors(t.Context(), b.db, p.Steps()[0].From, at.AddDate(0, 0, 8), "EUR")
	b.must(err)
	if len(all) != numbers.MostContractors || all[0].Name != "Person 24" || all[0].Count(numbers.Requested) != 25 || all[19].Name != "Person 5" {
		t.Errorf("%d: %+v", len(all), all)
	}
}
