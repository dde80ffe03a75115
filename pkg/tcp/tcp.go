// Package tcp dials so that a peer that has vanished is noticed: a host without power, or behind a network
// that drops everything, closes nothing.
//
// Invariants:
//   - A connection on which nothing is sent is given up 25 s after its peer has vanished (keepalives).
//   - One on which something is sent that nobody acknowledges is given up after 20 s (TCP_USER_TIMEOUT, on
//     Linux).
//
// That the peer's kernel acknowledges does not mean that anybody answers: calls have deadlines besides.
package tcp

import (
	"net"
	"time"
)

// When silence is taken for death. PostgreSQL's end is configured likewise; see pkg/pg.
const (
	KeepAliveIdle     = 10 * time.Second
	KeepAliveInterval = 5 * time.Second
	KeepAliveCount    = 3
	UserTimeout       = 20 * time.Second
)

// Dialer returns a dialer that gives up after timeout; 0 is for callers whose contexts have deadlines.
func Dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: KeepAliveIdle, Interval: KeepAliveInterval, Count: KeepAliveCount},
		Control:         control,
	}
}
