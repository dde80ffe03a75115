package live

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/rights"
)

const (
	beatEvery = 25 * time.Second // the client asks after 10 s of silence, or 40 s unseen
	readWait  = 60 * time.Second // for a pong or a message
	writeWait = 5 * time.Second
	readLimit = 512 // a browser sends cursors and probes, nothing else

	// sendBuffer is how much the kernel keeps for a browser that does not read, of what has been written:
	// without a bound, it would be megabytes for each.
	sendBuffer = 64 << 10

	// probe is what a browser sends to learn whether the server is there.
	probe = "?"

	// cursorsAMinute is more than anyone can turn pages; each costs a look through the ring, under the hub's
	// lock.
	cursorsAMinute = 120
)

// socket is one open page. Its fields but notified and closed are guarded by the hub's mu.
type socket struct {
	reader   reader
	session  string // whose end ends the socket; may be empty
	asked    bool   // it has been asked after since the socket is open
	since    cursor // what the page has seen before it joined; entries up to it are not sent
	pending  []*frame
	notified chan struct{} // pending is not empty

	once   sync.Once
	closed chan struct{}
	code   int // why, once it is closed
}

// close has the socket closed with a code of RFC 6455; nothing is sent after it. The first code counts.
func (s *socket) close(code int) {
	s.once.Do(func() {
		s.code = code
		close(s.closed)
	})
}

// owner is who the socket counts for.
func (s *socket) owner(audience string) string {
	if s.session != "" {
		return s.session
	}
	return "of " + audience
}

// isClosed says so without waiting.
func (s *socket) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Serve upgrades the request to a socket of the audience. The audience is the server's to decide, from the
// session; the page's cursor comes as the query's "since". When session has ended, the socket is closed with
// 1008 (policy violation), see Watch; a socket without one ("") is not. Of what is pushed it gets what is for
// those who have the rights held.
//
// It returns while the socket is open: what the server keeps for a request, buffers and a stack as deep as
// all middleware, is twice what a socket needs.
//
// A refused handshake is answered: 403 for a foreign origin, 400 for what is no handshake, 503 while
// draining.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, audience, session string, held rights.Held) {
	conn, done := h.upgrade(w, r)
	if conn == nil {
		return
	}
	s := &socket{
		reader:   reader{locale.Of(r.Header.Get("Accept-Language")), held},
		session:  session,
		since:    parseCursor(r.URL.Query().Get("since")),
		notified: make(chan struct{}, 1),
		closed:   make(chan struct{}),
	}
	if code := h.join(s, audience); code != 0 {
		closeWith(conn, code)
		done()
		return
	}
	go func() {
		defer done()
		defer h.leave(s, audience)
		gone := make(chan struct{})
		defer func() { <-gone }()
		defer func() { _ = conn.Close() }()
		go func() {
			defer close(gone)
			h.listen(conn, s, audience)
		}()
		h.speak(conn, s, gone)
	}()
}

// Refuse upgrades the request and closes the socket with 1008 (policy violation). A browser does not show its
// page why a handshake was refused, and this page must be fetched again, since it belongs to somebody else.
func (h *Hub) Refuse(w http.ResponseWriter, r *http.Request) {
	if conn, done := h.upgrade(w, r); conn != nil {
		defer done()
		closeWith(conn, websocket.ClosePolicyViolation)
	}
}

// upgrade returns the connection, or nil if the handshake was refused and answered. done is to be called at
// the end.
func (h *Hub) upgrade(w http.ResponseWriter, r *http.Request) (conn *websocket.Conn, done func()) {
	h.mu.Lock()
	draining := h.draining
	if !draining {
		h.serving.Add(1) // under mu, so that Close, which sets draining under it, waits for this one
	}
	h.mu.Unlock()
	if draining {
		http.Error(w, "The server is restarting.", http.StatusServiceUnavailable)
		return nil, nil
	}
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		h.serving.Done()
		return nil, nil // it has answered
	}
	bound(conn.NetConn())
	return conn, func() {
		_ = conn.Close()
		h.serving.Done()
	}
}

// bound bounds what is kept of what a connection, by TLS or not, has been given to send. One that cannot be
// bound is as it was.
func bound(conn net.Conn) {
	if secure, is := conn.(interface{ NetConn() net.Conn }); is {
		conn = secure.NetConn()
	}
	if sends, is := conn.(interface{ SetWriteBuffer(bytes int) error }); is {
		_ = sends.SetWriteBuffer(sendBuffer)
	}
}

// listen reads until the connection fails. A text is a probe, or the cursor of a page that was rendered again
// in the same window.
func (h *Hub) listen(conn *websocket.Conn, s *socket, audience string) {
	conn.SetReadLimit(readLimit)
	extend := func(string) error { return conn.SetReadDeadline(time.Now().Add(readWait)) }
	_ = extend("")
	conn.SetPongHandler(extend)
	minute, cursors := time.Now(), 0
	for {
		kind, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		_ = extend("")
		if now := time.Now(); now.Sub(minute) > time.Minute {
			minute, cursors = now, 0
		}
		if cursors++; cursors > cursorsAMinute {
			closeWith(conn, websocket.ClosePolicyViolation)
			return
		}
		switch {
		case kind != websocket.TextMessage || !utf8.Valid(text):
		case string(text) == probe:
			h.answer(s)
		default:
			h.rejoin(s, audience, string(text))
		}
	}
}

// speak writes what is queued, and heartbeats, until the connection fails or the socket is closed.
func (h *Hub) speak(conn *websocket.Conn, s *socket, gone <-chan struct{}) {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		var frames []*frame
		select {
		case <-s.notified:
			h.mu.Lock()
			frames, s.pending = s.pending, nil
			h.mu.Unlock()
		case <-beat.C:
			if conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)) != nil {
				return
			}
			h.mu.Lock()
			h.send(s, h.status())
			h.mu.Unlock()
		case <-s.closed:
		case <-gone:
			return
		}
		for _, f := range frames {
			if s.isClosed() {
				break
			}
			_ = conn.SetWriteDeadline(time.Now().Add(writeWait))
			if conn.WritePreparedMessage(f.in(s.reader)) != nil {
				return
			}
		}
		if s.isClosed() {
			closeWith(conn, s.code)
			return
		}
	}
}

// closeWith sends the browser the reason, and does not wait for its answer.
func closeWith(conn *websocket.Conn, code int) {
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(writeWait))
}

// checkOrigin allows the page's own host. Browsers always send an Origin with a handshake; a client that
// sends none is no browser and has no cookies to steal.
func checkOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}
