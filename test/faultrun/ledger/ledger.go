// Package ledger is what simulated people were answered, to be compared with what is on record in the end.
//
// Invariants:
//   - An answer is Done, Refused or Unknown. What is done has its event; what is refused has none; what is
//     unknown happened once or not at all, which sending it again with the same key brings to light.
//   - It keeps a number for each effect, and a form for each command whose outcome is unknown, of which there
//     are about KeptAtMost.
package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign.example/pkg/wait"
)

// Outcome is what became of a command, as far as whoever sent it was told.
type Outcome int

const (
	Unknown Outcome = iota
	Done
	Refused
)

func (o Outcome) String() string { return [...]string{"unknown", "done", "refused"}[o] }

// Effect is what a command writes, if it is done: an event of a type about a subject, by somebody.
type Effect struct{ Subject, Type, Actor string }

// Command is what somebody sends.
type Command struct {
	Kind string // such as "accept"
	Effect
	// Keyed commands are answered the same however often they are sent. Others, such as a decision, are decided
	// again: what was done may then be refused, when somebody has undone it meanwhile.
	Keyed bool
}

// Counts are commands by outcome.
type Counts struct{ Done, Refused, Unknown int }

// KeptAtMost is how many commands of unknown outcome are kept.
const KeptAtMost = 2_000

// expected is how often an effect was done, how often more it may have been, and how often it is on record.
type expected struct{ done, maybe, found int32 }

type kept struct {
	Command
	began  time.Time
	person any
	again  func() Outcome
}

// Ledger may be used by any goroutine.
type Ledger struct {
	mu      sync.Mutex
	effects map[Effect]*expected
	kinds   map[string]*Counts
	open    []kept
	faults  []string
	recent  []answer // the latest that were done
	losses  []loss
}

// loss is when a server lost what it had: what was done, and the answers that it kept by their keys.
type loss struct{ since, until time.Time }

type answer struct {
	at time.Time
	of Effect
}

// recentAtMost is how many answers are kept that may turn out to be lost with a server.
const recentAtMost = 5_000

func New() *Ledger { return &Ledger{effects: map[Effect]*expected{}, kinds: map[string]*Counts{}} }

func (l *Ledger) expect(e Effect) *expected {
	if l.effects[e] == nil {
		l.effects[e] = &expected{}
	}
	return l.effects[e]
}

func (l *Ledger) count(kind string) *Counts {
	if l.kinds[kind] == nil {
		l.kinds[kind] = &Counts{}
	}
	return l.kinds[kind]
}

// Answered notes the answer to a command that was sent when it began, or again after it was Unknown.
func (l *Ledger) Answered(c Command, o Outcome, wasUnknown bool, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered(c, o, wasUnknown, began)
}

func (l *Ledger) answered(c Command, o Outcome, wasUnknown bool, began time.Time) {
	expected, counts := l.expect(c.Effect), l.count(c.Kind)
	// It may have been done before a loss, and refused after it, since it is done: the record was saved, the
	// answer was not.
	for _, lost := range l.losses {
		if c.Keyed && o == Refused && began.Before(lost.until) && time.Now().After(lost.since) {
			expected.maybe++
		}
	}
	switch {
	case o == Done:
		counts.Done++
		expected.done++
		if len(l.recent) >= recentAtMost {
			l.recent = slices.Delete(l.recent, 0, recentAtMost/2)
		}
		l.recent = append(l.recent, answer{time.Now(), c.Effect})
	case o == Refused && wasUnknown && !c.Keyed:
		counts.Refused++
		expected.maybe++
	case o == Refused:
		counts.Refused++
	}
}

// Excuse notes that what was done since then may be lost, and that what was under way may be done and
// refused: a standby took over that lacks it.
func (l *Ledger) Excuse(since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losses = append(l.losses, loss{since, time.Now()})
	l.recent = slices.DeleteFunc(l.recent, func(a answer) bool {
		if a.at.Before(since) {
			return false
		}
		expected := l.expect(a.of)
		expected.done--
		expected.maybe++
		return true
	})
}

// Full says that no more commands of unknown outcome should be kept.
func (l *Ledger) Full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open) >= KeptAtMost
}

// Keep keeps a person's command of unknown outcome, which began then, to be sent again by again after the
// quiet.
func (l *Ledger) Keep(c Command, began time.Time, person any, again func() Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count(c.Kind).Unknown++
	l.open = append(l.open, kept{c, began, person, again})
}

// againAtOnce is how many people send again at once. Each sends one command after the other.
const againAtOnce = 8

// SendAgain sends what is unknown again, twice: it must be answered, and the same both times.
func (l *Ledger) SendAgain(ctx context.Context) (sent int) {
	l.mu.Lock()
	open := map[any][]kept{}
	for _, k := range l.open {
		open[k.person] = append(open[k.person], k)
	}
	sent, l.open = len(l.open), nil
	l.mu.Unlock()
	var sending errgroup.Group
	sending.SetLimit(againAtOnce)
	for _, of := range open {
		sending.Go(func() error { l.sendAgain(ctx, of); return nil })
	}
	_ = sending.Wait() // what goes wrong is in faults
	return sent
}

func (l *Ledger) sendAgain(ctx context.Context, open []kept) {
	for _, k := range open {
		first := k.insist(ctx)
		second := first
		if first != Unknown {
			second = k.insist(ctx)
		}
		l.mu.Lock()
		switch {
		case first == Unknown || second == Unknown:
			l.faults = append(l.faults, fmt.Sprintf("%s of %s is not answered, in quiet", k.Kind, k.Subject))
			l.expect(k.Effect).maybe++
		case first != second:
			l.faults = append(l.faults, fmt.Sprintf("%s of %s: %s, and when sent again %s", k.Kind, k.Subject, first, second))
		}
		l.count(k.Kind).Unknown--
		l.answered(k.Command, first, true, k.began)
		l.mu.Unlock()
	}
}

// insist sends a command until it is answered.
func (k kept) insist(ctx context.Context) (o Outcome) {
	for range 10 {
		if o = k.again(); o != Unknown || !wait.Sleep(ctx, 500*time.Millisecond) {
			break
		}
	}
	return o
}

// Differences are what the record says otherwise. lost is what was done and is not there; doubled is what is
// there more often than it was done; otherwise is what was answered in two ways, or not at all.
type Differences struct{ Lost, Doubled, Otherwise []string }

// Found notes that an effect is on record, once more. What nobody has asked for is not kept.
func (l *Ledger) Found(e Effect) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if expected := l.effects[e]; expected != nil {
		expected.found++
	}
}

// Compare compares the answers with how often each effect was Found.
func (l *Ledger) Compare() (d Differences) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for effect, expected := range l.effects {
		n := expected.found
		words := fmt.Sprintf("%s of %s by %s: done %d times, perhaps %d more, and %d on record", effect.Type, effect.Subject, effect.Actor,
			expected.done, expected.maybe, n)
		switch {
		case n < expected.done:
			d.Lost = append(d.Lost, words)
		case n > expected.done+expected.maybe:
			d.Doubled = append(d.Doubled, words)
		}
	}
	slices.Sort(d.Lost)
	slices.Sort(d.Doubled)
	d.Otherwise = l.faults
	return d
}

// Kinds are the commands by kind and outcome.
func (l *Ledger) Kinds() map[string]Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	kinds := make(map[string]Counts, len(l.kinds))
	for kind, counts := range l.kinds {
		kinds[kind] = *counts
	}
	return kinds
}

// Waiting is how many commands are kept, and of which kinds.
func (l *Ledger) Waiting() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	kinds := map[string]int{}
	for _, k := range l.open {
		kinds[k.Kind]++
	}
	words := make([]string, 0, len(kinds))
	for kind, n := range kinds {
		words = append(words, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
