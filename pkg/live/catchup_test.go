package live_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"countersign.example/pkg/live"
)

// counting is an app that counts what it renders.
type counting struct {
	*app
	rendered atomic.Int64
}

func (c *counting) Rows(ctx context.Context, streams []string) ([]live.Row, error) {
	c.rendered.Add(int64(len(streams)))
	return c.app.Rows(ctx, streams)
}

func (c *counting) Fragments(ctx context.Context, audience string) ([]live.Fragment, error) {
	c.rendered.Add(1)
	return c.app.Fragments(ctx, audience)
}

func (a *app) count(table string) (n int) {
	_ = a.db.Pool().QueryRow(a.tb.Context(), "select count(*) from "+table).Scan(&n)
	return n
}

func TestNothingIsPushedUntilTheCopiesHaveCaughtUp(t *testing.T) {
	// given an open page, and a database that begins to receive a topic
	a := &counting{app: newApp(t)}
	a.run(live.NewPusher(a.db, a.redis, "test", a, quiet).Run)
	b := a.open(0)
	a.change("early")
	eventually(t, "the page shows the first change and nothing is left to do", func() bool {
		return b.equalsReload() && a.count("live_stale") == 0 && a.unpushed() == 0
	})
	a.exec(`with begun as (insert into consumer_positions (topic, partition, first, next, target) values ('docs', 0, 0, 0, 100), ('docs', 1, 7, 7, 7))
		insert into catching_up default values`)
	before := a.rendered.Load()

	// when the copies grow
	for n := range 100 {
		a.change(fmt.Sprint(n))
		a.exec("update consumer_positions set next = least($1::int, 99) where partition = 0", n+1)
	}

	// then nothing is pushed
	if a.count("catching_up") != 1 || a.unpushed() != 100 || a.rendered.Load() != before {
		t.Errorf("catching up %d, %d unpushed, %d rendered", a.count("catching_up"), a.unpushed(), a.rendered.Load()-before)
	}

	// and once the last event is there, the page refreshes as a whole
	a.exec("update consumer_positions set next = 100 where partition = 0")
	a.db.Notify("unpushed")
	eventually(t, "the page is right", func() bool { return a.count("catching_up") == 0 && b.equalsReload() })
	if resets, _, _ := b.seen(); resets != 1 || a.unpushed() != 0 || a.rendered.Load() != before {
		t.Errorf("%d resets, %d unpushed, %d rendered", resets, a.unpushed(), a.rendered.Load()-before)
	}

	// and what changes later is pushed as ever
	a.change("late")
	eventually(t, "the page shows the last change", b.equalsReload)
	if resets, _, _ := b.seen(); resets != 1 {
		t.Errorf("%d resets", resets)
	}
}
