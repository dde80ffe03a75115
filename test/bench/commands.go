package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"countersign.example/test/testsystem"
)

const (
	commandConnections = 16
	draftsEach         = 100 // of a connection: a draft gets some ten to twenty items
	commandsWarmUp     = 3 * time.Second
	commandsMeasured   = 20 * time.Second
)

// commands measures how many items a second ordering-core adds to drafts, over the transactions a second of
// pgbench on the same PostgreSQL right before and after: with both web apps hearing of them, and alone.
func commands(s *environment) error {
	sys := testsystem.New(s)
	floor, err := newPgbench(s)
	if err != nil {
		return err
	}
	for _, name := range []string{testsystem.Core, testsystem.Gateway} {
		if err := sys.Stop(name); err != nil {
			return fmt.Errorf("stop %s: %w", name, err)
		}
	}
	product := sys.Product(s, "BENCH-1", "Scaffolding for the north wall", 12_00)
	fmt.Printf("\nCommands: items added to drafts at ordering-core, over pgbench's simple-update, both at %d connections\n\n", commandConnections)
	t := newTable("", "commands/s", "p50 (ms)", "p99 (ms)", "pgbench tx/s before", "after", "ratio", "aim")
	cpu := newTable("", testsystem.Ordering, testsystem.Contractor, testsystem.Manager, postgresCPU, ownCPU, "together")
	for _, run := range []struct {
		name  string
		alone bool
	}{{"both web apps hear", false}, {"ordering-core alone", true}} {
		for _, name := range []string{testsystem.Contractor, testsystem.Manager} {
			if !run.alone {
				continue
			}
			if err := sys.Stop(name); err != nil {
				return fmt.Errorf("stop %s: %w", name, err)
			}
		}
		before, err := floor.run(s.ctx)
		if err != nil {
			return err
		}
		result, err := command(s.ctx, sys, product)
		if err != nil {
			return fmt.Errorf("%s: %w", run.name, err)
		}
		after, err := floor.run(s.ctx)
		if err != nil {
			return err
		}
		t.add(run.name, perSecond(result.rate), ms(percentile(result.posts, 50)), ms(percentile(result.posts, 99)),
			perSecond(before), perSecond(after), fmt.Sprintf("%.3f", result.rate/((before+after)/2)), "0.5")
		cpu.add(append([]string{run.name}, result.cpuCells(testsystem.Ordering, testsystem.Contractor, testsystem.Manager, postgresCPU, ownCPU)...)...)
	}
	t.print()
	fmt.Printf("\nCPU time for a command (ms)\n\n")
	cpu.print()
	return nil
}

// command keeps ordering-core busy.
func command(ctx context.Context, sys *testsystem.System, product string) (m measured, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var done atomic.Int64
	var took samples[time.Duration]
	var measuring atomic.Bool
	var working, ready sync.WaitGroup
	errs := make(chan error, commandConnections)
	begin := make(chan struct{})
	ready.Add(commandConnections)
	for range commandConnections {
		working.Go(func() {
			c := newCaller(sys)
			drafts := make([]string, draftsEach)
			var err error
			for i := range drafts {
				drafts[i] = newID()
				err = errors.Join(err, c.command(ctx, "/orders", map[string]any{"order_id": drafts[i]}))
			}
			ready.Done()
			<-begin
			for i := 0; err == nil && ctx.Err() == nil; i++ {
				began := time.Now()
				err = c.command(ctx, "/orders/"+drafts[i%draftsEach]+"/items", map[string]any{"product_id": product, "quantity": 1})
				done.Add(1)
				if measuring.Load() {
					took.add(time.Since(began))
				}
			}
			if ctx.Err() == nil {
				errs <- err
			}
		})
	}
	defer working.Wait()
	defer cancel()
	ready.Wait()
	close(begin)
	pause := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case err := <-errs:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := pause(commandsWarmUp); err != nil {
		return m, err
	}
	postmaster := findPostmaster(ctx)
	measuring.Store(true)
	began, start, cpuBefore := time.Now(), done.Load(), cpuTimes(postmaster)
	if err := pause(commandsMeasured); err != nil {
		return m, err
	}
	m.count = done.Load() - start
	m.rate = float64(m.count) / time.Since(began).Seconds()
	measuring.Store(false)
	m.cpu = cpuTimes(postmaster)
	for part, before := range cpuBefore {
		m.cpu[part] -= before
	}
	cancel()
	working.Wait()
	m.posts = took.all
	return m, nil
}

// caller sends ordering-core commands as contractor-ui does, for Ada Nowak.
type caller struct{ base, token string }

func newCaller(sys *testsystem.System) caller {
	return caller{sys.URL(testsystem.Ordering), sys.Token(testsystem.Contractor, testsystem.Ordering)}
}

// command sends one, with a key of its own.
func (c caller) command(ctx context.Context, path string, body map[string]any) error {
	body["actor"] = map[string]any{"id": "ada-nowak", "name": "Ada Nowak"}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Idempotency-Key", newID())
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("POST %s answered %s: %.300s", path, response.Status, answer)
	}
	return err
}
