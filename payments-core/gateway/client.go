package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign.example/pkg/money"
	"countersign.example/pkg/tracing"
)

const (
	// defaultTimeout of one call; the caller's own deadline may be shorter.
	defaultTimeout = 5 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
	// pageSize is how many records are asked for at once.
	pageSize = 500
)

// ClientConfig is where the gateway is and how to speak to it.
type ClientConfig struct {
	URL     string        // such as http://localhost:5003
	Token   string        // bearer token
	Timeout time.Duration // for one call, connecting and reading included; 5 s if zero
}

// Client is the gateway over HTTP with JSON. It sends each call once; asking again is the caller's.
type Client struct {
	base    string
	token   string
	timeout time.Duration
	http    *http.Client
}

var _ Gateway = (*Client)(nil)

// NewClient returns a client. It does not connect yet.
func NewClient(c ClientConfig) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("read the gateway's URL: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("the gateway's URL is %q: use http://host:port", c.URL)
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// As many jobs as work at once keep their connections.
	transport.MaxIdleConnsPerHost = 64
	return &Client{
		base: strings.TrimRight(c.URL, "/"), token: c.Token, timeout: c.Timeout,
		http: &http.Client{
			Transport: tracing.Transport("gateway", transport),
			// A redirect is no answer about money.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close gives up idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Authorize implements Gateway.
func (c *Client) Authorize(ctx context.Context, r Request) (Result, error) {
	return c.call(ctx, "/authorizations", call{
		key: r.Key, kind: KindAuthorize,
		PaymentID: r.PaymentID, Amount: r.Amount, Description: r.Description,
	})
}

// Capture implements Gateway.
func (c *Client) Capture(ctx context.Context, key, reference string, amount money.Amount) (Result, error) {
	return c.operate(ctx, key, KindCapture, reference, amount)
}

// Release implements Gateway.
func (c *Client) Release(ctx context.Context, key, reference string, amount money.Amount) (Result, error) {
	return c.operate(ctx, key, KindRelease, reference, amount)
}

// Refund implements Gateway.
func (c *Client) Refund(ctx context.Context, key, reference string, amount money.Amount) (Result, error) {
	return c.operate(ctx, key, KindRefund, reference, amount)
}

func (c *Client) operate(ctx context.Context, key string, kind Kind, reference string, amount money.Amount) (Result, error) {
	path := "/authorizations/" + url.PathEscape(reference) + "/" + string(kind)
	return c.call(ctx, path, call{key: key, kind: kind, reference: reference, Amount: amount})
}

// call is the body of a request, with what is in its header and path.
type call struct {
	key       string // header Idempotency-Key
	kind      Kind   // in the path, as is reference
	reference string

	PaymentID   string       `json:"payment_id,omitempty"`
	Amount      money.Amount `json:"amount"`
	Description string       `json:"description,omitempty"`
}

func (c *Client) call(ctx context.Context, path string, o call) (Result, error) {
	result, err := c.send(ctx, path, o)
	if err != nil {
		return Result{}, fmt.Errorf("%s %s: %w", o.kind, o.key, err)
	}
	return result, nil
}

func (c *Client) send(ctx context.Context, path string, o call) (Result, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return Result{}, unknown(err)
	}
	status, answer, err := c.do(ctx, http.MethodPost, path, o.key, body)
	switch {
	case err != nil:
		return Result{}, unknown(err)
	case status == http.StatusOK:
		return o.result(answer)
	case status == http.StatusUnprocessableEntity && problemCode(answer) == "key_reused":
		return Result{}, ErrKeyReused
	}
	return Result{}, unknownStatus(status, answer)
}

// result reads the answer, and believes it only if it is about this call: a proxy's page, or a
// mistake at the gateway, must not become money.
func (o call) result(answer []byte) (Result, error) {
	var a RecordJSON
	if err := json.Unmarshal(answer, &a); err != nil {
		return Result{}, unknown(fmt.Errorf("read the answer: %w", err))
	}
	record, err := a.record()
	if err != nil {
		return Result{}, unknown(err)
	}
	if record.Key != o.key || record.Kind != o.kind || record.Amount != o.Amount ||
		(o.kind == KindAuthorize && record.PaymentID != o.PaymentID) ||
		(o.kind != KindAuthorize && record.Result.Reference != o.reference) {
		return Result{}, unknown(errors.New("the answer is about another request"))
	}
	return record.Result, nil
}

// Records implements Gateway.
func (c *Client) Records(ctx context.Context, paymentID string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		after := ""
		for {
			page, err := c.page(ctx, paymentID, after)
			if err != nil {
				yield(Record{}, fmt.Errorf("list records: %w", err))
				return
			}
			for _, record := range page {
				if !yield(record, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			after = page[len(page)-1].Key
		}
	}
}

func (c *Client) page(ctx context.Context, paymentID, after string) ([]Record, error) {
	query := url.Values{"limit": {fmt.Sprint(pageSize)}}
	if paymentID != "" {
		query.Set("payment", paymentID)
	}
	if after != "" {
		query.Set("after", after)
	}
	status, answer, err := c.do(ctx, http.MethodGet, "/records?"+query.Encode(), "", nil)
	if err != nil {
		return nil, unknown(err)
	}
	if status != http.StatusOK {
		return nil, unknownStatus(status, answer)
	}
	var list struct {
		Records []RecordJSON `json:"records"`
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return nil, unknown(fmt.Errorf("read the answer: %w", err))
	}
	page := make([]Record, len(list.Records))
	for i, r := range list.Records {
		if page[i], err = r.record(); err != nil {
			return nil, unknown(err)
		}
	}
	return page, nil
}

// do sends one request and reads the whole answer within the time limit.
func (c *Client) do(ctx context.Context, method, path, key string, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", "application/json")
	if key != "" {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(answer) > maxAnswer {
		return 0, nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if response.StatusCode == http.StatusOK && media != "application/json" {
		return 0, nil, fmt.Errorf("the answer is %q, not JSON", media)
	}
	return response.StatusCode, answer, nil
}

// unknown keeps the cause, so that errors.Is also finds context.DeadlineExceeded.
func unknown(cause error) error { return fmt.Errorf("%w: %w", ErrUnknown, cause) }

func unknownStatus(status int, answer []byte) error {
	if code := problemCode(answer); code != "" {
		return fmt.Errorf("%w: status %d, %s", ErrUnknown, status, code)
	}
	return fmt.Errorf("%w: status %d", ErrUnknown, status)
}
