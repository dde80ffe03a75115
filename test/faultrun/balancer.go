package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"countersign.example/pkg/wait"
)

const (
	lookEvery  = 500 * time.Millisecond
	lookWithin = time.Second // how long a replica may take to say that it is ready
	dialWithin = time.Second
)

// balancer is in front of the replicas of a service: a new connection goes to one that is ready. Those that
// are open stay where they are, and end with their replica.
type balancer struct {
	listener net.Listener
	replicas []*replica
	next     atomic.Uint32
	ctx      context.Context
	cancel   context.CancelFunc
	carried  sync.WaitGroup
}

type replica struct {
	addr  string
	ready atomic.Bool
}

func startBalancer(addr string, replicas []string) (*balancer, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	b := &balancer{listener: listener}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	for _, addr := range replicas {
		r := &replica{addr: addr}
		b.replicas = append(b.replicas, r)
		b.carried.Go(func() { b.look(r) })
	}
	b.carried.Go(b.accept)
	return b, nil
}

// look asks a replica again and again whether it is ready.
func (b *balancer) look(r *replica) {
	client := http.Client{Timeout: lookWithin, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		response, err := client.Get("http://" + r.addr + "/readyz")
		r.ready.Store(err == nil && response.StatusCode == http.StatusOK)
		if err == nil {
			_ = response.Body.Close()
		}
		if !wait.Sleep(b.ctx, lookEvery) {
			return
		}
	}
}

func (b *balancer) accept() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.carried.Go(func() { b.carry(conn) })
	}
}

func (b *balancer) carry(from net.Conn) {
	defer func() { _ = from.Close() }()
	to := b.dial()
	if to == nil {
		return
	}
	defer func() { _ = to.Close() }()
	defer context.AfterFunc(b.ctx, func() { _, _ = from.Close(), to.Close() })()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(from, to)
		_ = from.Close() // what else comes is to no one
	})
	_, _ = io.Copy(to, from)
	_ = to.Close()
	back.Wait()
}

// dial connects to a replica, to those that are ready first; nil where none answers.
func (b *balancer) dial() net.Conn {
	first := int(b.next.Add(1))
	for _, ready := range []bool{true, false} {
		for i := range b.replicas {
			r := b.replicas[(first+i)%len(b.replicas)]
			if r.ready.Load() != ready {
				continue
			}
			if conn, err := net.DialTimeout("tcp", r.addr, dialWithin); err == nil {
				return conn
			}
		}
	}
	return nil
}

func (b *balancer) close() {
	b.cancel()
	_ = b.listener.Close()
	b.carried.Wait()
}
