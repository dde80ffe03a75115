// Package breaking asks whoever has started everything on a developer's machine (deploy/local) to break a
// part for a while. In production there is nobody to ask.
package breaking

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Fault is a way to break a part.
type Fault struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// State is what can be broken, and what is.
type State struct {
	Faults []Fault   `json:"faults"`
	Broken string    `json:"broken"` // the name of what is; "" for nothing
	Until  time.Time `json:"until"`  // when it heals by itself
}

// ErrNotNow means that something else is broken.
var ErrNotNow = errors.New("something is broken already")

// ErrNoFault means that nothing of that name can be broken.
var ErrNoFault = errors.New("there is no such fault")

const (
	within  = 2 * time.Second
	longest = 64 << 10 // bytes of an answer
)

// Client asks at an address, which holds a secret.
type Client struct{ url string }

// NewClient returns a client; nil without an address.
func NewClient(address string) (*Client, error) {
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Host == "" || len(u.Path) < 2 {
		return nil, errors.New("BREAK_URL is set by make run alone: leave it out") // without it: it holds a secret
	}
	return &Client{strings.TrimSuffix(address, "/")}, nil
}

// State is what can be broken, and what is.
func (c *Client) State(ctx context.Context) (s State, err error) {
	body, status, err := c.ask(ctx, http.MethodGet, "", within)
	if err != nil {
		return s, err
	}
	if status != http.StatusOK {
		return s, fmt.Errorf("what breaks parts answers with %d", status)
	}
	return s, json.Unmarshal(body, &s)
}

// Begin breaks a part.
func (c *Client) Begin(ctx context.Context, name string) error {
	_, status, err := c.ask(ctx, http.MethodPost, "/"+url.PathEscape(name), 5*within)
	switch {
	case err != nil:
		return err
	case status == http.StatusAccepted:
		return nil
	case status == http.StatusConflict:
		return ErrNotNow
	case status == http.StatusNotFound:
		return ErrNoFault
	}
	return fmt.Errorf("what breaks parts answers with %d", status)
}

func (c *Client) ask(ctx context.Context, method, path string, within time.Duration) (body []byte, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, nil)
	if err != nil {
		return nil, 0, errors.New("ask for a fault: the address is none")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		// The error has the address, which holds a secret.
		return nil, 0, errors.New("what breaks parts does not answer")
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(response.Body, longest))
	return body, response.StatusCode, err
}
