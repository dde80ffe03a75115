package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign.example/deploy/formclient"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
)

// scene is what people do, one thing after the other, about an order or a payment. Once a step has failed,
// the ones after it do nothing.
type scene struct {
	config
	ctx      context.Context
	ordering *api.Client
	windows  map[person]*formclient.Client // at the apps, signed in
	err      error                         // of the first step that failed

	about   string // for errors
	by      person // the contractor
	order   string // its id, if it is about one
	payment string // the id of the payment that the next steps are about
}

// beside is a scene that is played beside this one, by people at windows of their own.
func (s *scene) beside(about string, by person) *scene {
	other := *s
	other.about, other.by, other.windows = about, by, map[person]*formclient.Client{}
	return &other
}

func (s *scene) close() {
	for _, c := range s.windows {
		c.Close()
	}
}

// step does something, unless a step before it has failed.
func (s *scene) step(what string, do func() error) {
	if s.err != nil {
		return
	}
	if err := do(); err != nil {
		s.err = fmt.Errorf("%s: %s: %w", s.about, what, err)
	}
}

// untilDone repeats a step until it succeeds: what waits for money, which moves when a grace has passed, has
// all the time that there is.
func (s *scene) untilDone(what string, try func() error) { s.repeat(s.ctx, what, try) }

// until is untilDone for what another service may not have received yet, or a service that is not up yet.
func (s *scene) until(what string, try func() error) {
	ctx, cancel := context.WithTimeout(s.ctx, 15*time.Second)
	defer cancel()
	s.repeat(ctx, what, try)
}

func (s *scene) repeat(ctx context.Context, what string, try func() error) {
	s.step(what, func() error {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			err := try()
			if err == nil {
				return nil
			}
			select {
			case <-ctx.Done():
				return err
			case <-tick.C:
			}
		}
	})
}

// command sends one to ordering-core for somebody. Its key is fixed, so that a repetition gets the answer of
// the first.
func (s *scene) command(by person, key, path string, body any) {
	s.step(key, func() error {
		ctx := event.WithMeta(s.ctx, event.Meta{Actor: by.id, ActorName: by.name})
		return s.ordering.Post(ctx, path, fixed("key/"+key), body, nil)
	})
}

// cancel and expire end the order.
func (s *scene) cancel(by person, reason string) {
	s.end("cancel", by, map[string]any{"reason": reason})
}
func (s *scene) expire(by person) { s.end("expire", by, nil) }

func (s *scene) end(command string, by person, body any) {
	s.command(by, s.about+": "+command, "/orders/"+s.order+"/"+command, body)
}

// reach waits until the order is in a state.
func (s *scene) reach(state string) {
	s.untilDone("wait for the order to be "+state, func() error {
		found, err := s.find(s.order)
		if err == nil && found.State != state {
			err = fmt.Errorf("it is %s", found.State)
		}
		return err
	})
}

// at has somebody do something at their app, as often as it takes.
func (s *scene) at(who person, what string, repeat func(string, func() error), do func(c *formclient.Client) error) {
	c := s.windows[who]
	if c == nil {
		c = formclient.New(s.ContractorURL)
		if who == mia || who == tom {
			c = formclient.New(s.ManagerURL)
		}
		s.until("open the app for "+who.name, func() error { return c.SignIn(who.name) })
		s.windows[who] = c
	}
	repeat(what, func() error { return do(c) })
}

// ask asks for a payment by the form that is at the payment's id, which makes one payment however often it is
// sent.
func (s *scene) ask(wanted request) {
	s.at(wanted.by, "ask for it", s.until, func(c *formclient.Client) error {
		form, err := c.Open("/payments/new?id=" + s.payment)
		if err != nil {
			return err
		}
		_, err = form.Press("Request payment", "Amount", wanted.amount, "Currency", "EUR", "Description", wanted.name,
			"Capture", wanted.capture)
		return err
	})
}

// pay asks for the order's nth payment on the order's page, if that has not been done. The next steps are
// about that payment.
func (s *scene) pay(nth int, capture string) {
	s.at(s.by, "ask for its payment", s.until, func(c *formclient.Client) error {
		page, err := c.Open("/orders/" + s.order)
		if err != nil {
			return err // 404: the app has not received it yet
		}
		button := "Request payment"
		if nth > 1 {
			button = "Ask again"
		}
		if found := paymentsOn(page.Links("/payments/")); len(found) >= nth {
			s.payment = found[nth-1]
			return nil
		}
		if _, err = page.Press(button, "Capture", capture); err == nil {
			err = errors.New("the order does not show its payment yet")
		}
		return err
	})
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

// What is decided about the payment.
func (s *scene) accept(by person) { s.decide(by, "Accept", "Accepted") }
func (s *scene) withdraw()        { s.decide(s.by, "Withdraw", "Withdrawn") }
func (s *scene) reject(by person, reason string) {
	s.decide(by, "Reject payment", "Rejected", "Reason", reason)
}

// decide presses a button until the payment's page says what was decided.
func (s *scene) decide(by person, button, decided string, fields ...string) {
	s.at(by, strings.ToLower(button), s.until, func(c *formclient.Client) error {
		return c.Decide(s.payment, button, decided, fields...)
	})
}

// awaitHold waits until the payment's money is on hold, or has been.
func (s *scene) awaitHold(by person) {
	s.at(by, "wait for the hold", s.untilDone, func(c *formclient.Client) error {
		page, err := c.Open("/payments/" + s.payment)
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

// press presses Capture or Release on the payment's page, if that can still be done.
func (s *scene) press(by person, button string, fields ...string) {
	s.at(by, strings.ToLower(button), s.until, func(c *formclient.Client) error {
		page, err := c.Open("/payments/" + s.payment)
		if err != nil || !page.Has(button) {
			return err
		}
		_, err = page.Press(button, fields...)
		return err
	})
}
