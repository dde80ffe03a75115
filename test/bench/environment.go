package main

import (
	"context"

	"countersign.example/test/testsystem"
)

// environment is what test/testsystem asks of a test, for a bench.
type environment struct {
	*testsystem.Outside
	ctx context.Context
}

// check leaves the bench if err is an error. Only the goroutine that the bench runs in may call it.
func check(err error, what ...any) { testsystem.Check(err, what...) }

// must is check for what returns a value, too.
func must[T any](value T, err error) T {
	check(err)
	return value
}

// runBench runs a bench and then, in reverse order, its cleanups.
func runBench(ctx context.Context, bench func(*environment)) error {
	return testsystem.RunOutside(ctx, func(o *testsystem.Outside) { bench(&environment{o, ctx}) })
}

// stop stops services.
func stop(sys *testsystem.System, services ...string) {
	for _, name := range services {
		check(sys.Stop(name), "stop ", name)
	}
}
