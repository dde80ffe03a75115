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
	"countersign.example/pkg/event"
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
	last := lastNumbers{}
	for chunk := range slices.Chunk(ids, restoreBatch) {
		names := pg.Column(chunk, order.Stream)
		loaded, err := s.journal.Load(ctx, tx, names...)
		if err != nil {
			return err
		}
		for i, id := range chunk {
			stream := loaded[names[i]]
			o, steps := Fold(stream)
			for _, step := range steps {
				submitted, is := step.Body.(order.Submitted)
				if is && step.Effect {
					last.note(id, submitted.Number, report)
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
	return last.moveOn(ctx, tx, report)
}

// Reserve moves numbers on after those that submitted orders have, whose events wait as dead letters.
func (s *Service) Reserve(ctx context.Context, tx *pg.Tx, waiting []event.Event, report func(string)) error {
	last := lastNumbers{}
	for _, e := range waiting {
		if e.Type != order.TypeSubmitted {
			continue
		}
		body, err := order.Decode(e.Type, e.Data)
		if submitted, is := body.(order.Submitted); is && err == nil {
			last.note(e.Subject, submitted.Number, report)
		}
	}
	return last.moveOn(ctx, tx, report)
}

// lastNumbers are the highest numbers that are known to be given, by month.
type lastNumbers map[string]int64

func (l lastNumbers) note(orderID, number string, report func(string)) {
	if month, n, ok := numberOf(number); ok {
		l[month] = max(l[month], n)
	} else {
		report(fmt.Sprintf("left alone: order %s has the number %q, which is none that is given here", orderID, number))
	}
}

func (l lastNumbers) moveOn(ctx context.Context, tx *pg.Tx, report func(string)) error {
	for _, month := range slices.Sorted(maps.Keys(l)) {
		var now int64
		err := tx.QueryRow(ctx, `insert into numbers (month, last) values ($1, $2)
			on conflict (month) do update set last = greatest(numbers.last, excluded.last) returning last`, month, l[month]).Scan(&now)
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
