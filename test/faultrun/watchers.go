package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"countersign.example/pkg/wait"
	"countersign.example/test/faultrun/tab"
	"countersign.example/test/testsystem"
)

// watchers are people who look: each has a page open, and some go from page to page.
type watchers struct {
	tabs    []*tab.Tab
	cancel  context.CancelFunc
	looking sync.WaitGroup
	going   context.CancelFunc
}

// lists are the pages with lists that are looked at. Those with what waits are fetched again again and again,
// as each decision takes a row out of a full page.
var lists = map[string][]string{
	testsystem.Contractor: {"/", "/orders", "/", "/orders", "/payments/"},
	testsystem.Manager:    {"/payments?tab=all", "/payments?tab=all", "/orders", "/payments?tab=all", "/payments"},
}

// detail is a tab that shows one payment or order after the other.
const detail = "/payments/"

// watch opens n tabs.
func watch(o *testsystem.Outside, sys *system, n int, k *known) *watchers {
	ctx, cancel := context.WithCancel(o.Context())
	going, stop := context.WithCancel(ctx)
	w := &watchers{cancel: cancel, going: stop}
	o.Cleanup(w.close)
	people := map[string][][2]string{testsystem.Contractor: contractors, testsystem.Manager: managers}
	browsers := map[string]*tab.Browser{}
	for i := range n {
		app := []string{testsystem.Contractor, testsystem.Manager}[i%2]
		who := people[app][i/2%len(people[app])][0]
		if browsers[app+who] == nil {
			b, err := tab.Open(ctx, sys.URL(app), who)
			testsystem.Check(err)
			browsers[app+who] = b
		}
		path := lists[app][i/2%len(lists[app])]
		goes := path == detail
		if goes {
			path = lists[app][0]
		}
		mine := who // whose payments and orders this person may see
		if app == testsystem.Manager {
			mine = ""
		}
		t := browsers[app+who].New(path)
		w.tabs = append(w.tabs, t)
		w.looking.Go(func() { t.Follow(ctx) })
		if goes {
			w.looking.Go(func() { goFromPageToPage(going, t, mine, k, rand.New(rand.NewPCG(uint64(i), 0))) })
		}
	}
	return w
}

// goFromPageToPage has a tab show another payment or order now and then.
func goFromPageToPage(ctx context.Context, t *tab.Tab, mine string, k *known, rnd *rand.Rand) {
	for wait.Sleep(ctx, 2*time.Second+rand.N(20*time.Second)) {
		if page := k.one(mine, rnd.IntN(knownAtMost)); page != "" {
			t.Visit(page)
		}
	}
}

// rest has everybody stay on their page.
func (w *watchers) rest() { w.going() }

// settleWithin waits until every tab shows what a reload shows, and returns those that do not.
func (w *watchers) settleWithin(ctx context.Context, patience time.Duration) (stale []string) {
	var mu sync.Mutex
	var looking sync.WaitGroup
	places := make(chan struct{}, 8)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for i, t := range w.tabs {
		looking.Go(func() {
			for {
				places <- struct{}{}
				err := t.Right(context.WithoutCancel(ctx))
				<-places
				if err == nil {
					return
				}
				if !wait.Sleep(ctx, 500*time.Millisecond) {
					mu.Lock()
					defer mu.Unlock()
					stale = append(stale, fmt.Sprintf("tab %d: %v", i, err))
					return
				}
			}
		})
	}
	looking.Wait()
	return stale
}

// stats are those of all tabs.
func (w *watchers) stats() (sum tab.Stats) {
	for _, t := range w.tabs {
		s := t.Stats()
		sum.Connections += s.Connections
		sum.Messages += s.Messages
		sum.Fetches += s.Fetches
		sum.Resets += s.Resets
	}
	return sum
}

func (w *watchers) close() {
	w.cancel()
	w.looking.Wait()
}
