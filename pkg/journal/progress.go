package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Progress is how far something is that takes long.
type Progress struct {
	Done, Of int64   // events
	Rate     float64 // events a second, lately; 0 if not known
}

// left is about how long it still takes; 0 if not known.
func (p Progress) left() time.Duration {
	if p.Rate <= 0 {
		return 0
	}
	return time.Duration(float64(max(0, p.Of-p.Done)) / p.Rate * float64(time.Second))
}

// String is "43%, 21,000 events/s, about 2 min left".
func (p Progress) String() string {
	percent := int64(100)
	if p.Of > 0 && p.Done < p.Of {
		percent = p.Done * 100 / p.Of
	}
	text := fmt.Sprintf("%d%%", percent)
	if p.Rate <= 0 {
		return text
	}
	text += ", " + p.RateText()
	switch left := p.left(); {
	case p.Done >= p.Of:
		return text
	case left < 10*time.Second:
		return text + ", a few seconds left"
	case left < 90*time.Second:
		return text + fmt.Sprintf(", about %d s left", int64(left.Seconds()+5)/10*10)
	case left < 90*time.Minute:
		return text + fmt.Sprintf(", about %d min left", int64(left.Minutes()+0.5))
	default:
		return text + fmt.Sprintf(", about %d h left", int64(left.Hours()+0.5))
	}
}

// RateText is "21,000 events/s".
func (p Progress) RateText() string { return Thousands(rounded(p.Rate)) + " events/s" }

// rounded keeps two digits: more of a rate would only flicker.
func rounded(rate float64) int64 {
	n, unit := int64(rate+0.5), int64(1)
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}

// Thousands is n with separators.
func Thousands(n int64) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// rateOver is how long back a rate looks.
const rateOver = 10 * time.Second

// meter makes progress of counts, with the rate of the last seconds. The zero value is ready; it may be
// shared.
type meter struct {
	mu      sync.Mutex
	began   time.Time
	samples []sample // the oldest is just older than rateOver, if there is such a one
}

type sample struct {
	at   time.Time
	done int64
}

// note says that of what began then, so much is done now. Another beginning resets it.
func (m *meter) note(began, now time.Time, done, of int64) Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.began.Equal(began) || len(m.samples) == 0 || done < m.samples[len(m.samples)-1].done {
		m.began, m.samples = began, []sample{{at: began}}
	}
	m.samples = append(m.samples, sample{now, done})
	for len(m.samples) > 2 && now.Sub(m.samples[1].at) >= rateOver {
		m.samples = m.samples[1:]
	}
	p := Progress{Done: done, Of: of}
	if first := m.samples[0]; now.Sub(first.at) >= time.Second {
		p.Rate = float64(done-first.done) / now.Sub(first.at).Seconds()
	}
	return p
}

// markCatchingUp has pages refresh once the database has caught up.
const markCatchingUp = "insert into catching_up default values on conflict (only_row) do update set marks = catching_up.marks + 1"

// CatchingUpError says that the read models are still being built from the topics.
type CatchingUpError struct{ Progress }

func (e *CatchingUpError) Error() string { return "catching up: " + e.String() }

// Notice is the text for people.
func (e *CatchingUpError) Notice() string { return "Catching up: " + e.String() + "." }

// CaughtUp is a health check: it returns a *CatchingUpError while the database is catching up, whichever
// process does the work. It returns nil when the database cannot be asked, which another check reports.
func (j *Journal) CaughtUp(ctx context.Context) error {
	if p, behind, err := j.CatchingUp(ctx); err == nil && behind {
		return &CatchingUpError{p}
	}
	return nil
}

// CatchingUp returns how much this database has received of what the topics held when it began, and whether
// something is left.
func (j *Journal) CatchingUp(ctx context.Context) (p Progress, behind bool, err error) {
	var done, of int64
	var began, now time.Time
	err = j.db.Pool().QueryRow(ctx, `select catching_up.began_at, clock_timestamp(),
		coalesce(sum(least(next, target) - first), 0)::bigint, coalesce(sum(target - first), 0)::bigint
		from catching_up left join consumer_positions p on p.began_at >= catching_up.began_at group by catching_up.began_at`).
		Scan(&began, &now, &done, &of)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fmt.Errorf("look how far the copies are: %w", err)
	}
	return j.catchingUp.note(began, now, done, of), true, nil
}
