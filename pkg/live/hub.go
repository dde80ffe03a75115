package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/tracing"
	"countersign.example/pkg/wait"
)

const (
	ringSize  = 4096 // entries kept for replay
	queueSize = 1024 // messages that may wait for one socket before it resets: twice what one push holds
)

// Hub is a replica's end of the app's stream: it reads the stream, remembers its recent past, and serves the
// sockets.
type Hub struct {
	db       *pg.DB
	stream   stream
	log      *slog.Logger
	upgrader websocket.Upgrader
	queue    int           // queueSize, but for tests
	beat     time.Duration // beatEvery, but for tests
	resets   prometheus.Counter
	refused  prometheus.Counter
	serving  sync.WaitGroup
	joined   chan struct{} // a socket has, since Watch last looked

	mu       sync.Mutex
	at       cursor // the newest entry that is in the ring; unknown before the first sync
	ring     *ring
	sockets  map[string]map[*socket]struct{} // by audience
	count    int
	most     int            // sockets; 0 for any number
	mostEach int            // sockets of one session
	sessions map[string]int // how many sockets each has
	healthy  bool
	draining bool
}

// NewHub prepares the hub of app. It needs Run to be of use.
func NewHub(db *pg.DB, client *redis.Client, app string, log *slog.Logger) *Hub {
	h := &Hub{
		db: db, stream: newStream(client, app), log: log, queue: queueSize, beat: beatEvery,
		joined: make(chan struct{}, 1),
		resets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "live_resets_total", Help: "Times a socket was told to fetch its page again.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "live_refused_total", Help: "Sockets that were refused for a limit.",
		}),
		ring: newRing(ringSize, entryID{}), sockets: map[string]map[*socket]struct{}{}, sessions: map[string]int{},
	}
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: writeWait, ReadBufferSize: 512, WriteBufferSize: 4096, WriteBufferPool: &sync.Pool{},
		CheckOrigin: checkOrigin,
	}
	return h
}

// Limit bounds the sockets of a session (or of an audience, for those without one) and of the replica; 0 is
// any number. It is called before the first Serve. A page above it is told to try again later.
func (h *Hub) Limit(ofSession, all int) { h.mostEach, h.most = ofSession, all }

// Cursor is where this replica is in the stream. A page takes it before its query and gives it to
// <live-updates>. It is empty while Redis has not been reached since the start; the socket then resets once
// it has been.
func (h *Hub) Cursor() string { return h.position().String() }

// Healthy reports whether updates come in now. If not, they are late, and a page should say so.
func (h *Hub) Healthy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.healthy
}

// Sockets is how many are open.
func (h *Hub) Sockets() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// Collectors are the hub's metrics, for the registry of the service.
func (h *Hub) Collectors() []prometheus.Collector {
	sockets := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "live_sockets", Help: "Open sockets."},
		func() float64 { return float64(h.Sockets()) })
	healthy := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "live_healthy", Help: "1 while the stream in Redis is read."},
		func() float64 {
			if h.Healthy() {
				return 1
			}
			return 0
		})
	return []prometheus.Collector{h.resets, h.refused, sockets, healthy}
}

func (h *Hub) position() cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

// setHealthy sends every socket the status when updates begin or cease to come in.
func (h *Hub) setHealthy(healthy bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.healthy == healthy {
		return
	}
	h.healthy = healthy
	if healthy {
		h.log.Info("live updates are read", "stream", h.stream.key)
	}
	status := h.status()
	for _, sockets := range h.sockets {
		for s := range sockets {
			h.send(s, status)
		}
	}
}

// status is the heartbeat. The caller holds mu.
func (h *Hub) status() *frame {
	return prepare(message{Cursor: h.at.String(), Late: !h.healthy})
}

// deliver adds entries that follow the ring's last to the ring and to the sockets.
func (h *Hub) deliver(entries []entry) {
	began := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.trace(entries, began)
	h.ring.add(entries...)
	h.fanOut(entries)
	h.at.id = entries[len(entries)-1].id
}

// trace adds to the traces of entries that they were delivered. The caller holds mu.
func (h *Hub) trace(entries []entry, began time.Time) {
	if !tracing.On() {
		return
	}
	for _, e := range entries {
		if n := len(h.sockets[e.audience]); n > 0 && tracing.Recorded(e.trace) {
			tracing.Add(tracing.Delivered(e.trace, n), began)
		}
	}
}

// fanOut queues entries for the sockets of their audience. The caller holds mu.
func (h *Hub) fanOut(entries []entry) {
	for _, e := range entries {
		for s := range h.sockets[e.audience] {
			if s.since.id.before(e.id) {
				h.send(s, e.frame)
			}
		}
	}
}

// restart replaces the ring after a sync. Sockets go on if the new ring has all that came after the old one's
// end, else they reset.
func (h *Hub) restart(newest cursor, floor entryID, entries []entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.at
	h.ring = newRing(ringSize, floor)
	h.ring.add(entries...)
	h.at = newest
	goOn := before.epoch == newest.epoch && !before.id.before(floor)
	if goOn {
		for len(entries) > 0 && !before.id.before(entries[0].id) {
			entries = entries[1:]
		}
		h.fanOut(entries)
		return
	}
	for audience, sockets := range h.sockets {
		for s := range sockets {
			if before.epoch == "" {
				h.replay(s, audience) // it has waited for the first sync
			} else {
				h.reset(s)
			}
		}
	}
}

// join gives a socket what it has missed and everything from now on. It is refused, with a code, while
// draining and above a limit.
func (h *Hub) join(s *socket, audience string) (code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.draining:
		return websocket.CloseServiceRestart
	case h.most > 0 && h.count >= h.most, h.mostEach > 0 && h.sessions[s.owner(audience)] >= h.mostEach:
		h.refused.Inc()
		return websocket.CloseTryAgainLater
	}
	h.sessions[s.owner(audience)]++
	if h.sockets[audience] == nil {
		h.sockets[audience] = map[*socket]struct{}{}
	}
	h.sockets[audience][s] = struct{}{}
	h.count++
	h.replay(s, audience)
	if s.session != "" {
		wait.Signal(h.joined)
	}
	return 0
}

// rejoin moves a socket to another cursor: the page it belongs to has been rendered again, maybe with less
// than the socket has brought already.
func (h *Hub) rejoin(s *socket, audience, since string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.since = parseCursor(since)
	h.send(s, prepare(message{Since: &since, Late: !h.healthy}))
	h.replay(s, audience)
}

// answer tells a socket that the server is there.
func (h *Hub) answer(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.send(s, h.status())
}

// replay queues what came after the socket's cursor, then the current one. Before the first sync there is
// nothing to compare with: the socket waits. The caller holds mu.
func (h *Hub) replay(s *socket, audience string) {
	if h.at.epoch != "" {
		frames, ok := h.ring.after(s.since.id, audience)
		if s.since.epoch != h.at.epoch || !ok || len(frames) > h.queue/2 {
			h.reset(s)
			return
		}
		for _, f := range frames {
			h.send(s, f)
		}
	}
	h.send(s, h.status())
}

// reset has a socket's page fetch itself again. What waits for the socket is of no use then. The caller holds
// mu.
func (h *Hub) reset(s *socket) {
	h.resets.Inc()
	s.since = cursor{}
	s.pending = append(s.pending[:0], prepare(message{Reset: true, Spread: spread(h.count).Milliseconds(), Late: !h.healthy}))
	wait.Signal(s.notified)
}

// Pages that reset fetch themselves again within a span that grows with the crowd: 500 a second for each
// replica, and 20 s at most, which is for as many as it lets in unless SOCKETS says otherwise.
const (
	forEachReset = 2 * time.Millisecond
	leastSpread  = 500 * time.Millisecond
	mostSpread   = 20 * time.Second
)

// spread is the span for so many sockets.
func spread(sockets int) time.Duration {
	return min(max(leastSpread, time.Duration(sockets)*forEachReset), mostSpread)
}

// send queues a frame. A socket that is too slow resets, so that its memory is bounded. The caller holds mu.
func (h *Hub) send(s *socket, f *frame) {
	if len(s.pending) >= h.queue {
		h.reset(s)
		return
	}
	s.pending = append(s.pending, f)
	wait.Signal(s.notified)
}

func (h *Hub) leave(s *socket, audience string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sockets[audience], s)
	if len(h.sockets[audience]) == 0 {
		delete(h.sockets, audience)
	}
	h.count--
	if h.sessions[s.owner(audience)]--; h.sessions[s.owner(audience)] == 0 {
		delete(h.sessions, s.owner(audience))
	}
}

// Close refuses new sockets and closes the open ones with 1012 (service restart), in batches, so that the
// other replicas are not met by all their browsers at once. http.Server.Shutdown does not see sockets: call
// this beside it. It returns when all are closed or ctx ends, having asked the rest to close.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	h.draining = true
	var open []*socket
	for _, sockets := range h.sockets {
		for s := range sockets {
			open = append(open, s)
		}
	}
	h.mu.Unlock()

	batch := max(50, len(open)/20)
	for i, s := range open {
		if i > 0 && i%batch == 0 {
			wait.Sleep(ctx, 100*time.Millisecond)
		}
		s.close(websocket.CloseServiceRestart)
	}
	closed := make(chan struct{})
	go func() {
		h.serving.Wait()
		close(closed)
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
