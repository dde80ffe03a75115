package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"countersign.example/test/testsystem"
)

// environment is what test/testsystem asks of a test, for a program that is none. Only the methods below may
// be called on it.
type environment struct {
	testing.TB // for its unexported method
	ctx        context.Context
	cleanups   []func()
	failed     bool
}

// fatal is how a bench is left at an error; see runBench.
type fatal struct{ error }

// check leaves the bench if err is an error. Only the goroutine that the bench runs in may call it.
func check(err error, what ...any) {
	if err != nil && len(what) > 0 {
		err = fmt.Errorf("%s: %w", fmt.Sprint(what...), err)
	}
	if err != nil {
		panic(fatal{err})
	}
}

// must is check for what returns a value, too.
func must[T any](value T, err error) T {
	check(err)
	return value
}

// runBench runs a bench and then, in reverse order, its cleanups.
func runBench(ctx context.Context, bench func(*environment)) (err error) {
	e := &environment{ctx: ctx}
	defer func() {
		for len(e.cleanups) > 0 {
			last := len(e.cleanups) - 1
			cleanup := e.cleanups[last]
			e.cleanups = e.cleanups[:last]
			err = errors.Join(err, guard(cleanup))
		}
	}()
	err = guard(func() { bench(e) })
	e.failed = e.failed || err != nil
	return err
}

// guard turns what check and Fatal have left with back into an error.
func guard(do func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(fatal)
			if !ok {
				panic(p)
			}
			err = f.error
		}
	}()
	do()
	return nil
}

func (e *environment) Context() context.Context { return e.ctx }
func (e *environment) Cleanup(fn func())        { e.cleanups = append(e.cleanups, fn) }
func (e *environment) Helper()                  {}
func (e *environment) Failed() bool             { return e.failed }
func (e *environment) Fatal(args ...any)        { check(errors.New(fmt.Sprint(args...))) }

func (e *environment) Fatalf(format string, args ...any) { check(fmt.Errorf(format, args...)) }

func (e *environment) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (e *environment) Errorf(format string, args ...any) {
	e.failed = true
	e.Logf(format, args...)
}

func (e *environment) TempDir() string {
	dir := must(os.MkdirTemp("", "countersign-bench-"))
	e.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// stop stops services.
func stop(sys *testsystem.System, services ...string) {
	for _, name := range services {
		check(sys.Stop(name), "stop ", name)
	}
}
