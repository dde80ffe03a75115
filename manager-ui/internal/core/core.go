// Package core is manager-ui's client of payments-core: the commands about money. How they are sent and what
// their errors say is package api's.
package core

import (
	"context"
	"fmt"
	"net/url"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
)

// Command asks to capture or to release what is on hold for a payment.
type Command struct {
	Operation payment.OperationKind // Capture or Release
	PaymentID string
	Key       string // idempotency key: 1 to 200 printable characters
	Reason    string // of a release; may be empty
}

// Client sends commands to one payments-core.
type Client struct{ *api.Client }

// New returns a client of the payments-core at base (http://host:port), which knows us by token.
func New(base, token string) (*Client, error) {
	client, err := api.NewClient("payments-core", "PAYMENTS_CORE_URL", base, token)
	if err != nil {
		return nil, err
	}
	return &Client{client}, nil
}

// Send sends a command on behalf of the person in ctx (see event.MetaFrom). It returns nil once payments-core
// has recorded it; what comes of it is received from Kafka later.
func (c *Client) Send(ctx context.Context, command Command) error {
	path := "/payments/" + url.PathEscape(command.PaymentID) + "/" + string(command.Operation)
	return c.Post(ctx, path, command.Key, map[string]string{"reason": command.Reason}, &recorded{wanted: command.PaymentID})
}

// Reopen takes an acceptance back, by its event's id, on behalf of the person in ctx. It returns nil once
// payments-core has done so; the event is received from Kafka later.
func (c *Client) Reopen(ctx context.Context, paymentID, acceptanceID string) error {
	path := "/payments/" + url.PathEscape(paymentID) + "/reopen"
	body := map[string]string{"acceptance_id": acceptanceID}
	return c.Post(ctx, path, "reopen:"+acceptanceID, body, &recorded{wanted: paymentID})
}

// recorded is payments-core's answer.
type recorded struct {
	PaymentID string `json:"payment_id"`
	wanted    string
}

// Check refuses an answer about another payment.
func (r *recorded) Check() error {
	if r.PaymentID != r.wanted {
		return fmt.Errorf("it is about payment %q", r.PaymentID)
	}
	return nil
}
