// Package network carries what the parts of the system say to each other over links that break.
//
// Only a firewall makes a network really silent: packets vanish in it, and nobody is told. It needs root,
// iptables, and a network of its own, see Isolate. Elsewhere a link stands still instead: it takes what fits
// into the system's buffers, and answers for the other side that it lives.
package network

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"countersign.example/pkg/tcp"
	"countersign.example/test/faultrun/fault"
)

// Network is the links.
type Network struct {
	firewall bool

	mu    sync.Mutex
	links []*link
}

// New returns a network without links.
func New() *Network {
	return &Network{firewall: isolated()}
}

// Link returns the address at which from finds to, which is at upstream.
func (n *Network) Link(from, to, upstream string) (address string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	// An address of its own tells its packets from others'.
	id := len(n.links)
	l := &link{name: from + " to " + to, ip: fmt.Sprintf("127.66.%d.%d", id/250, id%250+1)}
	if l.Link, err = tcp.NewLink(l.ip+":0", upstream); err != nil {
		return "", fmt.Errorf("link %s: %w", l.name, err)
	}
	n.links = append(n.links, l)
	return l.Addr(), nil
}

// Cut resets the connections of a link by its name, such as "a to b".
func (n *Network) Cut(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		if l.name == name {
			l.Cut()
		}
	}
}

// Close cuts all links for good.
func (n *Network) Close() (err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		err = errors.Join(err, l.Close())
	}
	return err
}

// Faults are what happens to each of the links.
func (n *Network) Faults(*fault.Environment) (list []fault.Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		one := func(kind string, least, most time.Duration, do func(context.Context, *rand.Rand) (healing, error)) {
			list = append(list, fault.Fault{Kind: kind, Part: l.name, For: [2]time.Duration{least, most}, Break: do})
		}
		one("link cut", 0, 0, func(context.Context, *rand.Rand) (healing, error) { l.Cut(); return nil, nil })
		one("link refused", time.Second, 8*time.Second, func(context.Context, *rand.Rand) (healing, error) { return l.listen, l.Refuse() })
		one("link delayed", 2*time.Second, 10*time.Second, func(_ context.Context, rnd *rand.Rand) (healing, error) {
			return l.become(tcp.Condition{Delay: 20*time.Millisecond + time.Duration(rnd.Int64N(int64(300*time.Millisecond)))})
		})
		one("link throttled", 2*time.Second, 10*time.Second, func(_ context.Context, rnd *rand.Rand) (healing, error) {
			return l.become(tcp.Condition{Rate: 2<<10 + rnd.IntN(30<<10)})
		})
		if n.firewall {
			one("link silent", 2*time.Second, 20*time.Second, func(ctx context.Context, _ *rand.Rand) (healing, error) {
				return drop(ctx, toward(l), from(l))
			})
			one("link loses answers", 2*time.Second, 20*time.Second, func(ctx context.Context, _ *rand.Rand) (healing, error) {
				return drop(ctx, from(l))
			})
		} else {
			one("link stands still", 2*time.Second, 20*time.Second, func(context.Context, *rand.Rand) (healing, error) {
				return l.become(tcp.Condition{Still: true})
			})
		}
	}
	return list
}

type healing = func(context.Context) error
