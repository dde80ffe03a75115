package orders

import (
	"context"
	"errors"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// Target is the order that a command is about. Contractor, where it is not empty, is whose order it must be: to anybody
// else it does not exist.
type Target struct {
	OrderID    string
	Contractor string
}

// ErrNoProduct and ErrNoCustomer say that what was chosen is not in the catalog.
var (
	ErrNoProduct  = errors.New("orders: no such product")
	ErrNoCustomer = errors.New("orders: no such customer")
)

// command loads the order, asks the domain, and records its answer.
func (d *Desk) command(ctx context.Context, tx *pg.Tx, t Target, decide func(*Case) (order.Body, error)) (order.Order, error) {
	c, err := d.take(ctx, tx, t.OrderID)
	if err != nil {
		return order.Order{}, err
	}
	if !c.Order.Exists() || t.Contractor != "" && c.Order.ContractorID != t.Contractor {
		return order.Order{}, ErrNoOrder
	}
	body, err := decide(c)
	if err != nil {
		return order.Order{}, err
	}
	if err := d.Record(ctx, tx, c, body); err != nil {
		return order.Order{}, err
	}
	return c.Order, nil
}

// Draft begins an order. It is ErrNoOrder where the id is that of another contractor's order.
func (d *Desk) Draft(ctx context.Context, tx *pg.Tx, id, contractor string) (order.Order, error) {
	c, err := d.Load(ctx, tx, id)
	if err != nil {
		return order.Order{}, err
	}
	switch {
	case c.Order.Exists() && c.Order.ContractorID != contractor:
		return order.Order{}, ErrNoOrder // to them it does not exist
	case c.Order.Exists():
		return order.Order{}, ErrDrafted
	}
	if err := d.Record(ctx, tx, c, order.Draft(id, contractor)); err != nil {
		return order.Order{}, err
	}
	return c.Order, nil
}

// ErrDrafted says that the contractor has an order with this id.
var ErrDrafted = errors.New("orders: there is an order with this id")

// Add puts so many of a product into a draft.
func (d *Desk) Add(ctx context.Context, tx *pg.Tx, t Target, productID string, quantity int64) (order.Order, error) {
	products := d.catalog.Products(tx, productID)
	return d.command(ctx, tx, t, func(c *Case) (order.Body, error) {
		product, ok := products[productID]
		if !ok {
			return nil, ErrNoProduct
		}
		return answer(c.Order.Add(product, quantity))
	})
}

// Remove takes so many of a product out of a draft.
func (d *Desk) Remove(ctx context.Context, tx *pg.Tx, t Target, productID string, quantity int64) (order.Order, error) {
	return d.command(ctx, tx, t, func(c *Case) (order.Body, error) { return answer(c.Order.Remove(productID, quantity)) })
}

// ChooseCustomer says for whom a draft is.
func (d *Desk) ChooseCustomer(ctx context.Context, tx *pg.Tx, t Target, customerID string) (order.Order, error) {
	return d.command(ctx, tx, t, func(c *Case) (order.Body, error) {
		customer, ok, err := d.catalog.Customer(ctx, tx, customerID)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, ErrNoCustomer
		}
		return answer(c.Order.ChooseCustomer(customer.ID, customer.Name, customer.Archived))
	})
}

// SetDiscount gives a draft a discount, in hundredths of a percent.
func (d *Desk) SetDiscount(ctx context.Context, tx *pg.Tx, t Target, basisPoints int64) (order.Order, error) {
	return d.command(ctx, tx, t, func(c *Case) (order.Body, error) { return answer(c.Order.SetDiscount(basisPoints)) })
}

// ResetDiscount takes the discount away.
func (d *Desk) ResetDiscount(ctx context.Context, tx *pg.Tx, t Target) (order.Order, error) {
	return d.command(ctx, tx, t, func(c *Case) (order.Body, error) { return answer(c.Order.ResetDiscount()) })
}

// Seen is what a person had before their eyes when they submitted.
type Seen struct {
	Sequence int64
	Total    money.Amount
	// ExpiresAt is until when the order can be paid; zero for what the rules say.
	ExpiresAt time.Time
}

// Submit freezes a draft and gives it its number.
func (d *Desk) Submit(ctx context.Context, tx *pg.Tx, t Target, seen Seen) (order.Order, error) {
	return d.command(ctx, tx, t, func(c *Case) (order.Body, error) {
		now := d.Now()
		submission := order.Submission{Sequence: seen.Sequence, Total: seen.Total, ExpiresAt: seen.ExpiresAt}
		if submission.ExpiresAt.IsZero() {
			submission.ExpiresAt = now.Add(d.rules.OrderTTL)
		}
		ids := make([]string, len(c.Order.Lines))
		for i, line := range c.Order.Lines {
			ids[i] = line.ProductID
		}
		submission.Current = d.catalog.Products(tx, ids...)
		if err := tx.Flush(ctx); err != nil {
			return nil, err
		}
		// A refusal is kept and its transaction commits: ask without a number first, so that none is lost.
		submitted, err := c.Order.Submit(submission)
		if err != nil {
			return nil, changedSince(err, c, seen.Sequence)
		}
		if submitted.Number, err = d.nextNumber(ctx, tx, now); err != nil {
			return nil, err
		}
		return submitted, nil
	})
}

// Cancel ends an order on somebody's wish; by is their part: contractor or manager.
func (d *Desk) Cancel(ctx context.Context, tx *pg.Tx, t Target, reason, by string) (order.Order, error) {
	return d.command(ctx, tx, t, func(c *Case) (order.Body, error) { return answer(c.Order.Cancel(reason, by)) })
}

// Expire ends an order whatever its deadline; the reason may be empty where the actor is one.
func (d *Desk) Expire(ctx context.Context, tx *pg.Tx, t Target, reason string) (order.Order, error) {
	return d.command(ctx, tx, t, func(c *Case) (order.Body, error) { return answer(c.Order.Expire(reason)) })
}

// answer makes the domain's answer one of any type.
func answer[B order.Body](body B, err error) (order.Body, error) { return body, err }
