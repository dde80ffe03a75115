package pgtest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"countersign.example/pkg/pg"
)

// Proxy is a network between a service and its PostgreSQL server: it counts what is asked, and it can
// fail the way networks do, without a word.
type Proxy struct {
	url, server string
	end         func() // closes every connection

	executes atomic.Int64
	trips    atomic.Int64

	mu   sync.Mutex
	deaf chan struct{} // closed for the connections that are to carry nothing more
	cut  chan struct{} // closed for those that are to break
}

// NewProxy returns a proxy in front of the server of database, which is an address without TLS as New and
// NewURL give it. It ends with the test.
func NewProxy(tb testing.TB, database string) *Proxy {
	tb.Helper()
	u, err := url.Parse(database)
	if err != nil {
		tb.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{server: u.Host, deaf: make(chan struct{}), cut: make(chan struct{})}
	u.Host = listener.Addr().String()
	p.url = u.String()
	ctx, cancel := context.WithCancel(context.Background())
	p.end = cancel
	var carried sync.WaitGroup
	tb.Cleanup(func() { cancel(); _ = listener.Close(); carried.Wait() })
	carried.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			carried.Go(func() { p.carry(ctx, client) })
		}
	})
	return p
}

// URL is the database's address through the proxy.
func (p *Proxy) URL() string { return p.url }

// Open opens the database through the proxy, until the test ends. The proxy ends first: to close connections
// that carry nothing takes a while.
func (p *Proxy) Open(tb testing.TB) *pg.DB {
	tb.Helper()
	db, err := pg.Open(tb.Context(), p.url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.end(); db.Close() })
	return db
}

// Statements is how many statements have been run so far.
func (p *Proxy) Statements() int64 { return p.executes.Load() }

// RoundTrips is how often a client has so far asked and waited for the answer.
func (p *Proxy) RoundTrips() int64 { return p.trips.Load() }

// Swallow has the connections that are open carry nothing more, in either direction, without closing them;
// what a client writes is taken and lost. New ones work.
func (p *Proxy) Swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.deaf)
	p.deaf = make(chan struct{})
}

// Cut breaks the connections that are open, and new ones too until Mend. What the server has been asked it
// does all the same, since nobody can tell it otherwise.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.cut)
}

// Mend has new connections work again.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = make(chan struct{})
}

func (p *Proxy) carry(ctx context.Context, client net.Conn) {
	p.mu.Lock()
	deaf, cut := p.deaf, p.cut
	p.mu.Unlock()
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		defer end()
		select {
		case <-cut:
		case <-ctx.Done():
		}
	}()
	defer func() { _ = client.Close() }()
	select {
	case <-cut:
		return
	default:
	}
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	defer context.AfterFunc(ctx, func() { _, _ = client.Close(), server.Close() })()

	var answers sync.WaitGroup
	answers.Go(func() { pass(client, server, deaf) })
	pass(server, io.TeeReader(client, &counter{proxy: p, startup: true}), deaf)
	select {
	case <-deaf: // the server learns nothing of the client's end either
		<-ctx.Done()
	default:
		_ = server.Close()
	}
	answers.Wait()
}

// pass copies until either end fails; what is read after deaf was closed is dropped.
func pass(to io.Writer, from io.Reader, deaf <-chan struct{}) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-deaf:
		default:
			if _, failed := to.Write(buffer[:n]); failed != nil {
				return
			}
		}
		if err != nil {
			if closer, ok := to.(io.Closer); ok {
				select {
				case <-deaf:
				default:
					_ = closer.Close()
				}
			}
			return
		}
	}
}

// counter reads what a client sends, message by message.
//
// https://www.postgresql.org/docs/current/protocol-message-formats.html
type counter struct {
	proxy   *Proxy
	startup bool // the first message has no type
	head    []byte
	skip    int
}

func (c *counter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if c.skip > 0 {
			skipped := min(c.skip, len(b))
			c.skip -= skipped
			b = b[skipped:]
			continue
		}
		c.head, b = append(c.head, b[0]), b[1:]
		if c.startup && len(c.head) == 4 {
			c.skip = int(binary.BigEndian.Uint32(c.head)) - 4
			c.startup, c.head = false, nil
		}
		if !c.startup && len(c.head) == 5 {
			switch c.head[0] {
			case 'E': // Execute
				c.proxy.executes.Add(1)
			case 'S': // Sync
				c.proxy.trips.Add(1)
			case 'Q': // a simple query
				c.proxy.executes.Add(1)
				c.proxy.trips.Add(1)
			}
			c.skip = int(binary.BigEndian.Uint32(c.head[1:])) - 4
			c.head = nil
		}
	}
	return n, nil
}
