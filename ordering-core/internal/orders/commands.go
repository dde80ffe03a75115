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
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		customer, ok, err := s.catalog.Customer(ctx, tx, customerID)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, ErrNoCustomer
		}
		return asBody(locked.Order.ChooseCustomer(customer.ID, customer.Name, customer.Archived))
	})
}

// SetDiscount gives a draft a discount, in hundredths of a percent.
func (s *Service) SetDiscount(ctx context.Context, tx *pg.Tx, t Target, basisPoints int64) (order.Order, error) {
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		return asBody(locked.Order.SetDiscount(basisPoints))
	})
}

// ResetDiscount takes the discount away.
func (s *Service) ResetDiscount(ctx context.Context, tx *pg.Tx, t Target) (order.Order, error) {
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		return asBody(locked.Order.ResetDiscount())
	})
}

// Seen is what a person saw when they submitted.
type Seen struct {
	Sequence int64
	Total    money.Amount
	// ExpiresAt is until when the order can be paid; zero for what the rules set.
	ExpiresAt time.Time
}

// Submit freezes a draft and gives it its number.
func (s *Service) Submit(ctx context.Context, tx *pg.Tx, t Target, seen Seen) (order.Order, error) {
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		now := s.Now()
		submission := order.Submission{Sequence: seen.Sequence, Total: seen.Total, ExpiresAt: seen.ExpiresAt}
		if submission.ExpiresAt.IsZero() {
			submission.ExpiresAt = now.Add(s.rules.OrderTTL)
		}
		ids := pg.Column(locked.Order.Lines, func(line order.Line) string { return line.ProductID })
		submission.Current = s.catalog.Products(tx, ids...)
		if err := tx.Flush(ctx); err != nil {
			return nil, err
		}
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
func (s *Service) Cancel(ctx context.Context, tx *pg.Tx, t Target, reason, by string) (order.Order, error) {
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		return asBody(locked.Order.Cancel(reason, by))
	})
}

// Expire ends an order whatever its deadline; the reason may be empty where the actor is one.
func (s *Service) Expire(ctx context.Context, tx *pg.Tx, t Target, reason string) (order.Order, error) {
	return s.command(ctx, tx, t, func(locked *Locked) (order.Body, error) {
		return asBody(locked.Order.Expire(reason))
	})
}

// asBody turns an event of one type into a Body.
func asBody[B order.Body](body B, err error) (order.Body, error) { return body, err }
