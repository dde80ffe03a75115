package connection

import (
	"context"
	"fmt"
	"net"
	"time"

	"countersign.example/pkg/tcp"
)

// Dialer opens connections of one program.
type Dialer struct {
	settings Settings
	client   string
	timeout  time.Duration
}

// NewDialer returns a dialer that gives up after timeout. client is the program's name for the brokers.
func (s Settings) NewDialer(client string, timeout time.Duration) *Dialer {
	return &Dialer{settings: s, client: client, timeout: timeout}
}

// DialContext connects to a broker: on what it returns anything may be asked.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := tcp.Dialer(0).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	closed := context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn, err := d.prepare(ctx, raw, addr)
	if !closed() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("connect to Kafka at %s: no answer in %s: %w", addr, d.timeout, context.Cause(ctx))
		}
		return nil, err
	}
	return conn, nil
}

func (d *Dialer) prepare(ctx context.Context, raw net.Conn, addr string) (net.Conn, error) {
	conn := raw
	if d.settings.KafkaTLS {
		encrypted, err := d.settings.encrypt(ctx, raw, addr)
		if err != nil {
			return nil, err
		}
		conn = encrypted
	}
	conn = &firstAnswer{Conn: conn, explain: func(b []byte, err error) error { return d.settings.unanswered(addr, b, err) }}
	if d.settings.KafkaSASL != "" {
		if err := d.signIn(ctx, conn, addr); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

// firstAnswer explains why nothing, or nothing that Kafka would say, comes back on a new connection.
type firstAnswer struct {
	net.Conn
	explain func([]byte, error) error
	met     bool
}

func (c *firstAnswer) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.met || n == 0 && err == nil {
		return n, err
	}
	c.met = true
	if explained := c.explain(b[:n], err); explained != nil {
		return 0, explained
	}
	return n, err
}
