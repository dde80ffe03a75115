package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"countersign.example/test/testsystem"
)

const (
	commandConnections = 16
	draftsEach         = 100 // of a connection: a draft gets some ten to twenty items
	commandsWarmUp     = 3 * time.Second
	commandsWithin     = 20 * time.Second
)

// commands measures how many items a second ordering-core adds to drafts, over the transactions a second of
// pgbench on the same PostgreSQL right before and after: with both web apps receiving them, and alone.
func commands(e *environment) {
	sys, floor := testsystem.New(e, testsystem.Unlimited...), newPgbench(e)
	stop(sys, testsystem.Core, testsystem.Gateway)
	product := sys.Product(e, "BENCH-1", "Scaffolding for the north wall", 12_00)
	fmt.Printf("\nCommands: items added to drafts at ordering-core, over pgbench's simple-update, both at %d connections\n\n", commandConnections)
	t := newTable("", "commands/s", "p50 (ms)", "p99 (ms)", "pgbench tx/s before", "after", "ratio", "aim")
	parts := []string{testsystem.Ordering, testsystem.Contractor, testsystem.Manager, postgresCPU, ownCPU}
	cpu := newTable(append(append([]string{""}, parts...), "together")...)
	for _, name := range []string{"both web apps receive", "ordering-core alone"} {
		if name == "ordering-core alone" {
			stop(sys, testsystem.Contractor, testsystem.Manager)
		}
		m, cells := floor.around(e.ctx, "0.5", func() measured {
			m, err := steady(e.ctx, commandConnections, commandsWarmUp, commandsWithin, func(ctx context.Context) (client, error) {
				return newCaller(ctx, sys, product)
			})
			check(err, name)
			return m
		})
		t.add(append([]string{name, perSecond(m.rate), ms(percentile(m.posts, 50)), ms(percentile(m.posts, 99))}, cells...)...)
		cpu.add(m.cpuCells(name, parts...)...)
	}
	t.print()
	fmt.Printf("\nCPU time for a command (ms)\n\n")
	cpu.print()
}

// newCaller sends ordering-core commands as contractor-ui does, for Ada Nowak: items for drafts of its own.
func newCaller(ctx context.Context, sys *testsystem.System, product string) (client, error) {
	send := func(ctx context.Context, path string, body map[string]any) error {
		return post(ctx, sys.URL(testsystem.Ordering)+path, sys.Token(testsystem.Contractor, testsystem.Ordering), body)
	}
	drafts := make([]string, draftsEach)
	for i := range drafts {
		drafts[i] = newID()
		if err := send(ctx, "/orders", map[string]any{"order_id": drafts[i]}); err != nil {
			return client{}, err
		}
	}
	next := 0
	return client{do: func(ctx context.Context) error {
		next++
		return send(ctx, "/orders/"+drafts[next%draftsEach]+"/items", map[string]any{"product_id": product, "quantity": 1})
	}}, nil
}

// post sends a command with a key of its own.
func post(ctx context.Context, url, token string, body map[string]any) error {
	body["actor"] = map[string]any{"id": "ada-nowak", "name": "Ada Nowak"}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Idempotency-Key", newID())
	_, err = exchange(&http.Client{Transport: transport}, request, http.StatusOK, http.StatusCreated)
	return err
}
