package readmodel

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// Totals is how a contractor stands.
type Totals struct {
	Waiting  []money.Amount // asked for, not decided
	Accepted []money.Amount // accepted, and on its way to the contractor
	PaidOut  []money.Amount
	Count    map[payment.Decision]int64
}

// The buckets of a total, by what became of the payment. A hold whose release is stuck goes back, and is on
// its way to nobody. What is to be refunded counts as paid out until it has gone back, as its badge says.
const totals = `select decision, currency,
	case when decision = 'requested' then 'waiting'
	     when money = 'captured' then 'paid out'
	     when decision = 'accepted' and stuck <> 'release'
	      and (money in ('', 'authorized') or money = 'declined' and not final) then 'accepted'
	     else '' end as bucket,
	count(*), least(sum(amount_minor), $2)::bigint
	from payment_rows where contractor_id = $1 group by 1, 2, 3 order by 2`

// ReadTotals adds up a contractor's payments.
func ReadTotals(ctx context.Context, db *pg.DB, contractor string) (Totals, error) {
	rows, err := db.Pool().Query(ctx, totals, contractor, int64(math.MaxInt64))
	if err != nil {
		return Totals{}, fmt.Errorf("add up payments: %w", err)
	}
	t := Totals{Count: map[payment.Decision]int64{}}
	var decision payment.Decision
	var currency, bucket string
	var count, sum int64
	_, err = pgx.ForEachRow(rows, []any{&decision, &currency, &bucket, &count, &sum}, func() error {
		t.Count[decision] += count
		amount := money.Amount{Minor: sum, Currency: currency}
		switch bucket {
		case "waiting":
			t.Waiting = append(t.Waiting, amount)
		case "accepted":
			t.Accepted = append(t.Accepted, amount)
		case "paid out":
			t.PaidOut = append(t.PaidOut, amount)
		}
		return nil
	})
	if err != nil {
		return Totals{}, fmt.Errorf("add up payments: %w", err)
	}
	return t, nil
}
