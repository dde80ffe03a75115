package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
)

// environment is what test/testsystem asks of a test, for a program that is none. Only the methods below
// may be called on it.
type environment struct {
	testing.TB // for its unexported method
	ctx        context.Context
	cleanups   []func()
	failed     bool
}

// fatal is how Fatal leaves; see runBench.
type fatal struct{ error }

// runBench runs a bench and then, in reverse order, its cleanups.
func runBench(ctx context.Context, bench func(*environment) error) (err error) {
	s := &environment{ctx: ctx}
	defer func() {
		for len(s.cleanups) > 0 {
			last := len(s.cleanups) - 1
			cleanup := s.cleanups[last]
			s.cleanups = s.cleanups[:last]
			err = errors.Join(err, guard(func() error { cleanup(); return nil }))
		}
	}()
	return guard(func() error {
		err := bench(s)
		s.failed = s.failed || err != nil
		return err
	})
}

// guard turns Fatal back into an error.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(fatal)
			if !ok {
				panic(p)
			}
			err = f.error
		}
	}()
	return do()
}

func (s *environment) Context() context.Context { return s.ctx }
func (s *environment) Cleanup(fn func())        { s.cleanups = append(s.cleanups, fn) }
func (s *environment) Helper()                  {}
func (s *environment) Failed() bool             { return s.failed }
func (s *environment) Logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

func (s *environment) Errorf(format string, args ...any) {
	s.failed = true
	s.Logf(format, args...)
}

func (s *environment) Fatal(args ...any) {
	s.failed = true
	panic(fatal{errors.New(fmt.Sprint(args...))})
}

func (s *environment) Fatalf(format string, args ...any) {
	s.failed = true
	panic(fatal{fmt.Errorf(format, args...)})
}

func (s *environment) TempDir() string {
	dir, err := os.MkdirTemp("", "countersign-bench-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
