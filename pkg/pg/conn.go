package pg

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/tcp"
)

const (
	// answerWithin is how long a server may say nothing to who waits for it, where the caller's context does
	// not say. It is beyond the server's time limit of a statement, so that where that holds it only finds
	// connections that carry nothing any more. A statement without that limit ends here, too: nobody could
	// tell it from such a connection. What is longer is done in several.
	answerWithin = 2 * time.Minute

	// pongWithin is for a connection that comes from the pool: one that has been idle is asked whether it
	// still lives.
	pongWithin = 2 * time.Second
)

// connect has connections of config notice a server that has vanished.
func connect(config *pgx.ConnConfig) {
	dialer := tcp.Dialer(0) // its contexts have ConnectTimeout
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &answered{Conn: conn}, nil
	}
}

// errSilent is no time-out to pgx, which would go on using the connection.
var errSilent = errors.New("the server has said nothing for too long")

// answered is a connection whose reads and writes all have a deadline: what was set, or else answerWithin.
type answered struct {
	net.Conn
	mu    sync.Mutex
	given time.Time // what was set; zero if nothing
}

func (a *answered) SetDeadline(t time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.given = t
	return a.Conn.SetDeadline(t)
}

// bound sets ours where none is set, and reports whether it did.
func (a *answered) bound(set func(time.Time) error) (ours bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.given.IsZero() {
		return false
	}
	return set(time.Now().Add(answerWithin)) == nil
}

func (a *answered) Read(b []byte) (int, error) {
	ours := a.bound(a.SetReadDeadline)
	n, err := a.Conn.Read(b)
	return n, a.explain("read", ours, err)
}

func (a *answered) Write(b []byte) (int, error) {
	ours := a.bound(a.SetWriteDeadline)
	n, err := a.Conn.Write(b)
	return n, a.explain("write", ours, err)
}

func (a *answered) explain(op string, ours bool, err error) error {
	timeout, ok := errors.AsType[net.Error](err)
	if !ours || !ok || !timeout.Timeout() {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.given.IsZero() { // somebody has cut it short
		return err
	}
	return &net.OpError{Op: op, Net: a.LocalAddr().Network(), Source: a.LocalAddr(), Addr: a.RemoteAddr(), Err: errSilent}
}
