// Package redis is a real Redis, and what breaks it.
package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"countersign.example/test/faultrun/fault"
	"countersign.example/test/faultrun/program"
)

// Redis is a server that keeps its data on disk, as one of production does.
type Redis struct {
	dir, address string
	running      *program.Program
	client       *goredis.Client
}

// Start starts a server with its data in dir, and returns when it answers.
func Start(ctx context.Context, dir string) (*Redis, error) {
	addresses, err := program.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	r := &Redis{dir: dir, address: addresses[0], client: goredis.NewClient(&goredis.Options{Addr: addresses[0]})}
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Address is host:port.
func (r *Redis) Address() string { return r.address }

func (r *Redis) data() string { return filepath.Join(r.dir, "data") }

func (r *Redis) start(ctx context.Context) error {
	if err := os.MkdirAll(r.data(), 0o755); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(r.address)
	if err != nil {
		return err
	}
	// Not with a context: it lives until it is stopped.
	r.running, err = program.Start(filepath.Join(r.dir, "log.txt"), exec.Command("redis-server", "--bind", host, "--port", port, "--dir", r.data(),
		"--appendonly", "yes", "--save", ""))
	if err != nil {
		return err
	}
	return r.answers(ctx)
}

// answers waits until it does. While it reads its data, it refuses.
func (r *Redis) answers(ctx context.Context) error {
	return r.running.Await(ctx, func(ctx context.Context) error { return r.client.Ping(ctx).Err() })
}

// Close stops the server.
func (r *Redis) Close() error {
	if r.running != nil {
		r.running.Kill()
	}
	return r.client.Close()
}

// Faults are what happens to it.
func (r *Redis) Faults(*fault.Environment) []fault.Fault {
	a := func(kind string, least, most time.Duration, do func(context.Context, *rand.Rand) (healing, error)) fault.Fault {
		return fault.Fault{Kind: kind, Part: "redis", For: [2]time.Duration{least, most}, Break: do}
	}
	return []fault.Fault{
		a("Redis killed", 0, 5*time.Second, r.kill),
		a("Redis stands still", time.Second, 10*time.Second, r.pause),
		a("Redis lost its data", 0, 2*time.Second, r.lose),
		a("Redis restored from an older snapshot", 0, 0, r.restore),
		a("Redis evicts", time.Second, 5*time.Second, r.evict),
		a("Redis is full", time.Second, 5*time.Second, r.full),
	}
}

type healing = func(context.Context) error

func (r *Redis) kill(context.Context, *rand.Rand) (healing, error) {
	r.running.Kill()
	return r.start, nil
}

func (r *Redis) pause(context.Context, *rand.Rand) (healing, error) {
	if err := r.running.Signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return errors.Join(r.running.Signal(syscall.SIGCONT), r.answers(ctx)) }, nil
}

func (r *Redis) lose(context.Context, *rand.Rand) (healing, error) {
	r.running.Kill()
	return r.start, os.RemoveAll(r.data())
}

// restore brings back what the server had some seconds ago.
func (r *Redis) restore(ctx context.Context, rnd *rand.Rand) (healing, error) {
	ago := time.Second + time.Duration(rnd.Int64N(int64(4*time.Second)))
	snapshot := filepath.Join(r.dir, "snapshot")
	if err := r.copyTo(snapshot); err != nil {
		return nil, err
	}
	select {
	case <-time.After(ago):
	case <-ctx.Done():
	}
	r.running.Kill()
	return nil, errors.Join(os.RemoveAll(r.data()), os.Rename(snapshot, r.data()), r.start(ctx))
}

// copyTo copies its data while it does nothing.
func (r *Redis) copyTo(folder string) (err error) {
	if err := r.running.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.running.Signal(syscall.SIGCONT)) }()
	return errors.Join(os.RemoveAll(folder), os.CopyFS(folder, os.DirFS(r.data())))
}

// evict has it forget some of its keys, and again whenever it has as much as now.
func (r *Redis) evict(ctx context.Context, _ *rand.Rand) (healing, error) {
	text, err := r.client.Info(ctx, "memory").Result()
	if err != nil {
		return nil, err
	}
	found := usedMemory.FindStringSubmatch(text)
	if found == nil {
		return nil, fmt.Errorf("Redis does not say how much memory it uses: %s", text)
	}
	used, err := strconv.Atoi(found[1])
	if err != nil {
		return nil, err
	}
	const less = 16 << 10 // what its connections need goes up and down by some of that
	return r.limit(ctx, "allkeys-random", used-less)
}

var usedMemory = regexp.MustCompile(`(?m)^used_memory:(\d+)`)

// full leaves it no memory for more, and has it refuse what it is to keep.
func (r *Redis) full(ctx context.Context, _ *rand.Rand) (healing, error) {
	return r.limit(ctx, "noeviction", 1)
}

func (r *Redis) limit(ctx context.Context, policy string, memory int) (healing, error) {
	set := func(ctx context.Context, memory int) error {
		return r.client.ConfigSet(ctx, "maxmemory", strconv.Itoa(memory)).Err()
	}
	heal := func(ctx context.Context) error { return set(ctx, 0) }
	return heal, errors.Join(r.client.ConfigSet(ctx, "maxmemory-policy", policy).Err(), set(ctx, memory))
}
