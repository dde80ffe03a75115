package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

func (p *player) fillCatalog(ctx context.Context) error {
	for _, wanted := range products {
		if err := p.command(ctx, mia, "product "+wanted.sku, "/products", map[string]any{
			"product_id": fixed(wanted.sku), "sku": wanted.sku, "name": wanted.name,
			"price": map[string]any{"amount": wanted.cents, "currency": "EUR"},
		}); err != nil {
			return err
		}
	}
	for _, wanted := range customers {
		if err := p.command(ctx, mia, "customer "+wanted.name, "/customers", map[string]any{
			"customer_id": fixed(wanted.name), "name": wanted.name, "email": wanted.email,
		}); err != nil {
			return err
		}
	}
	return nil
}

// place builds an order, and has scenes play what follows, from where an earlier run has left it.
func (p *player) place(ctx context.Context, wanted order, scenes *errgroup.Group) error {
	follows, err := p.submitted(ctx, wanted)
	if err != nil {
		return fmt.Errorf("order %q: %w", wanted.name, err)
	}
	if !follows || wanted.then == nil {
		return nil
	}
	scenes.Go(func() error {
		s := &scene{player: p.another(), order: wanted, id: fixed(wanted.name)}
		defer s.closeClients()
		if err := wanted.then(ctx, s); err != nil {
			return fmt.Errorf("order %q: %w", wanted.name, err)
		}
		return nil
	})
	return nil
}

// submitted builds an order, submits it if it is to be, and reports whether it has been and has not ended.
func (p *player) submitted(ctx context.Context, wanted order) (bool, error) {
	id := fixed(wanted.name)
	found, err := p.order(ctx, id)
	if err != nil {
		return false, err
	}
	if found.State != "" && found.State != "draft" {
		return found.State == "submitted", nil
	}
	if err := p.build(ctx, wanted, id); err != nil || !wanted.submit {
		return false, err
	}
	return true, p.submit(ctx, wanted, id)
}

func (p *player) build(ctx context.Context, wanted order, id string) error {
	of := func(what string) string { return "order " + wanted.name + ": " + what }
	if err := p.command(ctx, wanted.by, of("draft"), "/orders", map[string]any{"order_id": id}); err != nil {
		return err
	}
	for _, line := range wanted.lines {
		if err := p.command(ctx, wanted.by, of("add "+line.sku), "/orders/"+id+"/items", map[string]any{
			"product_id": fixed(line.sku), "quantity": line.quantity,
		}); err != nil {
			return err
		}
	}
	if wanted.customer != "" {
		body := map[string]any{"customer_id": fixed(wanted.customer)}
		if err := p.command(ctx, wanted.by, of("customer"), "/orders/"+id+"/customer", body); err != nil {
			return err
		}
	}
	if wanted.discount > 0 {
		body := map[string]any{"basis_points": wanted.discount}
		return p.command(ctx, mia, of("discount"), "/orders/"+id+"/discount", body)
	}
	return nil
}

// submit submits what the contractor would see now.
func (p *player) submit(ctx context.Context, wanted order, id string) error {
	seen, err := p.order(ctx, id)
	if err != nil {
		return err
	}
	body := map[string]any{"sequence": seen.Sequence, "total": seen.Total}
	key := "order " + wanted.name + ": submit"
	if wanted.lives > 0 {
		// Another body in each run, so another key: a draft is submitted once in any case.
		at := time.Now().Add(wanted.lives).UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
		body["expires_at"] = at
		key += " until " + at
	}
	return p.command(ctx, wanted.by, key, "/orders/"+id+"/submit", body)
}

// end cancels or expires an order.
func (p *player) end(ctx context.Context, s *scene, command string, by person, body any) error {
	return p.command(ctx, by, "order "+s.name+": "+command, "/orders/"+s.id+"/"+command, body)
}

// reaches waits until an order is in a state.
func (p *player) reaches(ctx context.Context, id, state string) error {
	return p.untilDone(ctx, "wait for the order to be "+state, func() error {
		found, err := p.order(ctx, id)
		if err == nil && found.State != state {
			err = fmt.Errorf("it is %s", found.State)
		}
		return err
	})
}
