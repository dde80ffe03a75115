package payments

import (
	"context"
	"errors"
	"strings"
	"time"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/schema"
)

// Request asks for a payment. It returns the request, and reports whether it was made now: false if the same
// request has made it before.
func (s *Service) Request(ctx context.Context, wanted payment.Requested) (body payment.Requested, made bool, err error) {
	if body, err = payment.NewRequest(wanted); err != nil {
		return body, false, err
	}
	err = s.inTx(ctx, func(tx *pg.Tx, request request) error {
		name := payment.Stream(body.PaymentID)
		streams, err := s.journal.Load(ctx, tx, name)
		if err != nil {
			return err
		}
		made, err = s.appendRequest(ctx, tx, streams[name], &body, request)
		return err
	})
	return body, made, err
}

// AskAgain asks for a payment in place of the one that it supersedes, as Request does.
func (s *Service) AskAgain(ctx context.Context, wanted payment.Requested) (body payment.Requested, made bool, err error) {
	body, err = payment.NewRequest(wanted)
	var refusal *payment.Refusal
	if errors.As(err, &refusal) && refusal.Field == "supersedes" {
		return body, false, ErrNoPayment
	}
	if err != nil {
		return body, false, err
	}
	err = s.inTx(ctx, func(tx *pg.Tx, request request) error {
		name, superseded := payment.Stream(body.PaymentID), payment.Stream(body.Supersedes)
		streams, err := s.journal.Load(ctx, tx, name, superseded)
		if err != nil {
			return err
		}
		if len(streams[name].Records) == 0 {
			if err := canAskAgain(ctx, tx, streams[superseded], body.ContractorID); err != nil {
				return err
			}
		}
		made, err = s.appendRequest(ctx, tx, streams[name], &body, request)
		return err
	})
	return body, made, alreadyAsked(err)
}

// request is when something is asked for, and what gives its reference once the transaction has begun.
type request struct {
	at        time.Time
	reference func(context.Context) (string, error)
}

// inTx takes a number with the transaction's first statement: it costs no round trip of its own. A request
// that is refused, or was made before, leaves a gap.
func (s *Service) inTx(ctx context.Context, do func(*pg.Tx, request) error) error {
	s.numbers.Ready(ctx)
	return s.db.InTx(ctx, func(tx *pg.Tx) error {
		at := s.now()
		return do(tx, request{at, s.numbers.Take(tx, at)})
	})
}

// appendRequest writes a request into its stream, with its reference, unless the stream has it already.
func (s *Service) appendRequest(ctx context.Context, tx *pg.Tx, stream journal.Stream, body *payment.Requested, request request) (made bool, err error) {
	if len(stream.Records) == 0 {
		if body.Reference, err = request.reference(ctx); err != nil {
			return false, err
		}
		return true, s.append(ctx, tx, stream, *body, request.at)
	}
	p, err := own(stream, body.ContractorID)
	if err != nil {
		return false, err
	}
	if p.Amount != body.Amount || p.Description != body.Description || p.CaptureMethod != body.CaptureMethod ||
		p.Supersedes != body.Supersedes {
		return false, OtherRequest{p}
	}
	body.Reference = p.Reference
	return false, nil
}

// canAskAgain asks the payment that is to be superseded.
func canAskAgain(ctx context.Context, tx *pg.Tx, stream journal.Stream, contractor string) error {
	p, err := own(stream, contractor)
	if err != nil {
		return err
	}
	if p.OrderID != "" {
		return ErrForOrder
	}
	if p.SupersededBy, err = readmodel.SupersededBy(ctx, tx, p.ID); err != nil {
		return err
	}
	return p.CanAskAgain(contractor)
}

// alreadyAsked is the domain's refusal where the read model knows of another payment that supersedes the same
// one.
func alreadyAsked(err error) error {
	if errors.Is(err, readmodel.ErrSuperseded) {
		return &payment.Refusal{Code: payment.AlreadyAsked, Tried: payment.TypeRequested}
	}
	return err
}

// RequestForOrder asks for the total of a submitted order, in place of the payment that ended, if there was
// one. Of wanted it reads the ids and the capture method. It returns the request, and reports whether it was
// made now.
//
// It holds the order's stream, so that no other request for the order can run meanwhile. The database has all
// payments of the order, since only this app requests them.
func (s *Service) RequestForOrder(ctx context.Context, wanted payment.Requested) (body payment.Requested, made bool, err error) {
	if !schema.IsID(wanted.PaymentID) { // before a stream of this name is locked
		return wanted, false, &payment.Refusal{Code: payment.Invalid, Tried: payment.TypeRequested, Field: "payment_id",
			Message: "the form has lost its number; please try again"}
	}
	err = s.inTx(ctx, func(tx *pg.Tx, request request) error {
		o, err := s.lockOrder(ctx, tx, wanted.OrderID, wanted.ContractorID)
		if err != nil {
			return err
		}
		ids, err := orderview.PaymentsOf(ctx, tx, wanted.OrderID, wanted.ContractorID)
		if err != nil {
			return err
		}
		names := []string{payment.Stream(wanted.PaymentID)}
		for _, id := range ids {
			names = append(names, payment.Stream(id))
		}
		// After the order's: streams are locked in the order of their names, everywhere.
		streams, err := s.journal.Load(ctx, tx, names...)
		if err != nil {
			return err
		}
		if stream := streams[names[0]]; len(stream.Records) > 0 {
			p, err := own(stream, wanted.ContractorID)
			if err == nil && p.OrderID != wanted.OrderID {
				err = ErrNoPayment
			}
			return err
		}
		payments := make([]payment.Payment, len(ids))
		for i, name := range names[1:] {
			payments[i], _ = paymentview.Fold(streams[name])
		}
		if body, err = requestFor(o, payments, wanted); err != nil {
			return err
		}
		made, err = s.appendRequest(ctx, tx, streams[names[0]], &body, request)
		return err
	})
	return body, made, alreadyAsked(err)
}

// lockOrder locks and reads an order of the contractor's.
func (s *Service) lockOrder(ctx context.Context, tx *pg.Tx, id, contractor string) (order.Order, error) {
	name := order.Stream(id)
	streams, err := s.journal.Load(ctx, tx, name)
	if err != nil {
		return order.Order{}, err
	}
	o, _ := orderview.Fold(streams[name])
	if !o.Exists() || o.ContractorID != contractor {
		return o, ErrNoOrder
	}
	return o, nil
}

// requestFor asks for the order's total, under its number, in place of the payment that ended.
func requestFor(o order.Order, payments []payment.Payment, wanted payment.Requested) (payment.Requested, error) {
	if o.State != order.StateSubmitted {
		return wanted, &payment.Refusal{Code: payment.Invalid, Tried: payment.TypeRequested, Field: "order_id",
			Message: "this order is " + strings.ToLower(orderview.StateLabel(o.State))}
	}
	last, ended, confirmed := LastOf(payments)
	switch {
	case !ended:
		return wanted, ErrNotEnded
	case !confirmed:
		return wanted, &payment.Refusal{Code: payment.BeingConfirmed, Tried: payment.TypeRequested}
	}
	wanted.Amount, wanted.Description, wanted.Supersedes = o.Total, "Order "+o.Number, last.ID
	return payment.NewRequest(wanted)
}

// LastOf returns the payment of an order that counts: the one that has not ended, or else the last one. It
// also returns whether that has ended, and whether the log has confirmed its end. Without any payment nothing
// stands in the way.
func LastOf(payments []payment.Payment) (last payment.Payment, ended, confirmed bool) {
	confirmed = true
	for _, p := range payments {
		end, ended := p.Ended()
		if !ended {
			return p, false, false
		}
		last, confirmed = p, end.Confirmed
	}
	return last, true, confirmed
}
