package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"countersign.example/test/testsystem"
)

const (
	pagesOfSession  = 20 // as SOCKETS_PER_SESSION has it
	contractorsList = "/"
	tellEvery       = 5 * time.Second
	othersEvery     = 50 * time.Millisecond
	othersBefore    = 10 * time.Second
	trueWithin      = 2 * time.Minute
)

// viewersAre those whose pages are open.
var viewersAre = []string{"ada-nowak", "jon-park"}

// sockets measures what it is for one replica of contractor-ui, with its own limits, that Redis loses its
// data: every open page is told to fetch itself again. Other people look at their payments and ask for new
// ones, 20 times a second, before and meanwhile.
func sockets(e *environment) {
	sys := testsystem.New(e, "REQUESTS_PER_SESSION=0", "REQUESTS_PER_ADDRESS=0", "SIGN_INS_PER_ADDRESS=0", "SESSIONS_PER_ADDRESS=0")
	stop(sys, testsystem.Manager, testsystem.Core, testsystem.Gateway)
	app := sys.URL(testsystem.Contractor)
	others := must(signInAll(e.ctx, 16, app, "sara-lind")) // whose rows no open page gets
	people := append(must(signInAll(e.ctx, 2, app, viewersAre...)), others[0])
	for i := range 30 * len(people) {
		check(people[i%len(people)].request(e.ctx, newID()))
	}
	ctx, cancel := context.WithCancel(e.ctx)
	c := &viewers{ctx: ctx}
	e.Cleanup(func() {
		cancel()
		c.following.Wait()
	})
	began := time.Now()
	check(c.open(app, *openSockets))
	fmt.Printf("%d pages were open after %s\n", *openSockets, time.Since(began).Round(time.Second))
	before := c.watch(others, func(since time.Time) bool { return time.Since(since) > othersBefore })

	usage := startUsage(ctx)
	sys.Parts.EmptyRedis(e)
	lost := time.Now()
	ended := c.tell(usage)
	meanwhile := c.watch(others, func(since time.Time) bool {
		return c.told.Load() >= int64(*openSockets) && c.behind.Load() == 0 || time.Since(since) > trueWithin
	})
	took, cpu := time.Since(lost), usage.since()
	ended()
	if n := c.behind.Load(); n > 0 || c.told.Load() < int64(*openSockets) {
		check(fmt.Errorf("after %s %d pages were told, and %d are still behind", took, c.told.Load(), n))
	}
	fmt.Printf("\nSockets: Redis without its data, and %d open pages of one replica\n\n", *openSockets)
	t := newTable("", "memory (MB, at most)", "others p50 (ms)", "p99", "of", "others refused")
	for _, w := range []struct {
		name string
		seen *watched
	}{{"before", before}, {"meanwhile", meanwhile}} {
		t.add(w.name, fmt.Sprint(w.seen.memory>>20), ms(percentile(w.seen.took.all, 50)), ms(percentile(w.seen.took.all, 99)), fmt.Sprint(len(w.seen.took.all)), fmt.Sprint(w.seen.refused))
	}
	t.print()
	fmt.Printf("\nAll were told within %s, and true after %s; pages refused %d times, told twice %d times. CPU time: %s %s, PostgreSQL %s.\n", c.toldAfter(lost).Round(time.Millisecond),
		took.Round(100*time.Millisecond), c.refused.Load(), c.told.Load()-int64(*openSockets), testsystem.Contractor, cpu[testsystem.Contractor], cpu[postgresCPU])
}

// viewers are open pages that follow their sockets as the client in the browser does.
type viewers struct {
	ctx                   context.Context
	following             sync.WaitGroup
	told, behind, refused atomic.Int64
	lastTold              atomic.Int64 // in nanoseconds since 1970
}

// tell says every few seconds how far it is.
func (c *viewers) tell(u usage) (stop func()) {
	ctx, cancel := context.WithCancel(c.ctx)
	var telling sync.WaitGroup
	telling.Go(func() {
		for sleep(ctx, tellEvery); ctx.Err() == nil; sleep(ctx, tellEvery) {
			fmt.Fprintf(os.Stderr, "%s: %d told, %d behind, refused %d times; CPU time %v\n", time.Since(u.began).Round(time.Second), c.told.Load(), c.behind.Load(), c.refused.Load(), u.since())
		}
	})
	return func() {
		cancel()
		telling.Wait()
	}
}

func (c *viewers) toldAfter(began time.Time) time.Duration {
	return time.Unix(0, c.lastTold.Load()).Sub(began)
}

func (c *viewers) open(app string, n int) error {
	var opening errgroup.Group
	opening.SetLimit(16)
	for first := 0; first < n; first += pagesOfSession {
		opening.Go(func() error {
			who, err := signIn(c.ctx, app, viewersAre[first/pagesOfSession%2])
			if err != nil {
				return err
			}
			cursor, err := who.load(c.ctx, contractorsList)
			for i := first; i < min(n, first+pagesOfSession) && err == nil; i++ {
				err = c.follow(who, cursor)
			}
			return err
		})
	}
	return opening.Wait()
}

var buffers sync.Pool

func (c *viewers) follow(who *person, cursor string) error {
	dialer := websocket.Dialer{Jar: who.http.Jar, HandshakeTimeout: 15 * time.Second, ReadBufferSize: 512, WriteBufferPool: &buffers}
	address := "ws" + strings.TrimPrefix(who.base, "http") + "/live?since=" + url.QueryEscape(cursor)
	conn, response, err := dialer.DialContext(c.ctx, address, http.Header{"Origin": {who.base}})
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	_ = response.Body.Close()
	done := context.AfterFunc(c.ctx, func() { _ = conn.Close() })
	c.following.Go(func() {
		defer done()
		for {
			var m struct {
				Reset  bool
				Spread int64
			}
			if conn.ReadJSON(&m) != nil {
				return
			}
			if !m.Reset {
				continue
			}
			c.behind.Add(1)
			c.told.Add(1)
			c.lastTold.Store(time.Now().UnixNano())
			sleep(c.ctx, time.Duration(rand.Int64N(max(1, m.Spread)))*time.Millisecond)
			if page := c.refresh(who); page == nil || conn.WriteMessage(websocket.TextMessage, cursorAttribute.FindSubmatch(page)[1]) != nil {
				return
			}
			c.behind.Add(-1)
		}
	})
	return nil
}

// refresh fetches a page until it comes.
func (c *viewers) refresh(who *person) []byte {
	for tries := 0; c.ctx.Err() == nil; tries++ {
		status, after, page := ask(c.ctx, who, http.MethodGet, contractorsList, nil)
		if status == http.StatusOK && cursorAttribute.Match(page) {
			return page
		}
		c.refused.Add(1)
		sleep(c.ctx, min(time.Duration(max(after, 2))*time.Second<<min(tries, 4), 30*time.Second)*time.Duration(100+rand.IntN(50))/100)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// ask sends a request; status is 0 where no answer came.
func ask(ctx context.Context, who *person, method, path string, form url.Values) (status, retryAfter int, page []byte) {
	request, err := http.NewRequestWithContext(ctx, method, who.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, 0, nil
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := who.http.Do(request)
	if err != nil {
		return 0, 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	page, _ = io.ReadAll(response.Body)
	retryAfter, _ = strconv.Atoi(response.Header.Get("Retry-After"))
	return response.StatusCode, retryAfter, page
}

// watched is how it went for other people, and what the replica needed.
type watched struct {
	took    samples[time.Duration]
	refused int
	memory  int64
}

// watch has the others ask, each time when it is due, until it is over.
func (c *viewers) watch(others []*person, over func(since time.Time) bool) *watched {
	w := &watched{}
	var asking sync.WaitGroup
	var refused atomic.Int64
	tick := time.NewTicker(othersEvery)
	defer tick.Stop()
	began := time.Now()
	for n := 0; !over(began) && c.ctx.Err() == nil; n++ {
		due := <-tick.C
		asking.Go(func() {
			method, path, form := http.MethodGet, contractorsList, url.Values(nil)
			if n%2 == 0 {
				method, path, form = http.MethodPost, "/payments", url.Values{"payment_id": {newID()}, "amount": {"12.00"}, "currency": {"EUR"}, "description": {"Scaffolding"}, "capture": {"automatic"}}
			}
			if status, _, _ := ask(c.ctx, others[n%len(others)], method, path, form); status != http.StatusOK && status != http.StatusSeeOther {
				refused.Add(1)
			} else {
				w.took.add(time.Since(due))
			}
		})
		if n%10 == 0 {
			w.memory = max(w.memory, memoryOf(testsystem.Contractor))
		}
	}
	asking.Wait()
	w.refused = int(refused.Load())
	return w
}
