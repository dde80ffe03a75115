package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/ordering-core/internal/orders"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/api"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// target is the order that a request is about; for a contractor, one of their own.
func target[B any](r api.Request[B]) orders.Target {
	return orders.Target{OrderID: r.ID, Contractor: r.Contractor()}
}

// change is a command with body B that changes an order.
type change[B any] = func(ctx context.Context, tx *pg.Tx, t orders.Target, r api.Request[B]) (order.Order, error)

// changing is a route on which a command changes the order that a request is about; it answers with the
// order's new sequence.
func changing[B any](commands *api.Commands, command change[B]) echo.HandlerFunc {
	return api.Handle(commands, func(ctx context.Context, tx *pg.Tx, r api.Request[B]) (api.Answer, error) {
		o, err := command(ctx, tx, target(r), r)
		if err != nil {
			return api.Answer{}, err
		}
		return api.Give(http.StatusOK, changedJSON{o.ID, o.Sequence})
	})
}

type changedJSON struct {
	OrderID  string `json:"order_id"`
	Sequence int64  `json:"sequence"`
}

type draftJSON struct {
	OrderID string `json:"order_id"`
}

func (a *API) draft(ctx context.Context, tx *pg.Tx, r api.Request[draftJSON]) (api.Answer, error) {
	if !api.IsID(r.Body.OrderID) {
		return api.Answer{}, invalid("order_id", "order_id must be a UUID in lower case.")
	}
	o, err := a.orders.Draft(ctx, tx, r.Body.OrderID, r.Actor.ID)
	if err != nil {
		return api.Answer{}, err
	}
	answer, err := api.Give(http.StatusCreated, changedJSON{o.ID, o.Sequence})
	answer.Location = "/orders/" + o.ID
	return answer, err
}

type itemJSON struct {
	ProductID string `json:"product_id"`
	Quantity  int64  `json:"quantity"`
}

// item is a command about so many of a product.
func item(command func(context.Context, *pg.Tx, orders.Target, string, int64) (order.Order, error)) change[itemJSON] {
	return func(ctx context.Context, tx *pg.Tx, t orders.Target, r api.Request[itemJSON]) (order.Order, error) {
		return command(ctx, tx, t, r.Body.ProductID, r.Body.Quantity)
	}
}

type customerJSON struct {
	CustomerID string `json:"customer_id"`
}

func (a *API) chooseCustomer(ctx context.Context, tx *pg.Tx, t orders.Target, r api.Request[customerJSON]) (order.Order, error) {
	return a.orders.ChooseCustomer(ctx, tx, t, r.Body.CustomerID)
}

// seenJSON is how the person saw the order; nothing of it where they have not.
type seenJSON struct {
	Sequence int64        `json:"sequence"`
	Total    money.Amount `json:"total"`
}

func (s seenJSON) seen() order.Seen { return order.Seen{Sequence: s.Sequence, Total: s.Total} }

type discountJSON struct {
	seenJSON
	BasisPoints int64 `json:"basis_points"`
}

func (a *API) setDiscount(ctx context.Context, tx *pg.Tx, t orders.Target, r api.Request[discountJSON]) (order.Order, error) {
	return a.orders.SetDiscount(ctx, tx, t, r.Body.seen(), r.Body.BasisPoints)
}

func (a *API) resetDiscount(ctx context.Context, tx *pg.Tx, t orders.Target, r api.Request[seenJSON]) (order.Order, error) {
	return a.orders.ResetDiscount(ctx, tx, t, r.Body.seen())
}

type submitJSON struct {
	seenJSON
	ExpiresAt *time.Time `json:"expires_at"` // seed's only
}

// Check is for the API's reader.
func (s *submitJSON) Check() error {
	if !money.IsKnown(s.Total.Currency) {
		return errors.New("total is missing")
	}
	return nil
}

func (a *API) submit(ctx context.Context, tx *pg.Tx, r api.Request[submitJSON]) (api.Answer, error) {
	var expiresAt time.Time
	if r.Body.ExpiresAt != nil {
		if r.Caller != seed {
			return api.Answer{}, web.Forbidden("Until when an order can be paid is not for " + r.Caller + " to say.")
		}
		expiresAt = *r.Body.ExpiresAt
	}
	o, err := a.orders.Submit(ctx, tx, target(r), r.Body.seen(), expiresAt)
	if err != nil {
		return api.Answer{}, err
	}
	return api.Give(http.StatusOK, map[string]any{
		"order_id": o.ID, "sequence": o.Sequence, "number": o.Number, "total": o.Total, "expires_at": o.ExpiresAt,
	})
}

type cancelJSON struct {
	seenJSON
	Reason string `json:"reason"`
}

// Check is for the API's reader.
func (c *cancelJSON) Check() error { return api.Text("reason", c.Reason, order.MaxText) }

func (a *API) cancel(ctx context.Context, tx *pg.Tx, t orders.Target, r api.Request[cancelJSON]) (order.Order, error) {
	by := order.ByManager
	if r.Contractor() != "" {
		by = order.ByContractor
	}
	return a.orders.Cancel(ctx, tx, t, r.Body.seen(), r.Body.Reason, by)
}

func (a *API) expire(ctx context.Context, tx *pg.Tx, t orders.Target, r api.Request[seenJSON]) (order.Order, error) {
	return a.orders.Expire(ctx, tx, t, r.Body.seen(), "")
}
