// Package ordering is the commands about orders that contractors give to ordering-core.
//
// Invariants:
//   - A command that is sent again has the same idempotency key, so that it is done once.
//     Where twice is the same as once, it may be a new command.
//   - An answer counts only if it is about the order that was asked about; anything else is [api.ErrUnknown].
package ordering

import (
	"context"
	"fmt"
	"time"

	"countersign.example/pkg/api"
	"countersign.example/pkg/money"
)

// Core is ordering-core.
type Core struct{ client *api.Client }

// New returns the ordering-core at base (http://host:port), which knows us by token.
func New(base, token string) (*Core, error) {
	client, err := api.NewClient("ordering-core", "ORDERING_CORE_URL", base, token)
	if err != nil {
		return nil, err
	}
	return &Core{client}, nil
}

// Close closes idle connections.
func (c *Core) Close() { c.client.Close() }

// Done is the answer to a command that was taken.
type Done struct {
	OrderID  string `json:"order_id"`
	Sequence int64  `json:"sequence"` // the order's version with it
	// Of a submitted order only.
	Number    string       `json:"number"`
	Total     money.Amount `json:"total"`
	ExpiresAt time.Time    `json:"expires_at"`
}

// Draft begins an order.
func (c *Core) Draft(ctx context.Context, key, orderID string) (Done, error) {
	return c.send(ctx, key, orderID, "/orders", map[string]any{"order_id": orderID})
}

// Add puts so many of a product into a draft.
func (c *Core) Add(ctx context.Context, key, orderID, productID string, quantity int64) (Done, error) {
	return c.send(ctx, key, orderID, "/orders/"+orderID+"/items", map[string]any{"product_id": productID, "quantity": quantity})
}

// Remove takes so many of a product out of a draft.
func (c *Core) Remove(ctx context.Context, key, orderID, productID string, quantity int64) (Done, error) {
	return c.send(ctx, key, orderID, "/orders/"+orderID+"/items/remove", map[string]any{"product_id": productID, "quantity": quantity})
}

// SetQuantity makes it so many of a product in a draft, however many there are.
func (c *Core) SetQuantity(ctx context.Context, key, orderID, productID string, quantity int64) (Done, error) {
	return c.send(ctx, key, orderID, "/orders/"+orderID+"/items/quantity", map[string]any{"product_id": productID, "quantity": quantity})
}

// ChooseCustomer sets the customer of a draft.
func (c *Core) ChooseCustomer(ctx context.Context, key, orderID, customerID string) (Done, error) {
	return c.send(ctx, key, orderID, "/orders/"+orderID+"/customer", map[string]any{"customer_id": customerID})
}

// Submit freezes a draft as it was seen: at this version, with this total.
func (c *Core) Submit(ctx context.Context, key, orderID string, sequence int64, total money.Amount) (Done, error) {
	return c.send(ctx, key, orderID, "/orders/"+orderID+"/submit", map[string]any{"sequence": sequence, "total": total})
}

// Cancel ends an order that is not paid, as it was seen: at this version, or 0 for any.
func (c *Core) Cancel(ctx context.Context, key, orderID string, sequence int64, reason string) (Done, error) {
	return c.send(ctx, key, orderID, "/orders/"+orderID+"/cancel", map[string]any{"reason": reason, "sequence": sequence})
}

func (c *Core) send(ctx context.Context, key, orderID, path string, body map[string]any) (done Done, err error) {
	if err := c.client.Post(ctx, path, key, body, &done); err != nil {
		return Done{}, err
	}
	if done.OrderID != orderID || done.Sequence < 1 {
		return Done{}, fmt.Errorf("%w: it answered about order %q at version %d", api.ErrUnknown, done.OrderID, done.Sequence)
	}
	return done, nil
}
