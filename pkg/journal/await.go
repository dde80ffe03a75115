package journal

import (
	"context"
	"sync"
	"time"

	"countersign.example/pkg/pg"
)

const (
	lookTimeout = 5 * time.Second        // for the one look that all who wait share
	readAgain   = 250 * time.Millisecond // after the stream could not be read
)

// Await waits until reached returns true for the stream, and reports whether it did before ctx ended. It
// calls reached at first and whenever the stream has changed. With it a page waits for its own write to come
// back: an event that was received and the read model that follows from it are one transaction.
//
// Await is notified by what is to be pushed to open pages. So the journal is a Live one, and for the commits
// of other processes somebody in this process listens to UnpushedChannel, as the pusher does. It does not
// poll, holds no connection while it waits, and reads nothing for commits to other streams.
func (j *Journal) Await(ctx context.Context, stream string, reached func(Stream) bool) bool {
	w := &wait{changed: make(chan struct{}, 1)}
	j.join(stream, w)
	defer j.leave(stream, w)
	for {
		s, err := j.Read(ctx, stream)
		if err == nil && reached(s) {
			return true
		}
		var again <-chan time.Time
		if err != nil {
			again = time.After(readAgain)
		}
		j.waits.mu.Lock()
		w.seen = revision{s.Version, s.Log}
		j.waits.mu.Unlock()
		select {
		case <-w.changed:
		case <-again:
		case <-ctx.Done():
			return false
		}
	}
}

// waits are the callers of Await.
type waits struct {
	mu       sync.Mutex
	byStream map[string]map[*wait]struct{}
	stop     func() // ends the notifications of the database; nil while nobody waits
	looking  bool   // a look at all awaited streams is under way
	again    bool   // there was news since it began: look once more
}

// wait is one caller of Await.
type wait struct {
	changed chan struct{}
	seen    revision
}

func (w *wait) notify() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// revision changes with every append and confirmation.
type revision struct{ version, log int64 }

func (j *Journal) join(stream string, w *wait) {
	j.waits.mu.Lock()
	defer j.waits.mu.Unlock()
	if j.waits.stop == nil {
		j.waits.byStream = map[string]map[*wait]struct{}{}
		j.waits.stop = j.db.OnNotify(UnpushedChannel, j.notified)
	}
	if j.waits.byStream[stream] == nil {
		j.waits.byStream[stream] = map[*wait]struct{}{}
	}
	j.waits.byStream[stream][w] = struct{}{}
}

func (j *Journal) leave(stream string, w *wait) {
	j.waits.mu.Lock()
	defer j.waits.mu.Unlock()
	delete(j.waits.byStream[stream], w)
	if len(j.waits.byStream[stream]) == 0 {
		delete(j.waits.byStream, stream)
	}
	if len(j.waits.byStream) == 0 {
		j.waits.stop()
		j.waits.stop = nil
	}
}

// notified notifies the callers whose streams have changed. If the streams are not named, one query finds
// them.
func (j *Journal) notified(streams []string) {
	j.waits.mu.Lock()
	defer j.waits.mu.Unlock()
	for _, stream := range streams {
		for w := range j.waits.byStream[stream] {
			w.notify()
		}
	}
	if len(streams) > 0 {
		return
	}
	j.waits.again = true
	if !j.waits.looking {
		j.waits.looking = true
		go j.look()
	}
}

// look finds the streams that have changed, until no notification is left.
func (j *Journal) look() {
	for {
		j.waits.mu.Lock()
		awaited := make([]string, 0, len(j.waits.byStream))
		for stream := range j.waits.byStream {
			awaited = append(awaited, stream)
		}
		if !j.waits.again || len(awaited) == 0 {
			j.waits.looking, j.waits.again = false, false
			j.waits.mu.Unlock()
			return
		}
		j.waits.again = false
		j.waits.mu.Unlock()

		now, err := j.revisions(awaited)
		j.waits.mu.Lock()
		for _, stream := range awaited {
			for w := range j.waits.byStream[stream] {
				if err != nil || now[stream] != w.seen {
					w.notify()
				}
			}
		}
		j.waits.mu.Unlock()
	}
}

// revisions costs a row for each stream, while reading a stream costs all of it.
func (j *Journal) revisions(streams []string) (map[string]revision, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	found := make(map[string]revision, len(streams))
	var stream string
	var r revision
	err := pg.ForEach(ctx, j.db.Pool(), []any{&stream, &r.version, &r.log}, func() { found[stream] = r },
		"select stream, version, log from streams where stream = any($1)", streams)
	return found, err
}
