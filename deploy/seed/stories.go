package main

import "context"

// scene is a submitted order about which something is to be done.
type scene struct {
	*player
	order
	id string
}

// requested leaves its payment to the managers.
func requested(ctx context.Context, s *scene) error {
	_, err := s.pay(ctx, s, 1, false)
	return err
}

func paid(ctx context.Context, s *scene) error {
	payment, err := s.pay(ctx, s, 1, false)
	if err == nil {
		err = s.decide(ctx, mia, payment, "Accept", "Accepted")
	}
	if err == nil {
		err = s.reaches(ctx, s.id, "paid")
	}
	return err
}

// rejectedOnce is paid by the second payment.
func rejectedOnce(ctx context.Context, s *scene) error {
	first, err := s.pay(ctx, s, 1, false)
	if err == nil {
		err = s.decide(ctx, tom, first, "Reject payment", "Rejected", "Reason", "Please say which ward this is for.")
	}
	if err != nil {
		return err
	}
	second, err := s.pay(ctx, s, 2, false)
	if err == nil {
		err = s.decide(ctx, mia, second, "Accept", "Accepted")
	}
	if err == nil {
		err = s.reaches(ctx, s.id, "paid")
	}
	return err
}

// cancelledBefore takes its payment with it before a manager has looked at it.
func cancelledBefore(ctx context.Context, s *scene) error {
	if _, err := s.pay(ctx, s, 1, false); err != nil {
		return err
	}
	return s.end(ctx, s, "cancel", jon, map[string]any{"reason": "The hotel has postponed the terrace."})
}

// expiredOnHold lets the money go that was on hold for it.
func expiredOnHold(ctx context.Context, s *scene) error {
	if err := onHold(ctx, s); err != nil {
		return err
	}
	return s.end(ctx, s, "expire", tom, nil)
}

func onHold(ctx context.Context, s *scene) error {
	payment, err := s.pay(ctx, s, 1, true)
	if err == nil {
		err = s.decide(ctx, mia, payment, "Accept", "Accepted")
	}
	if err == nil {
		err = s.held(ctx, mia, payment)
	}
	return err
}

func withdrawnAndCancelled(ctx context.Context, s *scene) error {
	payment, err := s.pay(ctx, s, 1, false)
	if err == nil {
		err = s.withdraw(ctx, s.by, payment)
	}
	if err != nil {
		return err
	}
	return s.end(ctx, s, "cancel", mia, map[string]any{"reason": "The roof is done by somebody else."})
}

// cancelledWhileCapturing ends with a refund: the total ends in 08, so the gateway captures and does not
// answer for a while, and meanwhile the order is cancelled.
func cancelledWhileCapturing(ctx context.Context, s *scene) error {
	if err := onHold(ctx, s); err != nil {
		return err
	}
	payment, err := s.pay(ctx, s, 1, true)
	if err == nil {
		err = s.press(ctx, mia, payment, "Capture")
	}
	if err != nil {
		return err
	}
	return s.end(ctx, s, "cancel", ada, map[string]any{"reason": "The tiles have cracks."})
}

func accept(by person) func(context.Context, *player, string) error {
	return func(ctx context.Context, p *player, payment string) error {
		return p.decide(ctx, by, payment, "Accept", "Accepted")
	}
}

func reject(by person, reason string) func(context.Context, *player, string) error {
	return func(ctx context.Context, p *player, payment string) error {
		return p.decide(ctx, by, payment, "Reject payment", "Rejected", "Reason", reason)
	}
}

func withdrawnBy(by person) func(context.Context, *player, string) error {
	return func(ctx context.Context, p *player, payment string) error { return p.withdraw(ctx, by, payment) }
}

func acceptAndRelease(ctx context.Context, p *player, payment string) error {
	if err := p.decide(ctx, mia, payment, "Accept", "Accepted"); err != nil {
		return err
	}
	if err := p.held(ctx, mia, payment); err != nil {
		return err
	}
	return p.press(ctx, mia, payment, "Release", "Reason to release", "The hall was not rented.")
}
