package order

import (
	"fmt"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

// Seen is how a person saw an order: its version, and what it came to. A program has seen nothing.
type Seen struct {
	Sequence int64        // 0: whatever the version is
	Total    money.Amount // zero: whatever it comes to
}

// Check refuses what somebody wants of an order that is not as they saw it. The rules are asked first: their
// refusals are clearer. current are the products of a draft's lines, by whose prices it is reckoned.
func (o Order) Check(tried string, seen Seen, current map[string]Product) error {
	if seen.Sequence != 0 && seen.Sequence != o.Sequence {
		return staleVersion(tried)
	}
	if seen.Total == (money.Amount{}) || o.State != StateDraft {
		return nil
	}
	quoted, err := Quote(o.Lines, current, o.BasisPoints)
	if err != nil || quoted.Total == seen.Total {
		return err
	}
	return totalDiffers(tried, seen.Total, quoted.Total)
}

func staleVersion(tried string) *Refusal {
	return refused(StaleVersion, tried, "the order has changed since you looked at it")
}

func totalDiffers(tried string, seen, now money.Amount) *Refusal {
	r := refused(TotalDiffers, tried, fmt.Sprintf("the total is %s now, and you saw %s", locale.Amount(now), locale.Amount(seen)))
	r.Seen, r.Now = seen, now
	return r
}
