package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// HTTPServer is a component that serves handler on addr. The limits suit pages and a small API;
// a hijacked connection (a websocket) is free of them and minds its own. Requests get until the group's
// deadline to end.
func HTTPServer(addr string, handler http.Handler, log *slog.Logger) Component {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	var listener net.Listener
	return Component{
		Name: "http",
		Start: func(ctx context.Context) (err error) {
			listener, err = Listen(ctx, addr)
			return err
		},
		Run: func(context.Context) error {
			log.Info("listening", "addr", listener.Addr().String())
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
		Stop: func(ctx context.Context) error {
			if err := server.Shutdown(ctx); err != nil {
				_ = server.Close()
				return err
			}
			return nil
		},
	}
}

// Listen opens addr, and says which variable to change when it is taken.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another program: stop it, or set HTTP_ADDR to another address: %w", addr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %q (HTTP_ADDR): %w", addr, err)
	}
	return l, nil
}
