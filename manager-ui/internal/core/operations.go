package core

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/money"
)

// Operation is something that payments-core asks of the gateway.
type Operation struct {
	ID         int64                 `json:"id"`
	PaymentID  string                `json:"payment_id"`
	Kind       payment.OperationKind `json:"kind"`
	State      string                `json:"state"` // open, succeeded or failed
	Key        string                `json:"key"`
	Amount     money.Amount          `json:"amount"`
	Reason     string                `json:"reason"`
	ByName     string                `json:"by_name"`
	OpenedAt   time.Time             `json:"opened_at"`
	ClosedAt   *time.Time            `json:"closed_at"`
	Attempts   int                   `json:"attempts"`
	LastError  string                `json:"last_error"`
	StuckAt    *time.Time            `json:"stuck_at"`
	Final      bool                  `json:"final"`
	HandledBy  string                `json:"handled_by"`
	HandledWhy string                `json:"handled_why"`
}

// Open are operations that are open, the oldest first.
type Open struct {
	Operations []Operation `json:"operations"`
	More       bool        `json:"more"`
}

// Asked is an operation with all that was asked for its payment, the oldest first.
type Asked struct {
	Key        string      `json:"key"`
	Operations []Operation `json:"operations"`
	NextCall   *time.Time  `json:"next_call"` // if it is open, and not stuck
}

const operationsPath = "/operations"

func operationPath(key string) string { return operationsPath + "/" + url.PathEscape(key) }

// Operations returns those that are open behind one, by id: those of a part, "stuck" or "unknown", or all.
func (c *Client) Operations(ctx context.Context, part string, after int64) (open Open, err error) {
	query := url.Values{"after": {strconv.FormatInt(after, 10)}}
	if part != "" {
		query.Set("part", part)
	}
	return open, c.Get(ctx, operationsPath+"?"+query.Encode(), &open)
}

// Operation returns the operation of a key.
func (c *Client) Operation(ctx context.Context, key string) (asked Asked, err error) {
	return asked, c.Get(ctx, operationPath(key), &asked)
}

// Retry has the gateway asked again about an operation. It returns the key by which it is; "" where it is
// given up.
func (c *Client) Retry(ctx context.Context, operation, key, why string) (askedAs string, err error) {
	answer := handled{wanted: operation}
	err = c.Post(ctx, operationPath(operation)+"/retry", key, map[string]string{"why": why}, &answer)
	return answer.AskedAs, err
}

// Settle says how a stuck operation came out.
func (c *Client) Settle(ctx context.Context, operation, key, outcome, reference, why string) error {
	body := map[string]string{"why": why, "outcome": outcome, "reference": reference}
	return c.Post(ctx, operationPath(operation)+"/settle", key, body, &handled{wanted: operation})
}

// handled is payments-core's answer.
type handled struct {
	Key     string `json:"key"`
	AskedAs string `json:"asked_as"`
	wanted  string
}

// Check refuses an answer about another operation.
func (h *handled) Check() error {
	if h.Key != h.wanted {
		return fmt.Errorf("it is about operation %q", h.Key)
	}
	return nil
}
