package faults

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// cuttingProxy is a network between browsers and an app that breaks: it drops each socket's connection after
// it has brought a few updates, in the middle of what is being sent. Other connections are left alone.
type cuttingProxy struct {
	url   string
	app   string
	after int // how many reads from the app a socket survives
	Cuts  atomic.Int64
}

// cutSockets starts a cuttingProxy in front of the app at addr (host:port).
func cutSockets(t *testing.T, addr string, after int) *cuttingProxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cuttingProxy{url: "http://" + listener.Addr().String(), app: addr, after: after}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go c.carry(ctx, conn)
		}
	}()
	return c
}

func (c *cuttingProxy) carry(ctx context.Context, browser net.Conn) {
	defer func() { _ = browser.Close() }()
	app, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.app)
	if err != nil {
		return
	}
	defer func() { _ = app.Close() }()
	defer context.AfterFunc(ctx, func() { _, _ = browser.Close(), app.Close() })()

	request := make([]byte, 4096)
	n, err := browser.Read(request)
	if err != nil {
		return
	}
	if _, err := app.Write(request[:n]); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(app, browser)
		_ = app.Close()
	}()
	if !bytes.HasPrefix(request, []byte("GET /live")) {
		_, _ = io.Copy(browser, app)
		return
	}
	answer := make([]byte, 4096)
	for range c.after {
		n, err := app.Read(answer)
		if err != nil {
			return
		}
		if _, err := browser.Write(answer[:n]); err != nil {
			return
		}
	}
	// The rest of what is on its way is lost, as it is when a network goes.
	c.Cuts.Add(1)
}
