package network

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// link is the way of one to another.
type link struct {
	network           *Network
	name, ip, address string
	upstream          string

	mu        sync.Mutex
	listener  net.Listener // nil while it is refused
	conns     map[*net.TCPConn]bool
	condition condition
	changed   chan struct{} // closed when another condition holds; nil when nobody waits for that
}

// condition is how a link is. The zero value is a link that is well.
type condition struct {
	delay time.Duration // of whatever is sent at once
	rate  int           // bytes in a second
	still bool          // nothing comes through
}

// listen takes connections, from now on or again.
func (l *link) listen(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.address)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listener, l.address = listener, listener.Addr().String() // the same from then on
	l.network.carrying.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			l.network.carrying.Go(func() { l.carry(near.(*net.TCPConn)) })
		}
	})
	return nil
}

// refuse cuts it, and takes no connections.
func (l *link) refuse() (err error) {
	l.mu.Lock()
	if l.listener != nil {
		err = l.listener.Close()
		l.listener = nil
	}
	l.mu.Unlock()
	l.cut()
	return err
}

// cut resets its connections: both sides are told.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		reset(conn)
	}
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

// carry carries a connection until one of its sides has ended.
func (l *link) carry(near *net.TCPConn) {
	defer l.forget(near)
	if !l.remember(near) {
		return
	}
	conn, err := (&net.Dialer{}).DialContext(l.network.ctx, "tcp", l.upstream)
	if err != nil {
		_ = near.SetLinger(0)
		return
	}
	far := conn.(*net.TCPConn)
	defer l.forget(far)
	if !l.remember(far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.pump(far, near) })
	both.Go(func() { l.pump(near, far) })
	both.Wait()
}

// pump carries one direction. It ends both where a connection was reset, and one where it has just ended.
func (l *link) pump(to, from *net.TCPConn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && l.pass(n) {
			if _, writeErr := to.Write(buffer[:n]); writeErr != nil {
				err = writeErr
			}
		}
		switch {
		case err == nil && l.network.ctx.Err() == nil:
		case errors.Is(err, io.EOF):
			_ = to.CloseWrite()
			return
		default:
			reset(to)
			reset(from)
			return
		}
	}
}

// pass waits as long as n bytes take. It returns false once the network is closed.
func (l *link) pass(n int) bool {
	for {
		l.mu.Lock()
		now := l.condition
		if now == (condition{}) {
			l.mu.Unlock()
			return true
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		var enough <-chan time.Time
		if !now.still {
			takes := now.delay
			if now.rate > 0 {
				takes += time.Duration(n) * time.Second / time.Duration(now.rate)
			}
			enough = time.After(takes)
		}
		select {
		case <-enough:
			return true
		case <-changed: // and what waits goes on at once, if it is well again
		case <-l.network.ctx.Done():
			return false
		}
	}
}

func (l *link) become(c condition) (healing, error) {
	l.set(c)
	return func(context.Context) error { l.set(condition{}); return nil }, nil
}

func (l *link) set(c condition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.condition = c
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// remember returns false where nothing is carried any more.
func (l *link) remember(conn *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[conn] = true
	return l.listener != nil
}

func (l *link) forget(conn *net.TCPConn) {
	_ = conn.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}
