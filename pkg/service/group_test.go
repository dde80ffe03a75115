package service

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// diary notes what components do, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) component(name string, up chan<- struct{}) Component {
	return Component{
		Name:  name,
		Start: func(context.Context) error { d.note("start " + name); return nil },
		Run: func(ctx context.Context) error {
			up <- struct{}{}
			<-ctx.Done()
			d.note("end " + name)
			return ctx.Err()
		},
		Stop: func(context.Context) error { d.note("stop " + name); return nil },
	}
}

func newTestGroup(timeout time.Duration) *Group {
	return NewGroup(slog.New(slog.NewTextHandler(io.Discard, nil)), timeout)
}

func TestAGroupStopsInReverseOrderOneByOne(t *testing.T) {
	d, up := &diary{}, make(chan struct{}, 2)
	g := newTestGroup(time.Minute)
	g.Add(d.component("database", up))
	g.Add(d.component("http", up))
	g.OnStop("readiness", func(context.Context) error { d.note("not ready"); return nil })
	ctx, cancel := context.WithCancel(context.Background())
	// What runs last starts last: all that is above has started when it stops the group.
	g.Go("stopper", func(ctx context.Context) error { <-up; <-up; cancel(); <-ctx.Done(); return nil })

	if err := g.Run(ctx); err != nil {
		t.Fatal(err)
	}

	want := []string{"start database", "start http", "not ready", "stop http", "end http", "stop database", "end database"}
	if !reflect.DeepEqual(d.lines, want) {
		t.Errorf("got  %q\nwant %q", d.lines, want)
	}
}

func TestWhenOneFailsAllStop(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name string
		bad  Component
		want string
	}{
		{"while running", Component{Name: "relay", Run: func(context.Context) error { return broken }}, "relay: broken"},
		{"at the start", Component{Name: "http", Start: func(context.Context) error { return broken }}, "start http: broken"},
		{"ending early", Component{Name: "consumer", Run: func(context.Context) error { return nil }}, "consumer: ended by itself"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, up := &diary{}, make(chan struct{}, 1)
			g := newTestGroup(time.Minute)
			g.Add(d.component("database", up))
			g.Add(tc.bad)

			err := g.Run(context.Background())

			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if last := d.lines[len(d.lines)-1]; last != "end database" {
				t.Errorf("the last thing was %q", last)
			}
		})
	}
}

func TestAComponentThatDoesNotEndIsNamed(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	g := newTestGroup(10 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	g.Go("stubborn", func(context.Context) error { cancel(); <-release; return nil })
	if err := g.Run(ctx); err == nil || !strings.Contains(err.Error(), "stop stubborn: still running") {
		t.Errorf("got %v", err)
	}
}
