package orders

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/pg"
)

// restoreBatch is how many orders are read at once.
const restoreBatch = 200

// Restore brings numbers and deadlines to what the journal has in streams, of which those of orders count,
// after a restore from a backup and once the journal has the events again that it lacked. No number of an
// order is given again. It reports what it did.
func (s *Service) Restore(ctx context.Context, tx *pg.Tx, streams []string, report func(string)) error {
	var ids []string
	for _, stream := range streams {
		if id, is := strings.CutPrefix(stream, order.Stream("")); is {
			ids = append(ids, id)
		}
	}
	last := map[string]int64{} // by month
	for chunk := range slices.Chunk(ids, restoreBatch) {
		names := make([]string, len(chunk))
		for i, id := range chunk {
			names[i] = order.Stream(id)
		}
		loaded, err := s.journal.Load(ctx, tx, names...)
		if err != nil {
			return err
		}
		for i, id := range chunk {
			stream := loaded[names[i]]
			o, steps := Fold(stream)
			for _, step := range steps {
				submitted, is := step.Body.(order.Submitted)
				if !is || !step.Effect {
					continue
				}
				if month, n, ok := numberOf(submitted.Number); ok {
					last[month] = max(last[month], n)
				} else {
					report(fmt.Sprintf("left alone: order %s has the number %q, which is none that is given here", id, submitted.Number))
				}
			}
			if o.ID = id; !o.Exists() {
				continue
			}
			if err := s.reschedule(ctx, tx, o); err != nil {
				return err
			}
		}
	}
	for _, month := range slices.Sorted(maps.Keys(last)) {
		var now int64
		err := tx.QueryRow(ctx, `insert into numbers (month, last) values ($1, $2)
			on conflict (month) do update set last = greatest(numbers.last, excluded.last) returning last`, month, last[month]).Scan(&now)
		if err != nil {
			return fmt.Errorf("move the numbers of %s on: %w", month, err)
		}
		report(fmt.Sprintf("the numbers of %s go on after %06d", month, now))
	}
	return nil
}

// maxNumber is far more than a month has orders, and far below the end of the counter: whoever can write to
// the topic cannot use a month up.
const maxNumber = 999_999_999

// numberOf reads what nextNumber gave.
func numberOf(number string) (month string, n int64, ok bool) {
	at := strings.LastIndexByte(number, '/')
	if at < 0 {
		return "", 0, false
	}
	if _, err := time.Parse("2006/01", number[:at]); err != nil {
		return "", 0, false
	}
	n, err := strconv.ParseInt(number[at+1:], 10, 64)
	return number[:at], n, err == nil && n > 0 && n <= maxNumber
}
