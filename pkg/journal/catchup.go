package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

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
