package embedded

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"
)

// RedisServer is a Redis that keeps its data in memory.
type RedisServer struct{ server *miniredis.Miniredis }

// Redis starts a server on addr ("127.0.0.1:63790"; empty: a free port).
func Redis(addr string) (*RedisServer, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	server := miniredis.NewMiniRedis()
	// Expiry follows the clock, as in a real one; by default miniredis leaves it to tests.
	server.ClockTTL(true)
	if err := server.StartAddr(addr); err != nil {
		return nil, fmt.Errorf("embedded redis: %w", err)
	}
	return &RedisServer{server: server}, nil
}

// Addr is the server's host:port.
func (r *RedisServer) Addr() string { return r.server.Addr() }

// URL is the address in the form that REDIS_URL takes.
func (r *RedisServer) URL() string { return "redis://" + r.Addr() }

// Close disconnects every client and stops the server; its data remain for Restart.
func (r *RedisServer) Close() { r.server.Close() }

// Restart starts a closed server again at its old address with its old data, for tests of a
// Redis that was away for a while.
func (r *RedisServer) Restart() error {
	// Close has ended the server's context for good, and with it every blocking command to come.
	r.server.Ctx, r.server.CtxCancel = context.WithCancel(context.Background())
	return r.server.Restart()
}

// Empty forgets all data, as a Redis without persistence does when it restarts.
func (r *RedisServer) Empty() { r.server.FlushAll() }
