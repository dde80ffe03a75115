package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// HTTPServer is a component that serves handler on the address that variable gives, by HTTPS if secure is not
// nil. The limits suit pages and
// a small API; a hijacked connection (a websocket) is free of them and minds its own. Requests get until the
// component's share of the time to stop is over to end; then their contexts end and their connections are
// closed.
func HTTPServer(variable, addr string, handler http.Handler, secure *tls.Config, log *slog.Logger) Component {
	component, _ := serve("http", variable, addr, &http.Server{
		Handler:           handler,
		TLSConfig:         secure,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}, log)
	return component
}

// serve returns also what ends the contexts of all requests.
func serve(name, variable, addr string, server *http.Server, log *slog.Logger) (Component, context.CancelFunc) {
	requests, cutOff := context.WithCancel(context.Background())
	server.BaseContext = func(net.Listener) context.Context { return requests }
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	var listener net.Listener
	return Component{
		Name: name,
		Start: func(ctx context.Context) (err error) {
			listener, err = Listen(ctx, variable, addr)
			return err
		},
		Run: func(context.Context) error {
			log.Info("listening", "server", name, "addr", listener.Addr().String())
			serving := server.Serve
			if server.TLSConfig != nil {
				serving = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
			}
			if err := serving(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
		Stop: func(ctx context.Context) error {
			defer cutOff()
			if err := server.Shutdown(ctx); err != nil {
				cutOff()
				_ = server.Close()
				return fmt.Errorf("requests under way were cut off: %w", err)
			}
			return nil
		},
	}, cutOff
}

// Listen opens addr, and says which variable to change when it is taken.
func Listen(ctx context.Context, variable, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another program: stop it, or set %s to another address: %w", addr, variable, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %q (%s): %w", addr, variable, err)
	}
	return l, nil
}
