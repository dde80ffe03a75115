package orders

import (
	"context"
	"fmt"
	"time"

	"countersign.example/pkg/pg"
)

// nextNumber takes the month's next number, such as 2026/11/000042. The counter's row stays locked until the
// transaction ends, and a transaction that fails returns its number, so there are neither gaps nor repeats.
// Call it last.
func (s *Service) nextNumber(ctx context.Context, tx *pg.Tx, at time.Time) (string, error) {
	month := at.In(s.rules.Zone).Format("2006/01")
	var n int64
	err := tx.QueryRow(ctx, `insert into numbers (month, last) values ($1, 1)
		on conflict (month) do update set last = numbers.last + 1 returning last`, month).Scan(&n)
	if err != nil {
		return "", fmt.Errorf("take the next number of %s: %w", month, err)
	}
	return fmt.Sprintf("%s/%06d", month, n), nil
}
