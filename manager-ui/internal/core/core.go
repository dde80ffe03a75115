// Package core is manager-ui's client of payments-core: the commands about money.
//
// Invariants:
//   - A command that is sent again has the same idempotency key, so that it is done once.
//   - An error says what is known: refused (a [*Refusal]), surely not done ([ErrAway]), or not known
//     ([ErrUnknown]). Whoever gets the last two may send the command again, with its key.
package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign.example/pkg/event"
)

// The errors that are nobody's refusal.
var (
	// ErrAway says that payments-core could not be reached: nothing was changed.
	ErrAway = errors.New("payments-core cannot be reached")
	// ErrUnknown says that no answer came that can be understood: the command may have been recorded.
	ErrUnknown = errors.New("payments-core did not answer clearly")
)

// Refusal is what payments-core says to a command that it does not take.
type Refusal struct {
	Status int    // of HTTP, 400 to 499
	Code   string // "under_way", or one of package payment's
	Detail string // fit for a person: "already captured by Mia Weber"
}

func (r *Refusal) Error() string { return r.Detail }

// Kind is what a command asks for.
type Kind string

// The commands.
const (
	Capture Kind = "capture"
	Release Kind = "release"
)

// Command asks to capture or to release what is on hold for a payment.
type Command struct {
	Kind      Kind
	PaymentID string
	Key       string // idempotency key: 1 to 200 printable characters
	Reason    string // of a release; may be empty
}

const (
	attempts      = 3
	pause         = 100 * time.Millisecond // before the second attempt; doubles
	deadline      = 6 * time.Second        // of all attempts together; a page has 10 s
	perAttempt    = 3 * time.Second
	maxAnswerSize = 64 << 10
)

// Client sends commands to one payments-core.
type Client struct {
	base, token string
	http        *http.Client
	timeout     time.Duration // of one attempt
}

// New returns a client of the payments-core at base (http://host:port), which knows us by token.
func New(base, token string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("PAYMENTS_CORE_URL is %q: use http://host:port", base)
	}
	return &Client{base: strings.TrimSuffix(base, "/"), token: token, http: &http.Client{
		// A redirect would carry a command somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, timeout: perAttempt}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Send sends a command on behalf of the person in ctx (see event.MetaFrom). It returns nil once payments-core has recorded
// it; what comes of it is heard from Kafka later.
func (c *Client) Send(ctx context.Context, command Command) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	known := ErrAway // as long as every attempt failed to connect, nothing can have been changed
	for n := 0; ; n++ {
		err := c.try(ctx, command)
		var refusal *Refusal
		if err == nil || errors.As(err, &refusal) {
			return err
		}
		if !neverSent(err) {
			known = ErrUnknown
		}
		if n+1 == attempts || !wait(ctx, pause<<n) {
			return fmt.Errorf("%w: %s payment %s: %w", known, command.Kind, command.PaymentID, err)
		}
	}
}

func (c *Client) try(ctx context.Context, command Command) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	meta := event.MetaFrom(ctx)
	body, err := json.Marshal(map[string]any{
		"actor":  map[string]string{"id": meta.Actor, "name": meta.ActorName},
		"reason": command.Reason,
	})
	if err != nil {
		return err
	}
	address := c.base + "/payments/" + url.PathEscape(command.PaymentID) + "/" + string(command.Kind)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, application/problem+json")
	request.Header.Set("Idempotency-Key", command.Key)
	if meta.CorrelationID != "" {
		request.Header.Set("X-Correlation-Id", meta.CorrelationID)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerSize))
	if err != nil {
		return err
	}
	return read(response, answer, command)
}

// read believes an answer only if it is one that payments-core gives.
func read(response *http.Response, answer []byte, command Command) error {
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	var recorded struct {
		PaymentID string `json:"payment_id"`
	}
	var problem struct {
		Detail string `json:"detail"`
		Code   string `json:"code"`
	}
	switch status := response.StatusCode; {
	case status == http.StatusAccepted && media == "application/json" &&
		json.Unmarshal(answer, &recorded) == nil && recorded.PaymentID == command.PaymentID:
		return nil
	case (status == http.StatusNotFound || status == http.StatusConflict || status == http.StatusUnprocessableEntity) &&
		media == "application/problem+json" && json.Unmarshal(answer, &problem) == nil && problem.Detail != "":
		return &Refusal{Status: status, Code: problem.Code, Detail: problem.Detail}
	}
	return fmt.Errorf("answered %s (%s)", response.Status, media)
}

// neverSent tells whether the request cannot have reached anyone.
func neverSent(err error) bool {
	var dialing *net.OpError
	return errors.As(err, &dialing) && dialing.Op == "dial"
}

// wait is false when there is no time left.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
