package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
)

// The choices of the field "Capture".
const (
	automatic = "automatic"
	manual    = "manual"
)

func captureMethod(byManager bool) string {
	if byManager {
		return manual
	}
	return automatic
}

// askForPayments asks for each payment, and has scenes play what follows.
func (p *player) askForPayments(ctx context.Context, scenes *errgroup.Group) error {
	for _, wanted := range payments {
		id := fixed("payment " + wanted.name)
		if err := p.ask(ctx, wanted, id); err != nil {
			return fmt.Errorf("payment %q: %w", wanted.name, err)
		}
		if wanted.then == nil {
			continue
		}
		scenes.Go(func() error {
			another := p.another()
			defer another.closeClients()
			if err := wanted.then(ctx, another, id); err != nil {
				return fmt.Errorf("payment %q: %w", wanted.name, err)
			}
			return nil
		})
	}
	return nil
}

// ask sends the form that is at the payment's id, which makes one payment however often it is sent.
func (p *player) ask(ctx context.Context, wanted request, id string) error {
	c, err := p.client(ctx, wanted.by)
	if err != nil {
		return err
	}
	return p.until(ctx, "ask for it", func() error {
		form, err := c.Open("/payments/new?id=" + id)
		if err != nil {
			return err
		}
		_, err = form.Press("Request payment", "Amount", wanted.amount, "Currency", "EUR", "Description", wanted.name,
			"Capture", captureMethod(wanted.manual))
		return err
	})
}

// pay asks for an order's nth payment on the order's page, if that has not been done, and returns the
// payment's id.
func (p *player) pay(ctx context.Context, s *scene, nth int, byManager bool) (id string, err error) {
	c, err := p.client(ctx, s.by)
	if err != nil {
		return "", err
	}
	err = p.until(ctx, "ask for its payment", func() error {
		page, err := c.Open("/orders/" + s.id)
		if err != nil {
			return err // 404: the app has not received it yet
		}
		button := "Request payment"
		if nth > 1 {
			button = "Ask again"
		}
		if found := paymentsOn(page.Links("/payments/")); len(found) >= nth {
			id = found[nth-1]
			return nil
		}
		if _, err = page.Press(button, "Capture", captureMethod(byManager)); err == nil {
			err = errors.New("the order does not show its payment yet")
		}
		return err
	})
	return id, err
}

// paymentsOn returns the ids of the payments that a page links, each once.
func paymentsOn(links []string) (ids []string) {
	seen := map[string]bool{}
	for _, link := range links {
		id := strings.TrimPrefix(link, "/payments/")
		if len(id) == len(fixed("")) && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// decide presses a manager's button until the payment's page says what was decided.
func (p *player) decide(ctx context.Context, by person, payment, button, decided string, fields ...string) error {
	c, err := p.client(ctx, by)
	if err != nil {
		return err
	}
	return p.until(ctx, strings.ToLower(button), func() error { return c.Decide(payment, button, decided, fields...) })
}

func (p *player) withdraw(ctx context.Context, by person, payment string) error {
	return p.decide(ctx, by, payment, "Withdraw", "Withdrawn")
}

// held waits until a payment's money is on hold, or has been.
func (p *player) held(ctx context.Context, by person, payment string) error {
	c, err := p.client(ctx, by)
	if err != nil {
		return err
	}
	return p.untilDone(ctx, "wait for the hold", func() error {
		page, err := c.Open("/payments/" + payment)
		if err != nil {
			return err
		}
		for _, text := range []string{"On hold", "Not paid out", "Paid out", "Refunded"} {
			if page.Shows("Money " + text) {
				return nil
			}
		}
		return errors.New("no money is on hold")
	})
}

// press presses Capture or Release, if that can still be done.
func (p *player) press(ctx context.Context, by person, payment, button string, fields ...string) error {
	c, err := p.client(ctx, by)
	if err != nil {
		return err
	}
	return p.until(ctx, strings.ToLower(button), func() error {
		page, err := c.Open("/payments/" + payment)
		if err != nil || !page.Has(button) {
			return err
		}
		_, err = page.Press(button, fields...)
		return err
	})
}
