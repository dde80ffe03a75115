package inbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

// maxAttempts is how often a message is tried alone before it becomes a dead letter, with pauses between that
// grow from firstPause. They hold up the messages that come after, of all keys: together less than a fifth of
// a second.
const (
	maxAttempts = 3
	firstPause  = 40 * time.Millisecond
)

// recordItems records items. An item whose recording fails, for a reason that is not known to be temporary,
// is found by halving: one bad message among n costs 2 log n transactions. It is tried again, alone, after
// the others are recorded.
func (r *Recorder) recordItems(ctx context.Context, items []item) error {
	suspects := suspects{}
	if err := r.bisect(ctx, items, &suspects); err != nil {
		return err
	}
	for _, k := range suspects.keys {
		if err := r.retryAlone(ctx, suspects.items[k]); err != nil {
			return err
		}
	}
	return nil
}

// suspects are messages that failed, and those behind them: by key, each key's in order.
type suspects struct {
	keys  []quarantinedKey
	items map[quarantinedKey][]item
}

func (s *suspects) add(i item) {
	if s.items == nil {
		s.items = map[quarantinedKey][]item{}
	}
	k := i.key()
	if s.items[k] == nil {
		s.keys = append(s.keys, k)
	}
	s.items[k] = append(s.items[k], i)
}

// bisect records the items whose keys are not suspected. Where that fails it halves them, until single items
// are left: these it adds to the suspects.
func (r *Recorder) bisect(ctx context.Context, items []item, s *suspects) error {
	clear := make([]item, 0, len(items))
	for _, i := range items {
		if s.items[i.key()] != nil {
			s.add(i)
		} else {
			clear = append(clear, i)
		}
	}
	if len(clear) == 0 {
		return nil
	}
	err := r.attempt(ctx, clear)
	switch {
	case err == nil || isRetryable(ctx, err):
		return err
	case len(clear) == 1:
		s.add(clear[0])
		return nil
	}
	half := len(clear) / 2
	if err := r.bisect(ctx, clear[:half], s); err != nil {
		return err
	}
	return r.bisect(ctx, clear[half:], s)
}

// retryAlone tries the first of a key's items alone, a few times. If each attempt fails for a reason that is
// not known to be temporary, the item is poison. Then it goes on with the items behind it.
func (r *Recorder) retryAlone(ctx context.Context, items []item) error {
	first := items[0]
	pause := firstPause
	for attempt := 2; ; attempt++ { // it has failed alone already
		if !wait.Sleep(ctx, pause) {
			return context.Cause(ctx)
		}
		err := r.attempt(ctx, items[:1])
		if err != nil && isRetryable(ctx, err) {
			return err
		}
		if err == nil {
			break
		}
		if pause *= 3; attempt == maxAttempts {
			first = first.deadLetter(Poison, err)
			first.attempts = maxAttempts
			if err := r.attempt(ctx, []item{first}); err != nil {
				return err
			}
			break
		}
	}
	if len(items) == 1 {
		return nil
	}
	return r.recordItems(ctx, items[1:])
}

// permanentError is a failure that trying again does not mend: a panic, or data that cannot be encoded.
type permanentError struct{ error }

func panicked(p any) error {
	stack := slices.Collect(strings.Lines(string(debug.Stack())))
	return permanentError{fmt.Errorf("panic: %v\n%s", p, strings.Join(stack[:min(len(stack), 40)], ""))}
}

// errConcurrent undoes a transaction that lost a race: since its look-up, another replica has quarantined the
// key or kept the message as a dead letter.
var errConcurrent = errors.New("another replica has set aside what this one was about to")

// isRetryable reports whether trying again may help without anybody doing anything. Every other failure is
// taken to lie in the message: better that its key waits than that everything does.
func isRetryable(ctx context.Context, err error) bool {
	if _, ok := errors.AsType[permanentError](err); ok {
		return false
	}
	return ctx.Err() != nil || pg.IsRetryable(err) || errors.Is(err, journal.ErrRaced) || errors.Is(err, errConcurrent)
}
