package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// fragmentPause is the least time between two pushes of an audience's badges and totals: they are queries
// over many rows, and nobody reads faster.
const fragmentPause = 250 * time.Millisecond

// pushFragments pushes the badges and totals of the stale audiences whose pause is over. It answers when the
// next one's is.
//
// What is stale stands in live_stale, written in the transaction that takes the rows off the list, and goes
// only if nothing changed since before the rendering. So a crash loses none, and the last change is always
// followed by a push.
func (l *leader) pushFragments(ctx context.Context) (time.Duration, error) {
	stale, err := l.staleAudiences(ctx)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	for audience, at := range l.last {
		if now.Sub(at) >= fragmentPause {
			delete(l.last, audience)
		}
	}
	next := pollPause
	for _, s := range stale {
		if at, early := l.last[s.audience]; early {
			next = min(next, max(0, fragmentPause-now.Sub(at)))
			continue
		}
		switch err := l.pushAudience(ctx, s); {
		case errors.Is(err, errFragments): // stays stale, and holds up no other
			l.log.ErrorContext(ctx, "badges and totals cannot be rendered", "audience", s.audience, "error", err)
			l.last[s.audience] = time.Now().Add(heldFor)
		case err != nil:
			return 0, err
		default:
			l.last[s.audience] = time.Now()
		}
		next = min(next, fragmentPause) // it may have become stale again meanwhile
	}
	return next, nil
}

type staleAudience struct {
	audience string
	marks    int64
}

func (l *leader) staleAudiences(ctx context.Context) ([]staleAudience, error) {
	var stale []staleAudience
	var s staleAudience
	err := pg.ForEach(ctx, l.db.Pool(), []any{&s.audience, &s.marks}, func() { stale = append(stale, s) }, `select audience, marks
		from live_stale where app = $1 and not exists (select from catching_up) order by audience`, l.stream.app) // see catchup
	if err != nil {
		return nil, fmt.Errorf("read the stale audiences: %w", err)
	}
	return stale, nil
}

func (l *leader) pushAudience(ctx context.Context, s staleAudience) error {
	fragments, err := l.fragments(ctx, s.audience)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{} // locks live_stale before live_head, as done does
	batch.Queue("delete from live_stale where app = $1 and audience = $2 and marks = $3", l.stream.app, s.audience, s.marks)
	if len(fragments) > 0 {
		entries := make([]outgoing, len(fragments))
		for i := range fragments {
			entries[i] = outgoing{s.audience, message{Fragment: &fragments[i]}}
		}
		head, err := l.add(ctx, entries)
		if err != nil {
			return err
		}
		l.noteHead(batch, head)
	}
	return l.send(ctx, batch)
}

// errFragments is a failure of the app's own rendering, with Postgres there.
var errFragments = errors.New("render the badges and totals")

func (l *leader) fragments(ctx context.Context, audience string) (fragments []Fragment, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil && ctx.Err() == nil && l.db.Ping(ctx) == nil {
			err = fmt.Errorf("%w: %w", errFragments, err)
		}
	}()
	return l.renderer.Fragments(ctx, audience)
}
