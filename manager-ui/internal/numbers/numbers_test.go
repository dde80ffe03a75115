package numbers_test

import (
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/numbers"
	"countersign.example/manager-ui/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

var (
	ada = event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}
	jon = event.Meta{Actor: "jon-park", ActorName: "Jon Park"}
	mia = event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}
)

type books struct {
	*testing.T
	db       *pg.DB
	journal  *journal.Journal
	follower *numbers.Follower
	offset   int64
}

func open(t *testing.T) *books {
	t.Helper()
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	j := journal.New(db, "/manager-ui", journal.Live())
	return &books{T: t, db: db, journal: j, follower: numbers.NewFollower(db, j, slog.New(slog.DiscardHandler))}
}

func (b *books) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *books) receive(events ...event.Event) {
	b.Helper()
	received := make([]journal.Received, len(events))
	for i, e := range events {
		b.offset++
		received[i] = journal.Received{Event: e, Stream: payment.Stream(e.Subject), Topic: payment.Topic, Offset: b.offset}
	}
	for some := range slices.Chunk(received, 300) {
		b.must(b.db.InTx(b.Context(), func(tx *pg.Tx) error {
			_, _, err := b.journal.Receive(b.Context(), tx, some)
			return err
		}))
	}
}

func (b *books) catchUp() {
	b.Helper()
	b.must(b.follower.CatchUp(b.Context(), 1))
}

func (b *books) read(zone *time.Location, first, last string) []numbers.Tally {
	b.Helper()
	tallies, err := numbers.Read(b.Context(), b.db, period(zone, first, last).Steps(), "")
	b.must(err)
	return tallies
}

func period(zone *time.Location, first, last string) numbers.Period {
	parse := func(day string) time.Time {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			panic(err)
		}
		return t
	}
	return numbers.Period{First: parse(first), Last: parse(last), Zone: zone}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func written(id string, by event.Meta, at time.Time, b payment.Body) event.Event {
	e := payment.New(payment.Writer(b.EventType()), id, b)
	e.Meta, e.Time = by, at
	return e
}

func request(id string, by event.Meta, at time.Time, minor int64, currency string) event.Event {
	return written(id, by, at, payment.Requested{PaymentID: id, ContractorID: by.Actor, Amount: money.Amount{Minor: minor, Currency: currency},
		Description: "Sand", CaptureMethod: payment.Automatic})
}

// lives are so many payments within a time, each event at any moment of it.
func lives(random *rand.Rand, n int, from time.Time, within time.Duration) (events []event.Event) {
	for range n {
		id, at := uuid.NewString(), from.Add(rand.N(within)).Truncate(time.Microsecond)
		if random.IntN(3) == 0 { // at the end of a quarter of an hour
			at = at.Truncate(15 * time.Minute)
		}
		next := func() time.Time {
			at = at.Add(time.Duration(random.Int64N(int64(90 * time.Hour)))).Truncate(time.Microsecond)
			return at
		}
		by := []event.Meta{ada, jon}[random.IntN(2)]
		price := money.Amount{Minor: 1 + random.Int64N(money.Max), Currency: []string{"EUR", "JPY"}[random.IntN(2)]}
		events = append(events, request(id, by, at, price.Minor, price.Currency))
		switch random.IntN(6) {
		case 0:
		case 1:
			events = append(events, written(id, by, next(), payment.Withdrawn{}))
		case 2:
			events = append(events, written(id, mia, next(), payment.Rejected{Reason: "No"}))
		case 3: // taken back, and then rejected
			accepted := written(id, mia, next(), payment.Accepted{})
			events = append(events, accepted, written(id, mia, next(), payment.Reopened{AcceptanceID: accepted.ID.String()}),
				written(id, mia, next(), payment.Rejected{Reason: "No"}))
		case 4:
			events = append(events, written(id, mia, next(), payment.Accepted{}), written(id, event.Meta{}, next(), payment.Declined{Code: "no_funds"}),
				written(id, event.Meta{}, next(), payment.Cancelled{}))
		case 5:
			events = append(events, written(id, mia, next(), payment.Accepted{}), written(id, event.Meta{}, next(), payment.Declined{Code: "later"}),
				written(id, event.Meta{}, next(), payment.Authorized{GatewayReference: "g"}), written(id, mia, next(), payment.Captured{Amount: price, GatewayReference: "g"}),
				written(id, mia, next(), payment.Refunded{GatewayReference: "g"}))
		}
	}
	return events
}

// counted is what must be counted of events in each step, by a way that knows nothing of sums.
func counted(events []event.Event, same func(time.Time) int, steps int) []map[string]string {
	taken := map[string]bool{}
	for _, e := range events {
		if body, _ := payment.Decode(e.Type, e.Data); body != nil {
			if b, ok := body.(payment.Reopened); ok {
				taken[b.AcceptanceID] = true
			}
		}
	}
	prices, n, sums := map[string]money.Amount{}, make([]map[string]int, steps), make([]map[string]*big.Int, steps)
	for i := range steps {
		n[i], sums[i] = map[string]int{}, map[string]*big.Int{}
	}
	for _, e := range events {
		body, _ := payment.Decode(e.Type, e.Data)
		if b, ok := body.(payment.Requested); ok {
			prices[e.Subject] = b.Amount
		}
		step := same(e.Time)
		if step < 0 || taken[e.ID.String()] || e.Type == payment.TypeReopened || e.Type == payment.TypeAuthorized {
			continue
		}
		price := prices[e.Subject]
		key := e.Type[len("payment_"):] + " " + price.Currency
		n[step][key]++
		if sums[step][key] == nil {
			sums[step][key] = new(big.Int)
		}
		sums[step][key].Add(sums[step][key], big.NewInt(price.Minor))
	}
	out := make([]map[string]string, steps)
	for i := range steps {
		out[i] = map[string]string{}
		for key := range n[i] {
			out[i][key] = fmt.Sprintf("%d of %s", n[i][key], sums[i][key])
		}
	}
	return out
}

// Days, weeks and months are those of the person's zone, also when the clocks are changed.
func TestNumbersAreThoseOfThePersonsDays(t *testing.T) {
	b := open(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Log("seed", seed)
	var events []event.Event
	for _, around := range []string{"2025-12-30", "2026-03-07", "2026-03-28", "2026-04-04", "2026-09-26", "2026-10-24", "2026-10-31"} {
		day, err := time.Parse(time.DateOnly, around)
		b.must(err)
		events = append(events, lives(random, 60, day.Add(-24*time.Hour), 4*24*time.Hour)...)
	}
	b.receive(events...)
	b.catchUp()
	kinds := []string{numbers.Requested, numbers.Accepted, numbers.Rejected, numbers.Withdrawn, numbers.Cancelled, numbers.Declined, numbers.Captured, numbers.Refunded}
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana", "UTC"} {
		z := zone(t, name)
		for _, days := range [][2]string{{"2026-03-29", "2026-03-29"}, {"2026-03-01", "2026-03-31"}, {"2026-10-01", "2026-10-31"}, {"2026-03-08", "2026-04-30"},
			{"2026-02-18", "2026-05-20"}, {"2025-06-15", "2026-12-05"}, {"2025-12-31", "2026-01-01"}} {
			p := period(z, days[0], days[1])
			steps := p.Steps()
			want := counted(events, func(at time.Time) int { return stepOf(p, steps, at) }, len(steps))
			for i, tally := range b.read(z, days[0], days[1]) {
				got := map[string]string{}
				for _, kind := range kinds {
					for _, currency := range []string{"EUR", "JPY"} {
						if s := tally.Money(kind, currency); s.N != 0 {
							got[kind+" "+currency] = fmt.Sprintf("%d of %s", s.N, s.Minor)
						}
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(want[i]) {
					t.Fatalf("%s, %s to %s, %s from %s:\ngot  %v\nwant %v", name, days[0], days[1], p.Unit(), steps[i].Day, got, want[i])
				}
			}
		}
	}
}

// stepOf finds the step of a time by how people write it, and hours by their order.
func stepOf(p numbers.Period, steps []numbers.Step, at time.Time) int {
	day := at.In(p.Zone).Format(time.DateOnly)
	if day < p.First.Format(time.DateOnly) || day > p.Last.Format(time.DateOnly) {
		return -1
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if p.Unit() == numbers.ByHour {
			if !at.Before(steps[i].From) {
				return i
			}
		} else if steps[i].Day.Format(time.DateOnly) <= day {
			return i
		}
	}
	return -1
}

func TestADayHasAsManyHoursAsItsZoneGivesIt(t *testing.T) {
	for _, tc := range []struct {
		zone, day string
		hours     int
	}{
		{"Europe/Berlin", "2026-03-29", 23}, {"Europe/Berlin", "2026-10-25", 25}, {"America/New_York", "2026-03-08", 23}, {"America/New_York", "2026-11-01", 25},
		{"Asia/Kolkata", "2026-03-29", 24}, {"Pacific/Auckland", "2026-04-05", 25}, {"Pacific/Auckland", "2026-09-27", 23}, {"America/Havana", "2026-03-08", 23},
		{"Pacific/Apia", "2026-01-01", 24}, {"Africa/Cairo", "2026-04-24", 23},
	} {
		p := period(zone(t, tc.zone), tc.day, tc.day)
		steps := p.Steps()
		if len(steps) != tc.hours {
			t.Errorf("%s has %d hours in %s, want %d", tc.day, len(steps), tc.zone, tc.hours)
		}
		if at := steps[0].From.Add(-time.Second).In(p.Zone).Format(time.DateOnly); at >= tc.day {
			t.Errorf("%s begins in %s after %s", tc.day, tc.zone, at)
		}
	}
}
