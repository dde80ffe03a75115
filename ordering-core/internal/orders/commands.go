package orders

import (
	"context"
	"errors"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// Target is the order that a command is for. Where Contractor is not empty, the order must be theirs, and
// does not exist for anybody else.
type Target struct {
	OrderID    string
	Contractor string
}

// ErrNoProduct and ErrNoCustomer mean that the catalog lacks what was chosen.
var (
	ErrNoProduct  = errors.New("orders: no such product")
	ErrNoCustomer = errors.New("orders: no such customer")
)

// command loads the order, lets decide choose an event, and records it; none leaves the order as it is.
func (s *Service) command(
	ctx context.Context, tx *pg.Tx, t Target, decide func(*Locked) (order.Body, error),
) (order.Order, error) {
	locked, err := s.loadDrafted(ctx, tx, t.OrderID)
	if err != nil {
		return order.Order{}, err
	}
	if !locked.Order.Exists() || t.Contractor != "" && locked.Order.ContractorID != t.Contractor {
		return order.Order{}, ErrNoOrder
	}
	if locked.stream.Did(ctx) {
		return locked.Order, nil
	}
	body, err := decide(locked)
	if err != nil {
		return order.Order{}, err
	}
	if body == nil {
		return locked.Order, nil
	}
	if err := s.Record(ctx, tx, locked, body); err != nil {
		return order.Order{}, err
	}
	return locked.Order, nil
}

// Draft begins an order. It is ErrNoOrder where the id is that of another contractor's order.
func (s *Service) Draft(ctx context.Context, tx *pg.Tx, id, contractor string) (order.Order, error) {
	locked, err := s.Load(ctx, tx, id)
	if err != nil {
		return order.Order{}, err
	}
	switch {
	case locked.Order.Exists() && locked.Order.ContractorID != contractor:
		return order.Order{}, ErrNoOrder // to them it does not exist
	case locked.stream.Did(ctx):
		return locked.Order, nil
	case locked.Order.Exists():
		return order.Order{}, ErrDrafted
	}
	if err := s.Record(ctx, tx, locked, order.Draft(id, contractor)); err != nil {
		return order.Order{}, err
	}
	return locked.Order, nil
}

// ErrDrafted means that the contractor has an order with this id already.
var ErrDrafted = errors.New("orders: there is an order with this id")

// Add puts so many of a product into a draft.
func (s *Service) Add(ctx context.Context, tx *pg.Tx, t Target, productID string, quantity int64) (order.Order, error) {
	return s.commandOf(ctx, tx, t, productID, func(o order.Order, product order.Product) (order.Body, error) {
		return asBody(o.Add(product, quantity))
	})
}

// commandOf is command with a product of the catalog.
func (s *Service) commandOf(
	ctx context.Context, tx *pg.Tx, t Target, productID string, command func(order.Order, order.Product) (order.Body, error),
) (order.Order, error) {
	products := s.catalog.Products(tx, productID)
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		product, ok := products[productID]
		if !ok {
			return nil, ErrNoProduct
		}
		return command(locked.Order, product)
	})
}

// Remove takes so many of a product out of a draft.
func (s *Service) Remove(ctx context.Context, tx *pg.Tx, t Target, productID string, quantity int64) (order.Order, error) {
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		return asBody(locked.Order.Remove(productID, quantity))
	})
}

// SetQuantity makes it so many of a product in a draft, whatever others have done to the line meanwhile.
func (s *Service) SetQuantity(ctx context.Context, tx *pg.Tx, t Target, productID string, quantity int64) (order.Order, error) {
	return s.commandOf(ctx, tx, t, productID, func(o order.Order, product order.Product) (order.Body, error) {
		return o.SetQuantity(product, quantity)
	})
}

// ChooseCustomer sets for whom a draft is.
func (s *Service) ChooseCustomer(ctx context.Context, tx *pg.Tx, t Target, customerID string) (order.Order, error) {
	customers := s.catalog.Customers(tx, customerID)
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		customer, ok := customers[customerID]
		if !ok {
			return nil, ErrNoCustomer
		}
		return asBody(locked.Order.ChooseCustomer(customer.ID, customer.Name, customer.Archived))
	})
}

// seeing is command for what a person decides who has seen the order; what they saw must still be so.
func (s *Service) seeing(
	ctx context.Context, tx *pg.Tx, t Target, seen order.Seen, decide func(order.Order) (order.Body, error),
) (order.Order, error) {
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		body, err := decide(locked.Order)
		if err != nil {
			return nil, err
		}
		var current map[string]order.Product
		if seen.Total != (money.Amount{}) {
			current = s.catalog.Products(tx, productsOf(locked.Order)...)
			if err := tx.Flush(ctx); err != nil {
				return nil, err
			}
		}
		return body, withChanges(locked.Order.Check(body.EventType(), seen, current), locked, seen.Sequence)
	})
}

func productsOf(o order.Order) []string {
	return pg.Column(o.Lines, func(line order.Line) string { return line.ProductID })
}

// SetDiscount gives a draft a discount, in hundredths of a percent.
func (s *Service) SetDiscount(ctx context.Context, tx *pg.Tx, t Target, seen order.Seen, basisPoints int64) (order.Order, error) {
	return s.seeing(ctx, tx, t, seen, func(o order.Order) (order.Body, error) { return asBody(o.SetDiscount(basisPoints)) })
}

// ResetDiscount takes the discount away.
func (s *Service) ResetDiscount(ctx context.Context, tx *pg.Tx, t Target, seen order.Seen) (order.Order, error) {
	return s.seeing(ctx, tx, t, seen, func(o order.Order) (order.Body, error) { return asBody(o.ResetDiscount()) })
}

// Submit freezes a draft and gives it its number. It can be paid until expiresAt; zero is for what the rules
// set.
func (s *Service) Submit(ctx context.Context, tx *pg.Tx, t Target, seen order.Seen, expiresAt time.Time) (order.Order, error) {
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		now := s.Now()
		submission := order.Submission{Sequence: seen.Sequence, Total: seen.Total, ExpiresAt: expiresAt}
		if submission.ExpiresAt.IsZero() {
			submission.ExpiresAt = now.Add(s.rules.OrderTTL)
		}
		submission.Current = s.catalog.Products(tx, productsOf(locked.Order)...)
		customers := s.catalog.Customers(tx, locked.Order.CustomerID)
		if err := tx.Flush(ctx); err != nil {
			return nil, err
		}
		customer, known := customers[locked.Order.CustomerID]
		submission.CustomerGone = !known || customer.Archived
		// The transaction of a refusal commits, so take the number only after the order has accepted, or it
		// would be lost.
		submitted, err := locked.Order.Submit(submission)
		if err != nil {
			return nil, withChanges(err, locked, seen.Sequence)
		}
		if submitted.Number, err = s.nextNumber(ctx, tx, now); err != nil {
			return nil, err
		}
		return submitted, nil
	})
}

// Cancel ends an order that somebody does not want any more; by is their role: contractor or manager.
func (s *Service) Cancel(ctx context.Context, tx *pg.Tx, t Target, seen order.Seen, reason, by string) (order.Order, error) {
	return s.seeing(ctx, tx, t, seen, func(o order.Order) (order.Body, error) { return asBody(o.Cancel(reason, by)) })
}

// Expire ends an order whatever its deadline; the reason may be empty where the actor is one.
func (s *Service) Expire(ctx context.Context, tx *pg.Tx, t Target, seen order.Seen, reason string) (order.Order, error) {
	return s.seeing(ctx, tx, t, seen, func(o order.Order) (order.Body, error) { return asBody(o.Expire(reason)) })
}

// asBody turns an event of one type into a Body.
func asBody[B order.Body](body B, err error) (order.Body, error) { return body, err }
