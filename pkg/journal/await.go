package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// Await waits until the journal's stream is as reached wants it, which is asked whenever the stream may have changed, and
// reports whether it came to be before ctx ended. So a page waits for its own write to come back: what was heard, and the copy
// that follows from it, are one transaction.
//
// It is woken by the list of what is to be pushed to open pages: the journal is a Live one, and for the commits of
// other processes somebody in this one listens to UnpushedChannel, as the pusher does. It does not poll, and holds no
// connection while it waits.
func (j *Journal) Await(ctx context.Context, stream string, reached func(Stream) bool) bool {
	changed := make(chan struct{}, 1)
	defer j.db.OnNotify(UnpushedChannel, func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	var seen revision
	for {
		now, err := j.revision(ctx, stream)
		if err == nil && (now != seen || now == revision{}) {
			s, err := j.Read(ctx, stream)
			if err == nil && reached(s) {
				return true
			}
			seen = now
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// revision changes with every append and confirmation.
type revision struct{ version, log int64 }

// revision costs one row, while reading the stream costs all of it.
func (j *Journal) revision(ctx context.Context, stream string) (r revision, err error) {
	err = j.db.Pool().QueryRow(ctx, "select version, log from streams where stream = $1", stream).Scan(&r.version, &r.log)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return r, err
}

// Touch has the streams pushed to open pages again, although nothing was written to them: what they show has changed with
// another stream. Their revision on the pages must have grown by itself. Nothing is locked.
func (j *Journal) Touch(ctx context.Context, tx *pg.Tx, streams ...string) error {
	if !j.live || len(streams) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, "insert into unpushed (stream) select distinct unnest($1::text[])", streams); err != nil {
		return fmt.Errorf("have streams pushed again: %w", err)
	}
	j.wakeAfter(tx, false)
	return nil
}
