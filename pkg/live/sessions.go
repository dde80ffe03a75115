package live

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"countersign.example/pkg/wait"
)

const (
	// sessionsPause is the least time between two questions after sessions, so that many that end one after
	// the other make few of them; a socket is closed within it and the time of an answer.
	sessionsPause = 200 * time.Millisecond
	// sessionsRetry is the pause after a question that was not answered.
	sessionsRetry = time.Second
	// sessionsWait bounds one question.
	sessionsWait = 5 * time.Second
)

// Sessions is where it is known which sessions hold; see [Hub.Watch].
type Sessions interface {
	// Ended answers which of the sessions hold no longer.
	Ended(ctx context.Context, sessions []string) ([]string, error)
	// OnEnd calls notify whenever a session may have ended, on whatever replica, until ctx ends. notify does
	// not block.
	OnEnd(ctx context.Context, notify func())
}

// Watch closes sockets whose session has ended, with 1008 (policy violation), until ctx ends: at once when
// OnEnd says so, and otherwise by a check at every heartbeat. One question covers all sockets of this
// replica. If the store does not answer, it is asked again soon, and no socket is closed.
func (h *Hub) Watch(ctx context.Context, sessions Sessions) error {
	ended := make(chan struct{}, 1)
	var parts sync.WaitGroup
	parts.Go(func() { sessions.OnEnd(ctx, func() { wait.Signal(ended) }) })
	parts.Go(func() {
		beat := time.NewTicker(h.beat)
		defer beat.Stop()
		h.watch(ctx, sessions, ended, ended, beat.C, true)
	})
	// A page's request has just read its session; what ended between then and the socket's joining is to be
	// noticed, too.
	parts.Go(func() { h.watch(ctx, sessions, h.joined, ended, nil, false) })
	parts.Wait()
	return ctx.Err()
}

// watch asks after all sockets, or only new ones, whenever there is a reason to, until ctx ends. A question
// that was not answered is a reason to ask after all.
func (h *Hub) watch(ctx context.Context, sessions Sessions, reason <-chan struct{}, askAll chan struct{}, beat <-chan time.Time, all bool) {
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-reason:
		case <-beat:
		}
		pause := sessionsPause
		err := h.closeEnded(ctx, sessions, all)
		if err != nil && ctx.Err() == nil {
			if !failing {
				h.log.WarnContext(ctx, "it cannot be seen whose session has ended: sockets stay open until it can", "error", err)
			}
			pause = sessionsRetry
			wait.Signal(askAll)
		}
		failing = err != nil
		wait.Sleep(ctx, pause)
	}
}

// closeEnded asks after the sessions of all sockets, or of those that joined since it last asked.
func (h *Hub) closeEnded(ctx context.Context, sessions Sessions, all bool) error {
	asked := h.sessionsToAsk(all)
	if len(asked) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sessionsWait)
	defer cancel()
	ended, err := sessions.Ended(ctx, slices.Collect(maps.Keys(asked)))
	if err != nil {
		return err
	}
	for _, name := range ended {
		for _, s := range asked[name] {
			s.close(websocket.ClosePolicyViolation)
		}
	}
	return nil
}

// sessionsToAsk are sockets by their session.
func (h *Hub) sessionsToAsk(all bool) map[string][]*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := map[string][]*socket{}
	for _, sockets := range h.sockets {
		for s := range sockets {
			if s.session != "" && (all || !s.asked) {
				s.asked = true
				asked[s.session] = append(asked[s.session], s)
			}
		}
	}
	return asked
}
