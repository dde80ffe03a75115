package faults

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/service/servicetest"
	"countersign.example/test/testsystem"
)

// A slow disk: contractor-ui's database takes 250 ms to record something, and so some 90 payments a second
// with all its connections.
const slowDisk = `
create function slowly() returns trigger language plpgsql as $$ begin perform pg_sleep(0.25); return null; end $$;
create trigger slowly after insert on journal for each statement execute function slowly();`

// load is browsers that ask for payments, again and again.
type load struct {
	url  string
	http *http.Client

	mu     sync.Mutex
	asked  map[string]int // the status of each payment's request
	took   []time.Duration
	words  string // of one refusal
	others []string
}

// ask asks for one payment and returns the answer's status.
func (c *load) ask(ctx context.Context) int {
	id := event.NewID().String()
	form := url.Values{"payment_id": {id}, "amount": {"12.00"}, "currency": {"EUR"}, "description": {"Scaffolding"}, "capture": {"automatic"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/payments", strings.NewReader(form.Encode()))
	if err != nil {
		panic(err) // the address is ours
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "text/html")
	began, status, body := time.Now(), 0, []byte(nil)
	response, err := c.http.Do(request)
	if err == nil {
		status = response.StatusCode
		body, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[id] = status
	switch {
	case err == nil && status == http.StatusSeeOther:
		c.took = append(c.took, took)
	case err == nil && status == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != "":
		c.words = string(body)
	default:
		c.others = append(c.others, fmt.Sprintf("%d %v %.300s", status, err, body))
	}
	return status
}

// work has so many ask for a time; whoever is refused waits a moment. It returns the 99th percentile of those
// served, and how many were served and refused.
func (c *load) work(ctx context.Context, browsers int, d time.Duration) (p99 time.Duration, served, refused int) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	c.mu.Lock()
	c.took = nil
	c.mu.Unlock()
	var work sync.WaitGroup
	var shed atomic.Int64
	for range browsers {
		work.Go(func() {
			for ctx.Err() == nil {
				if c.ask(context.WithoutCancel(ctx)) == http.StatusSeeOther {
					continue
				}
				shed.Add(1)
				select {
				case <-ctx.Done():
				case <-time.After(500 * time.Millisecond):
				}
			}
		})
	}
	work.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.took)
	if served = len(c.took); served > 0 {
		p99 = c.took[served*99/100]
	}
	return p99, served, int(shed.Load())
}

func TestMoreThanTheDatabaseCanTakeIsRefusedAndTheRestServedAsEver(t *testing.T) {
	// Given a database that takes some 90 payments a second, people who ask for fewer, and an open page.
	sys := newSystem(t, "REQUESTS_AT_ONCE=256")
	client := sys.SignIn(t, testsystem.Contractor, ada)
	open, err := client.Open("/payments")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, open.Status)
	sys.Break(t, testsystem.Contractor, slowDisk)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := &load{url: sys.URL(testsystem.Contractor), asked: map[string]int{}, http: &http.Client{
		Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 512},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	response, err := c.http.PostForm(c.url+"/signed-in-as", url.Values{"person": {"ada-nowak"}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	normal, served, refused := c.work(t.Context(), 4, 3*time.Second)
	require.Zero(t, refused, "refused while few ask: %v", c.others)
	t.Logf("4 browsers: %d served, p99 %s", served, normal)

	// When many times as much is asked.
	healthy := make(chan error, 1)
	go func() { healthy <- staysReady(c.url, 5*time.Second) }()
	p99, served, refused := c.work(t.Context(), 160, 6*time.Second)
	t.Logf("160 browsers: %d served, p99 %s, and %d refused", served, p99, refused)

	// Then what is too much is refused with words, and nothing else is the matter; what is served is served
	// soon, and the process still says that it is ready.
	require.Empty(t, c.others, "answers that are neither a payment nor a refusal with Retry-After")
	require.Greater(t, refused, served/2, "refused")
	require.Contains(t, c.words, "Nothing was changed")
	require.Less(t, p99, 5*normal, "99th percentile of those served")
	require.NoError(t, <-healthy)

	// And all are served as ever within 5 s.
	for watch := servicetest.StartStopwatch(t); ; {
		again, _, refused := c.work(t.Context(), 4, time.Second)
		if refused == 0 && again < normal*3/2 {
			t.Logf("as ever after %s: p99 %s", watch.Took(), again)
			break
		}
		require.Less(t, watch.Took(), 5*time.Second, "p99 %s, and %d refused", again, refused)
	}

	// And each answer is true: there is a payment for each that was taken, and none for any that was refused.
	sys.Break(t, testsystem.Contractor, "drop trigger slowly on journal")
	sys.Settle(t)
	stories := sys.CheckInvariants(t)
	for id, status := range c.asked {
		if _, there := stories[id]; there != (status == http.StatusSeeOther) {
			t.Errorf("payment %s was answered %d; it is there: %v", id, status, there)
		}
	}
}

// staysReady asks a process for a time whether it is ready.
func staysReady(url string, d time.Duration) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < d; <-tick.C {
		response, err := http.Get(url + "/readyz")
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz is %d", response.StatusCode)
		}
	}
	return nil
}
