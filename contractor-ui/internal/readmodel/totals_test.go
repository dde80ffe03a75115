package readmodel_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	list "countersign.example/pkg/readmodel"
)

// counted is how a contractor stands by all that there is.
const counted = `select coalesce(string_agg(part || ' ' || n || ' of ' || total || ' ' || currency, ', ' order by part, currency), '') from (
	select case when decision = 'requested' then 'waiting' when money = 'captured' then 'paid out' else 'accepted' end as part,
		currency, count(*) as n, sum(amount_minor) as total
	from payment_rows where contractor_id = $1 and (decision = 'requested' or money = 'captured' or decision = 'accepted' and stuck <> 'release'
		and (money in ('', 'authorized') or money = 'declined' and not final)) group by 1, 2
	union all select state, '', count(*), 0 from order_rows where contractor_id = $1 and state in ('draft', 'submitted') group by 1) as parts`

const kept = `select coalesce(string_agg(part || ' ' || n || ' of ' || total || ' ' || currency, ', ' order by part, currency), '') from (
	select part, currency, sum(n) as n, sum(minor) as total from sums where owner = $1 group by 1, 2 having sum(n) <> 0) as parts`

// Whatever is written at the same time, the sums are at each moment what a count says.
func TestSumsAreWhatACountSays(t *testing.T) {
	d := newFixture(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	contractors := []event.Meta{ada, {Actor: "jon-park", ActorName: "Jon Park"}}
	var writers, others sync.WaitGroup
	var done atomic.Bool
	for w := range 3 {
		random := rand.New(rand.NewPCG(seed, uint64(w)))
		mine := &fixture{t: t, db: d.db, journal: d.journal, offset: int64(w) * 10_000}
		writers.Go(func() {
			if err := writeAnything(t.Context(), mine, random, contractors); err != nil {
				t.Error(err)
			}
		})
	}
	for range 2 { // two merge, and compare what one moment has
		others.Go(func() {
			for !done.Load() {
				if err := list.MergeFreshSums(t.Context(), d.db); err != nil {
					t.Error(err)
				}
				if wrong, err := list.MendSums(t.Context(), d.db); err != nil || wrong != 0 {
					t.Errorf("%d sums are wrong, %v", wrong, err)
					return
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	others.Wait()
	compare := func(when string) {
		t.Helper()
		for _, c := range contractors {
			var is, should string
			for sql, into := range map[string]*string{kept: &is, counted: &should} {
				if err := d.db.Pool().QueryRow(t.Context(), sql, c.Actor).Scan(into); err != nil {
					t.Fatal(err)
				}
			}
			if is != should || should == "" {
				t.Errorf("%s, the sums of %s are %s; a count says %s", when, c.Actor, is, should)
			}
		}
	}
	compare("in the end")
	if err := list.MergeFreshSums(t.Context(), d.db); err != nil {
		t.Fatal(err)
	}
	compare("once merged")
	var more int
	if err := d.db.Pool().QueryRow(t.Context(), "select count(*) - count(distinct (list, owner, part, currency)) from sums").Scan(&more); err != nil || more != 0 {
		t.Errorf("%d rows of sums are more than needed, %v", more, err)
	}

	// What no trigger has seen is found, and put right.
	if _, err := d.db.Pool().Exec(t.Context(), "delete from sums where owner = $1", ada.Actor); err != nil {
		t.Fatal(err)
	}
	if wrong, err := list.MendSums(t.Context(), d.db); err != nil || wrong == 0 {
		t.Errorf("%d sums are put right, %v", wrong, err)
	}
	compare("once mended")
}

// writeAnything has anything happen to some payments and orders, allowed or not.
func writeAnything(ctx context.Context, d *fixture, random *rand.Rand, contractors []event.Meta) error {
	ids := make([]string, 6)
	for i := range ids {
		ids[i] = uuid.NewString()
	}
	for range 80 {
		i := random.IntN(len(ids))
		by, amount := contractors[i%2], money.Amount{Minor: int64(1 + i), Currency: []string{"EUR", "USD", "JPY"}[i/2]}
		bodies := []payment.Body{
			payment.Requested{PaymentID: ids[i], ContractorID: by.Actor, Amount: amount, Description: "x", CaptureMethod: payment.Automatic},
			payment.Accepted{}, payment.Rejected{Reason: "no"}, payment.Withdrawn{}, payment.Authorized{GatewayReference: "g"},
			payment.Declined{Code: "no", Final: random.IntN(2) == 0}, payment.Captured{Amount: amount, GatewayReference: "c"},
			payment.Released{}, payment.Refunded{GatewayReference: "r"},
			payment.Stuck{Operation: payment.Release, Reason: "no"}, payment.Reopened{},
		}
		var err error
		switch n := random.IntN(2 * len(bodies)); {
		case n < len(bodies):
			err = d.receive(about(ids[i], by, t0, bodies[n]))
		case n == len(bodies): // as a rebuild does where there is no stream
			_, err = d.db.Pool().Exec(ctx, "delete from payment_rows where id = $1", ids[i])
		case n < len(bodies)+4:
			_, err = d.db.Pool().Exec(ctx, `insert into order_rows (id, number, contractor_id, customer_name, lines, total_minor, currency, state, drafted_at, updated_at,
				sequence, revision, words) values ($1, '', $2, '', 0, 0, '', $3, now(), now(), 1, 1, '') on conflict (id) do update set state = excluded.state`,
				ids[i], by.Actor, []string{"draft", "submitted", "paid"}[random.IntN(3)])
		default: // most often what comes next
			err = d.receive(about(ids[i], by, t0, bodies[[]int{0, 1, 4, 6}[n%4]]))
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}
