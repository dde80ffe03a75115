package tab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"countersign.example/pkg/wait"
)

const (
	answersWithin = 15 * time.Second
	silence       = 10 * time.Second // after which a browser asks whether the server is there
	probed        = 2 * time.Second  // within which it says so
	refreshPause  = time.Second      // between two pages that a tab fetches by itself
	backoffMost   = 5 * time.Second  // a browser waits for up to 15 s
)

// Browser is somebody's, with a session at one app.
type Browser struct {
	origin string
	http   *http.Client
}

// Open signs person in ("mia-weber") at the app at origin.
func Open(ctx context.Context, origin, person string) (*Browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &Browser{origin: origin, http: &http.Client{Jar: jar, Timeout: answersWithin,
		Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+"/signed-in-as", strings.NewReader(url.Values{"person": {person}}.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, _, err = b.do(request)
	return b, err
}

func (b *Browser) do(request *http.Request) (page, at string, err error) {
	response, err := b.http.Do(request)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", request.URL.Path, response.Status)
	}
	return string(body), response.Request.URL.RequestURI(), err
}

// fetch gets a page. A browser that does so by itself says so.
func (b *Browser) fetch(ctx context.Context, path string) (*view, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.origin+path, nil)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Page-Refresh", "1")
	page, at, err := b.do(request)
	if err != nil {
		return nil, "", err
	}
	v, err := read(page)
	return v, at, err
}

// Tab is an open page.
type Tab struct {
	browser *Browser
	path    string

	mu        sync.Mutex
	view      *view
	position  position
	conn      *websocket.Conn
	live      bool
	refetch   *time.Timer
	lastFetch time.Time
	stats     Stats
}

// Stats are what a tab has been through.
type Stats struct{ Connections, Messages, Fetches, Resets int }

// position is where the tab is in the stream of pushes, as in order.js.
type position struct {
	cursor string
	stale  bool
	asked  *string
}

func (p *position) page(cursor string) { p.cursor, p.asked, p.stale = cursor, &cursor, false }

func (p *position) message(m *message) {
	if m.Reset {
		p.stale, p.cursor, p.asked = true, "", nil
	}
	if m.Since != nil && p.asked != nil && *m.Since == *p.asked {
		p.asked = nil
	}
	if m.Cursor != "" && !p.stale && p.asked == nil {
		p.cursor = m.Cursor
	}
}

// New is a tab of a page, closed yet; see Follow.
func (b *Browser) New(path string) *Tab { return &Tab{browser: b, path: path} }

// Visit leads the tab to another page, as a click does.
func (t *Tab) Visit(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.path = path
	t.view = nil
	if t.conn != nil {
		_ = t.conn.Close()
	}
}

// Path is that of the tab's page.
func (t *Tab) Path() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.path
}

// Follow keeps the tab open until ctx ends.
func (t *Tab) Follow(ctx context.Context) {
	tries := 0
	for ctx.Err() == nil {
		worked, err := t.once(ctx)
		if worked {
			tries = 0
		}
		if err != nil {
			most := min(500*time.Millisecond<<tries, backoffMost)
			tries = min(tries+1, 5)
			wait.Sleep(ctx, most/4+rand.N(most*3/4))
		}
	}
}

// once opens the page, unless it is open, and the socket, and follows it until it is lost.
func (t *Tab) once(ctx context.Context) (worked bool, err error) {
	t.mu.Lock()
	opened, path := t.view != nil, t.path
	t.mu.Unlock()
	if !opened {
		v, at, err := t.browser.fetch(ctx, path)
		if err != nil {
			return false, err
		}
		t.mu.Lock()
		if t.path == path {
			t.view, t.path = v, at
			t.position = position{cursor: v.cursor}
		}
		t.mu.Unlock()
	}
	t.mu.Lock()
	if t.view == nil {
		t.mu.Unlock()
		return true, nil // somebody has gone on meanwhile
	}
	src, since := t.view.src, t.position.cursor
	t.mu.Unlock()
	address, err := url.Parse(t.browser.origin + src)
	if err != nil {
		return false, err
	}
	address.Scheme = "ws"
	query := address.Query()
	query.Set("since", since)
	address.RawQuery = query.Encode()
	dialer := websocket.Dialer{Jar: t.browser.http.Jar, HandshakeTimeout: answersWithin}
	conn, response, err := dialer.DialContext(ctx, address.String(), http.Header{"Origin": {t.browser.origin}})
	if err != nil {
		return false, err
	}
	_ = response.Body.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	t.opened(conn, since)
	defer t.closed()
	return t.listen(ctx, conn)
}

func (t *Tab) opened(conn *websocket.Conn, since string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn = conn
	t.stats.Connections++
	if since == t.position.cursor {
		if t.position.asked != nil && *t.position.asked == since {
			t.position.asked = nil
		}
	} else if !t.position.stale {
		_ = conn.WriteMessage(websocket.TextMessage, []byte(t.position.cursor))
	}
}

func (t *Tab) closed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.conn.Close()
	t.conn, t.live = nil, false
	if t.refetch != nil {
		t.refetch.Stop()
		t.refetch = nil
		if t.view != nil && !t.position.stale { // what it was to fetch it still lacks
			t.position = position{stale: true}
		}
	}
}

// listen takes what the socket brings. A socket that is silent is asked whether it is there.
func (t *Tab) listen(ctx context.Context, conn *websocket.Conn) (worked bool, err error) {
	messages, failed := make(chan *message), make(chan error, 1)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			_, data, err := conn.ReadMessage()
			var m *message
			if err == nil {
				m, err = decode(data)
			}
			if err != nil {
				failed <- err
				return
			}
			select {
			case messages <- m:
			case <-done:
				return
			}
		}
	}()
	timer, asked := time.NewTimer(silence), false
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return worked, nil
		case err := <-failed:
			// The session has ended: the page may be another's.
			if websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
				t.Visit(t.Path())
			}
			return worked, err
		case <-timer.C:
			if asked {
				return worked, errors.New("the server says nothing")
			}
			asked = true
			timer.Reset(probed)
			t.send("?")
		case m := <-messages:
			worked, asked = true, false
			timer.Reset(silence)
			if err := t.receive(ctx, m); err != nil {
				return worked, err
			}
		}
	}
}

func (t *Tab) send(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != nil {
		_ = t.conn.WriteMessage(websocket.TextMessage, []byte(text))
	}
}

func (t *Tab) receive(ctx context.Context, m *message) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Messages++
	if t.view == nil {
		return errors.New("somebody has gone on")
	}
	t.live = !m.Late
	unsure := false
	var err error
	if m.Row != nil {
		unsure, err = t.view.apply(*m.Row)
	}
	if m.Fragment != nil {
		err = errors.Join(err, t.view.take(*m.Fragment))
	}
	if m.Reset {
		t.stats.Resets++
		t.fetchIn(ctx, time.Duration(rand.Int64N(max(1, m.Spread)))*time.Millisecond)
	}
	if unsure {
		t.fetchIn(ctx, 0)
	}
	t.position.message(m)
	return err
}

// fetchIn has the page fetched again, as the client's Refresher does.
func (t *Tab) fetchIn(ctx context.Context, after time.Duration) {
	if t.refetch == nil {
		after = max(after, refreshPause-time.Since(t.lastFetch))
		t.refetch = time.AfterFunc(after, func() { t.fetch(ctx) })
	}
}

// fetch takes the page again, and has the server say again what came after it was made.
func (t *Tab) fetch(ctx context.Context) {
	t.mu.Lock()
	path, timer := t.path, t.refetch
	t.mu.Unlock()
	v, _, err := t.browser.fetch(ctx, path)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refetch != timer || t.refetch == nil || t.path != path {
		return // the socket was lost meanwhile
	}
	t.refetch, t.lastFetch = nil, time.Now()
	t.stats.Fetches++
	if err != nil {
		if ctx.Err() == nil {
			t.fetchIn(ctx, 2*refreshPause)
		}
		return
	}
	t.view = v
	t.position.page(v.cursor)
	if t.conn != nil {
		_ = t.conn.WriteMessage(websocket.TextMessage, []byte(v.cursor))
	}
}

// Right returns an error while the tab is not live, or shows something else than a reload does.
func (t *Tab) Right(ctx context.Context) error {
	reload, _, err := t.browser.fetch(ctx, t.Path())
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.view == nil || !t.live:
		return fmt.Errorf("%s is not live", t.path)
	case t.refetch != nil:
		return fmt.Errorf("%s is about to fetch the page", t.path)
	}
	if difference := t.view.difference(reload); difference != "" {
		return fmt.Errorf("%s: %s", t.path, difference)
	}
	return nil
}

// Stats are the tab's, so far.
func (t *Tab) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}
