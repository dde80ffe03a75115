package tcp

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Link carries connections to another address, and breaks when it is told to.
type Link struct {
	upstream string
	ctx      context.Context
	cancel   context.CancelFunc
	carrying sync.WaitGroup

	mu        sync.Mutex
	address   string
	listener  net.Listener // nil while it is refused
	conns     map[*net.TCPConn]bool
	condition Condition
	changed   chan struct{} // closed when another condition holds; nil when nobody waits for that
}

// Condition is how a link is. The zero value is a link that is well.
type Condition struct {
	Delay time.Duration // of whatever is sent at once
	Rate  int           // bytes in a second
	Still bool          // nothing comes through
}

// NewLink returns a link from address, such as 127.0.0.1:0, to upstream, which takes connections already.
func NewLink(address, upstream string) (*Link, error) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Link{upstream: upstream, ctx: ctx, cancel: cancel, address: address, conns: map[*net.TCPConn]bool{}}
	if err := l.Listen(); err != nil {
		cancel()
		return nil, err
	}
	return l, nil
}

// Addr is where it listens: the same after a refusal.
func (l *Link) Addr() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.address
}

// Listen takes connections, from now on or again.
func (l *Link) Listen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	listener, err := (&net.ListenConfig{}).Listen(l.ctx, "tcp", l.address)
	if err != nil {
		return err
	}
	l.listener, l.address = listener, listener.Addr().String()
	l.carrying.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			l.carrying.Go(func() { l.carry(near.(*net.TCPConn)) })
		}
	})
	return nil
}

// Refuse cuts it, and takes no connections.
func (l *Link) Refuse() (err error) {
	l.mu.Lock()
	if l.listener != nil {
		err = l.listener.Close()
		l.listener = nil
	}
	l.mu.Unlock()
	l.Cut()
	return err
}

// Cut resets its connections: both sides are told.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		reset(conn)
	}
}

// Become has it be so from now on. What has waited goes on at once when it is well again.
func (l *Link) Become(c Condition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.condition = c
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Close cuts it for good.
func (l *Link) Close() error {
	l.cancel()
	err := l.Refuse()
	l.carrying.Wait()
	return err
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

// carry carries a connection until one of its sides has ended.
func (l *Link) carry(near *net.TCPConn) {
	defer l.forget(near)
	if !l.remember(near) {
		return
	}
	conn, err := (&net.Dialer{}).DialContext(l.ctx, "tcp", l.upstream)
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
func (l *Link) pump(to, from *net.TCPConn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && l.pass(n) {
			if _, writeErr := to.Write(buffer[:n]); writeErr != nil {
				err = writeErr
			}
		}
		switch {
		case err == nil && l.ctx.Err() == nil:
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

// pass waits as long as n bytes take. It returns false once the link is closed.
func (l *Link) pass(n int) bool {
	for {
		l.mu.Lock()
		now := l.condition
		if now == (Condition{}) {
			l.mu.Unlock()
			return true
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		var enough <-chan time.Time
		if !now.Still {
			takes := now.Delay
			if now.Rate > 0 {
				takes += time.Duration(n) * time.Second / time.Duration(now.Rate)
			}
			enough = time.After(takes)
		}
		select {
		case <-enough:
			return true
		case <-changed: // and what waits goes on at once, if it is well again
		case <-l.ctx.Done():
			return false
		}
	}
}

// remember returns false where nothing is carried any more.
func (l *Link) remember(conn *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[conn] = true
	return l.listener != nil
}

func (l *Link) forget(conn *net.TCPConn) {
	_ = conn.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}
