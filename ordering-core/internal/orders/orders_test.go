package orders_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/internal/orders"
	"countersign.example/ordering-core/internal/orders/orderstest"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/ordertest"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

func TestNumbersHaveNeitherGapsNorRepeats(t *testing.T) {
	// given 200 drafts, a moment before the month ends in Berlin (and an hour before it does in London)
	ends := time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC)
	o := orderstest.New(t, ends.Add(-time.Millisecond))
	const many = 200
	drafts := make([]order.Order, many)
	for i := range drafts {
		drafts[i] = o.Ready()
	}

	// when all are submitted at once, while the month ends, and some fail
	var done atomic.Int64
	numbers := make([]string, many)
	var wg sync.WaitGroup
	for i, draft := range drafts {
		wg.Go(func() {
			if i%10 == 0 { // a transaction that is lost after it took its number
				_, err := o.Do(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
					if _, err := o.Submit(ctx, tx, orderstest.Mine(draft.ID), order.Seen{Sequence: draft.Sequence, Total: draft.Total}, time.Time{}); err != nil {
						return order.Order{}, err
					}
					return order.Order{}, errLost
				})
				if !errors.Is(err, errLost) {
					t.Error(err)
				}
			}
			submitted, err := o.Enter(draft)
			if err != nil {
				t.Error(err)
				return
			}
			numbers[i] = submitted.Number
			if done.Add(1) == many/2 {
				o.SetNow(ends)
			}
		})
	}
	wg.Wait()

	// then the numbers of each month are 1, 2, 3 ...
	slices.Sort(numbers)
	next := map[string]int{}
	for _, number := range numbers {
		month := number[:7]
		next[month]++
		if want := fmt.Sprintf("%s/%06d", month, next[month]); number != want {
			t.Fatalf("the number after %d of %s is %s, not %s", next[month]-1, month, number, want)
		}
	}
	if len(next) != 2 || next["2026/10"] < many/2 || next["2026/11"] == 0 {
		t.Errorf("the months have %v", next)
	}
}

var errLost = errors.New("lost")

func TestEventsAreCounted(t *testing.T) {
	o := orderstest.New(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	draft := o.Ready()

	// given two tabs that change one draft at once
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := o.Do(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
				return o.Add(ctx, tx, orderstest.Mine(draft.ID), orderstest.Fence.ID, 1)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()

	// then nothing is lost, and its events are 1, 2, 3 ...
	after, err := o.Get(t.Context(), draft.ID)
	if err != nil || after.Lines[0].Quantity != 22 || after.Sequence != 23 {
		t.Fatalf("afterwards it is %+v, %v", after, err)
	}
	stream, err := o.Journal.Read(t.Context(), order.Stream(draft.ID))
	if err != nil {
		t.Fatal(err)
	}
	for i, record := range stream.Records {
		if record.Sequence != int64(i+1) {
			t.Errorf("event %d has the sequence %d", i+1, record.Sequence)
		}
	}
}

func TestANumberThatWaitsToBeRecordedIsNotGivenAgain(t *testing.T) {
	// given an order that was submitted, and whose event waits as a dead letter
	o := orderstest.New(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	waiting := ordertest.Submitted(uuid.NewString(), money.Amount{Minor: 25_00, Currency: "EUR"}).Events() // 2026/11/000042

	// when what it has used up is reserved
	if err := o.DB.InTx(t.Context(), func(tx *pg.Tx) error {
		return o.Reserve(t.Context(), tx, waiting, func(string) {})
	}); err != nil {
		t.Fatal(err)
	}

	// then the next number is another
	if submitted, err := o.Enter(o.Ready()); err != nil || submitted.Number != "2026/11/000043" {
		t.Errorf("submitted as %q, %v", submitted.Number, err)
	}
}

func TestASubmitThatIsRefusedTakesNoNumber(t *testing.T) {
	o := orderstest.New(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	draft := o.Ready()

	// given a price that has changed since the person looked
	dearer := orderstest.Fence
	dearer.Price.Minor = 13_00
	o.SetProduct(dearer)

	// when they submit what they saw, in a transaction that commits with the refusal
	var refusal *order.Refusal
	o.Must(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
		_, err := o.Submit(ctx, tx, orderstest.Mine(draft.ID), order.Seen{Sequence: draft.Sequence, Total: draft.Total}, time.Time{})
		if !errors.As(err, &refusal) || refusal.Code != order.TotalDiffers {
			t.Errorf("submitted with %v", err)
		}
		return draft, nil
	})

	// then the next number is the first
	submitted, err := o.Do(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
		return o.Submit(ctx, tx, orderstest.Mine(draft.ID), order.Seen{Sequence: draft.Sequence, Total: money.Amount{Minor: 26_00, Currency: "EUR"}}, time.Time{})
	})
	if err != nil || submitted.Number != "2026/11/000001" || submitted.Total.Minor != 26_00 {
		t.Errorf("submitted as %q for %s, %v", submitted.Number, submitted.Total, err)
	}
	if want := o.Now().Add(24 * time.Hour); !submitted.ExpiresAt.Equal(want) {
		t.Errorf("it expires at %s, not %s", submitted.ExpiresAt, want)
	}
}

func TestASubmitOfWhatHasChanged(t *testing.T) {
	o := orderstest.New(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	// given a draft that another tab adds to
	draft := o.Ready()
	o.Must(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
		return o.Add(ctx, tx, orderstest.Mine(draft.ID), orderstest.Fence.ID, 1)
	})
	// when the first tab submits
	_, err := o.Enter(draft)
	// then it is told what changed
	var stale *orders.StaleError
	if !errors.As(err, &stale) || stale.Sequence != draft.Sequence+1 || len(stale.Changes) != 1 || stale.Changes[0].Entry.Type != order.TypeItemAdded {
		t.Errorf("submitted with %+v", err)
	}
}

func TestWhoseOrderItIs(t *testing.T) {
	o := orderstest.New(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	draft := o.Ready()
	for name, target := range map[string]orders.Target{
		"another contractor's": {OrderID: draft.ID, Contractor: "ben"},
		"nobody's":             {OrderID: uuid.NewString(), Contractor: orderstest.Contractor},
	} {
		_, err := o.Do(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
			return o.Cancel(ctx, tx, target, order.Seen{}, "", "contractor")
		})
		if !errors.Is(err, orders.ErrNoOrder) {
			t.Errorf("%s: cancelled with %v", name, err)
		}
	}
	for contractor, want := range map[string]error{"ben": orders.ErrNoOrder, orderstest.Contractor: orders.ErrDrafted} {
		_, err := o.Do(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
			return o.Draft(ctx, tx, draft.ID, contractor)
		})
		if !errors.Is(err, want) {
			t.Errorf("an id twice, by %s: %v, not %v", contractor, err, want)
		}
	}
}

func TestWhatCannotBeAdded(t *testing.T) {
	o := orderstest.New(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	draft := o.Ready()
	tests := map[string]struct {
		product  string
		quantity int64
	}{
		"none":              {orderstest.Fence.ID, 0},
		"less than none":    {orderstest.Fence.ID, -1},
		"a billion":         {orderstest.Fence.ID, 1_000_000_000},
		"an archived one":   {orderstest.Gate.ID, 1},
		"one that is not":   {uuid.NewString(), 1},
		"something else":    {"nonsense", 1},
		"more than is sane": {orderstest.Fence.ID, 1_000_001},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := o.Do(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
				return o.Add(ctx, tx, orderstest.Mine(draft.ID), test.product, test.quantity)
			})
			var refusal *order.Refusal
			if !errors.As(err, &refusal) && !errors.Is(err, orders.ErrNoProduct) {
				t.Errorf("added with %v", err)
			}
		})
	}
	if after, err := o.Get(t.Context(), draft.ID); err != nil || after.Sequence != draft.Sequence {
		t.Errorf("afterwards it is at %d, %v", after.Sequence, err)
	}
}

func TestAStaleSubmitIsToldTheLastChangesAndHowManyThereWere(t *testing.T) {
	o := orderstest.New(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	draft := o.Ready()
	for range 25 {
		o.Must(func(ctx context.Context, tx *pg.Tx) (order.Order, error) {
			return o.Add(ctx, tx, orderstest.Mine(draft.ID), orderstest.Fence.ID, 1)
		})
	}
	_, err := o.Enter(draft)
	stale, is := errors.AsType[*orders.StaleError](err)
	if !is || stale.Count != 25 || len(stale.Changes) != 20 || stale.Changes[0].Entry.Sequence != draft.Sequence+6 ||
		stale.Changes[19].Entry.Sequence != stale.Sequence {
		t.Errorf("refused with %v: %+v", err, stale)
	}
}
