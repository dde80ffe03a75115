package testsystem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
)

// Outside is what this package asks of a test, for a program that is none. Only the methods below may be
// called on it.
type Outside struct {
	testing.TB // for its unexported method
	ctx        context.Context
	cleanups   []func()
	failed     bool
	errors     int
}

// fatal is how a program leaves what it does at an error; see RunOutside.
type fatal struct{ error }

// Check leaves what RunOutside runs if err is an error. Only the goroutine that it runs in may call it.
func Check(err error, what ...any) {
	if err != nil && len(what) > 0 {
		err = fmt.Errorf("%s: %w", fmt.Sprint(what...), err)
	}
	if err != nil {
		panic(fatal{err})
	}
}

// RunOutside runs do and then, in reverse order, its cleanups.
func RunOutside(ctx context.Context, do func(*Outside)) (err error) {
	o := &Outside{ctx: ctx}
	defer func() {
		for len(o.cleanups) > 0 {
			last := len(o.cleanups) - 1
			cleanup := o.cleanups[last]
			o.cleanups = o.cleanups[:last]
			err = errors.Join(err, guard(cleanup))
		}
	}()
	err = guard(func() { do(o) })
	o.failed = o.failed || err != nil
	return err
}

// guard turns what Check and Fatal have left with back into an error.
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

func (o *Outside) Context() context.Context { return o.ctx }
func (o *Outside) Cleanup(fn func())        { o.cleanups = append(o.cleanups, fn) }
func (o *Outside) Helper()                  {}
func (o *Outside) Failed() bool             { return o.failed }
func (o *Outside) Fatal(args ...any)        { Check(errors.New(fmt.Sprint(args...))) }

// Errors is how many errors were reported.
func (o *Outside) Errors() int { return o.errors }

func (o *Outside) Fatalf(format string, args ...any) { Check(fmt.Errorf(format, args...)) }

func (o *Outside) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (o *Outside) Errorf(format string, args ...any) {
	o.failed = true
	o.errors++
	o.Logf(format, args...)
}

func (o *Outside) TempDir() string {
	dir, err := os.MkdirTemp("", "countersign-outside-")
	Check(err)
	o.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
