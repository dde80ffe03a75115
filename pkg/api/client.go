package api

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
	"countersign.example/pkg/rights"
	"countersign.example/pkg/tracing"
	"countersign.example/pkg/wait"
	"countersign.example/pkg/web"
)

// The errors that are nobody's refusal.
var (
	// ErrUnreachable says that the service could not be reached: nothing was changed.
	ErrUnreachable = errors.New("cannot be reached")
	// ErrUnknown says that no answer came that can be understood: the command may have been recorded.
	ErrUnknown = errors.New("did not answer clearly")
	// ErrDenied says that the service takes no such request from us, whoever asks: our token is wrong, say.
	// Nothing was changed, and trying again is in vain until somebody who operates the services mends it.
	ErrDenied = errors.New("takes no such request from us")
)

// Refusal is what a service says to a command that it does not take.
type Refusal struct {
	Status int                        // of HTTP: 404, 409 or 422
	Code   string                     // for programs, such as "under_way"; may be empty
	Detail string                     // fit for a person: "already captured by Mia Weber"
	Extra  map[string]json.RawMessage // every other member of the problem
}

func (r *Refusal) Error() string { return r.Detail }

const (
	attempts      = 3
	pause         = 100 * time.Millisecond // before the second attempt; doubles
	deadline      = 6 * time.Second        // of all attempts together; a page has 10 s
	perAttempt    = 3 * time.Second
	maxAnswerSize = 256 << 10
	maxIdle       = 64 // connections that are kept
)

// Client sends commands to one service.
type Client struct {
	name, base, token string
	http              *http.Client
	timeout           time.Duration // of one attempt
	deadline          time.Duration // of all attempts together
	most              int64         // bytes of an answer
}

// NewClient returns a client of the service called name, at base (http://host:port, from the environment's
// variable), which knows us by token.
func NewClient(name, variable, base, token string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%s is %q: use http://host:port", variable, base)
	}
	// The default keeps two connections, and so dials again for nearly every command of a busy page.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxIdle
	return &Client{name: name, base: strings.TrimSuffix(base, "/"), token: token, http: &http.Client{
		Transport: tracing.Transport(name, transport),
		// A redirect would carry a command somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, timeout: perAttempt, deadline: deadline, most: maxAnswerSize}, nil
}

// NewLocalClient returns a client of a service's own API, which need not listen anywhere.
func NewLocalClient(name string, served http.Handler, token string) *Client {
	return &Client{name: name, base: "http://" + name, token: token, http: &http.Client{Transport: local{served}},
		timeout: perAttempt, deadline: deadline, most: maxAnswerSize}
}

// Patient is the client for a command that takes long, such as an import: it gives one attempt nearly as long
// as the page has.
func (c *Client) Patient() *Client {
	patient := *c
	patient.timeout = web.LongRequestTimeout - time.Second
	patient.deadline = patient.timeout
	return &patient
}

// Large is the client for an answer of so many bytes.
func (c *Client) Large(most int64) *Client {
	large := *c
	large.most = most
	return &large
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Post sends a command to path on behalf of the person in ctx (see event.MetaFrom), as often as it takes
// within 6 s, always with the same key and body. It returns nil once the service has taken it, with the
// answer in into (which may be nil); an answer that does not fit into, or that its method Check() error
// refuses, is no answer. Other errors are a *Refusal, ErrUnreachable, ErrUnknown or ErrDenied; for a key that
// is none (see IsKey), which nothing was asked with, a *web.Error with status 400. body is a struct or a map
// that becomes a JSON object, or nil.
func (c *Client) Post(ctx context.Context, path, key string, body, into any) error {
	if !IsKey(key) {
		return web.BadRequest("This form was sent in a way that is not understood. Nothing was changed: please open the page again.")
	}
	ctx, cancel := context.WithTimeout(ctx, c.deadline)
	defer cancel()
	raw, err := withActor(ctx, body)
	if err != nil {
		return fmt.Errorf("write the command: %w", err)
	}
	known := ErrUnreachable // as long as every attempt failed to connect, nothing can have been changed
	for n := 0; ; n++ {
		err := c.try(ctx, http.MethodPost, path, key, raw, into)
		if _, refused := errors.AsType[*Refusal](err); err == nil || refused {
			return err
		}
		_, denied := errors.AsType[denial](err)
		switch {
		case denied && errors.Is(known, ErrUnreachable): // no attempt before this one can have been taken
			return fmt.Errorf("%s %w: post %s: %w", c.name, ErrDenied, path, err)
		case !neverSent(err):
			known = ErrUnknown
		}
		if denied || n+1 == attempts || !wait.Sleep(ctx, pause<<n) {
			return fmt.Errorf("%s %w: post %s: %w", c.name, known, path, err)
		}
	}
}

// Get asks once for what is at path, on behalf of the person in ctx, and decodes the answer as Post does. Its
// errors are a *Refusal, such as a 404, and others.
func (c *Client) Get(ctx context.Context, path string, into any) error {
	if err := c.try(ctx, http.MethodGet, path, "", nil, into); err != nil {
		return fmt.Errorf("get %s: %w", path, err)
	}
	return nil
}

// withActor is body with the person in ctx.
func withActor(ctx context.Context, body any) ([]byte, error) {
	meta := event.MetaFrom(ctx)
	fields := map[string]any{}
	if body != nil {
		raw, err := encode(body)
		if err != nil {
			return nil, err
		}
		members := map[string]json.RawMessage{}
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, err
		}
		for name, value := range members {
			fields[name] = value
		}
	}
	fields["actor"] = Actor{ID: meta.Actor, Name: meta.ActorName, Role: rights.In(ctx)}
	return encode(fields)
}

// encode leaves <, > and & as they are: six bytes for each would make a file that is small enough a body that
// is not.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (c *Client) try(ctx context.Context, method, path, key string, body []byte, into any) error {
	correlation := event.MetaFrom(ctx).CorrelationID
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", "application/json, application/problem+json")
	if key != "" {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set(headerKey, key)
	} else { // who asks; of a command, its body says so
		request.Header.Set(headerActor, event.MetaFrom(ctx).Actor)
		request.Header.Set(headerRole, string(rights.In(ctx)))
	}
	if correlation != "" {
		request.Header.Set("X-Correlation-Id", correlation)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, c.most))
	if err != nil {
		return err
	}
	return read(response, answer, into)
}

// read believes an answer only if it is one that such a service gives.
func read(response *http.Response, answer []byte, into any) error {
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	unclear := fmt.Errorf("answered %s (%s)", response.Status, media)
	switch response.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted:
		if media != "application/json" || !json.Valid(answer) {
			return unclear
		}
		if into == nil {
			return nil
		}
		if err := json.Unmarshal(answer, into); err != nil {
			return fmt.Errorf("%w: %w", unclear, err)
		}
		if checked, ok := into.(interface{ Check() error }); ok {
			if err := checked.Check(); err != nil {
				return fmt.Errorf("%w: %w", unclear, err)
			}
		}
		return nil
	case http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
		if refusal := refusalOf(response.StatusCode, answer); media == "application/problem+json" && refusal != nil {
			return refusal
		}
	default:
		if response.StatusCode/100 == 4 && media == "application/problem+json" {
			return denial(unclear.Error() + ": " + detailOf(answer))
		}
	}
	return unclear
}

// denial is an answer that says, to whatever was sent, that it was not taken.
type denial string

func (d denial) Error() string { return string(d) }

// detailOf is for whoever operates the services.
func detailOf(answer []byte) string {
	if refusal := refusalOf(0, answer); refusal != nil {
		return refusal.Detail
	}
	return "it does not say why"
}

// refusalOf is nil for what does not say why.
func refusalOf(status int, answer []byte) *Refusal {
	refusal := &Refusal{Status: status}
	if json.Unmarshal(answer, &refusal.Extra) != nil {
		return nil
	}
	for name, into := range map[string]*string{"detail": &refusal.Detail, "code": &refusal.Code} {
		if raw, ok := refusal.Extra[name]; ok && json.Unmarshal(raw, into) != nil {
			return nil
		}
	}
	for _, name := range []string{"type", "title", "status", "detail", "code", "instance"} {
		delete(refusal.Extra, name)
	}
	if refusal.Detail == "" {
		return nil
	}
	return refusal
}

// neverSent reports whether the request cannot have reached anyone.
func neverSent(err error) bool {
	dialing, ok := errors.AsType[*net.OpError](err)
	return ok && dialing.Op == "dial"
}
