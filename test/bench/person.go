package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"countersign.example/pkg/event"
)

// person is a browser with a session, as far as the server can tell.
type person struct {
	base string
	http *http.Client
}

// transport keeps a connection open for each person.
var transport = &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}

// signIn opens a session of somebody at the app at base.
func signIn(ctx context.Context, base, who string) (*person, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	p := &person{base: base, http: &http.Client{
		Transport: transport, Jar: jar, Timeout: 15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return p, p.post(ctx, "/signed-in-as", url.Values{"person": {who}})
}

// signInAll opens n sessions, of these people in turn.
func signInAll(ctx context.Context, n int, base string, who ...string) ([]*person, error) {
	all := make([]*person, n)
	for i := range all {
		var err error
		if all[i], err = signIn(ctx, base, who[i%len(who)]); err != nil {
			return nil, fmt.Errorf("sign in at %s: %w", base, err)
		}
	}
	return all, nil
}

// post sends a form, which a redirect must answer; it is not followed.
func (p *person) post(ctx context.Context, path string, form url.Values) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err = exchange(p.http, request, http.StatusSeeOther)
	return err
}

// exchange sends a request and reads its answer, which must have one of these statuses.
func exchange(via *http.Client, request *http.Request, statuses ...int) ([]byte, error) {
	response, err := via.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && !slices.Contains(statuses, response.StatusCode) {
		err = fmt.Errorf("%s %s answered %s: %.300s", request.Method, request.URL.Path, response.Status, body)
	}
	return body, err
}

// request asks for a payment.
func (p *person) request(ctx context.Context, id string) error {
	return p.post(ctx, "/payments", url.Values{"payment_id": {id}, "amount": {"12.00"}, "currency": {"EUR"},
		"description": {"Scaffolding for the north wall"}, "capture": {"automatic"}})
}

// accept accepts one.
func (p *person) accept(ctx context.Context, id string) error {
	return p.post(ctx, "/payments/"+id+"/accept", url.Values{"note": {""}})
}

// row is what a bench wants to know of a row that arrives.
type row struct {
	ID       string `json:"id"`
	Revision int64  `json:"revision"`
}

// payment is the id of the row's payment.
func (r row) payment() string { return strings.TrimPrefix(r.ID, "payment-") }

var cursorAttribute = regexp.MustCompile(`<live-updates[^>]* cursor="([^"]*)"`)

// open loads a page and follows it as the page itself would; each row is given to seen. On a
// reset it loads the page again, and calls missed.
func (p *person) open(ctx context.Context, path string, seen func(row, time.Time), missed func()) (stop func(), err error) {
	cursor, err := p.load(ctx, path)
	if err != nil {
		return nil, err
	}
	address := "ws" + strings.TrimPrefix(p.base, "http") + "/live?since=" + url.QueryEscape(cursor)
	dialer := websocket.Dialer{Jar: p.http.Jar, HandshakeTimeout: 5 * time.Second}
	conn, response, err := dialer.DialContext(ctx, address, http.Header{"Origin": {p.base}})
	if err != nil {
		return nil, fmt.Errorf("open the socket: %w", err)
	}
	_ = response.Body.Close()
	var following sync.WaitGroup
	following.Go(func() {
		for {
			var message struct {
				Row   *row
				Reset bool
			}
			if err := conn.ReadJSON(&message); err != nil {
				return
			}
			switch {
			case message.Row != nil:
				seen(*message.Row, time.Now())
			case message.Reset:
				missed()
				if cursor, err := p.load(ctx, path); err == nil {
					_ = conn.WriteMessage(websocket.TextMessage, []byte(cursor))
				}
			}
		}
	})
	return func() {
		_ = conn.Close()
		following.Wait()
	}, nil
}

// load gets a page, and from it where it is in the live stream.
func (p *person) load(ctx context.Context, path string) (cursor string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return "", err
	}
	page, err := exchange(p.http, request, http.StatusOK)
	if err != nil {
		return "", err
	}
	found := cursorAttribute.FindSubmatch(page)
	if found == nil {
		return "", fmt.Errorf("%s is no live page: %.300s", path, page)
	}
	return string(found[1]), nil
}

func newID() string { return event.NewID().String() }
