package operations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/text"
)

// Handling is who handled a stuck operation, and why. It is stored with the operation.
type Handling struct {
	By  string // the operator's name
	Why string
}

// ErrNotStuck means that no operation of that key waits for an operator.
var ErrNotStuck = errors.New("operations: no such operation is stuck")

// ImpossibleError is why a stuck operation cannot be retried or settled so.
type ImpossibleError struct{ why string }

func (e *ImpossibleError) Error() string { return e.why }

func impossible(format string, args ...any) error {
	return &ImpossibleError{fmt.Sprintf(format, args...)}
}

// maxHandling is the longest name and the longest reason of an operator, in characters.
const maxHandling = 500

// Check returns an error if one is empty or too long.
func (h Handling) Check() error {
	_, err := h.cleaned()
	return err
}

// cleaned returns the texts as package text keeps them; an error if one is empty or too long.
func (h Handling) cleaned() (Handling, error) {
	for what, typed := range map[string]*string{"who decides": &h.By, "why": &h.Why} {
		kept, wrong := text.Line(*typed)
		switch n := utf8.RuneCountInString(kept); {
		case wrong != "":
			return h, fmt.Errorf("%s: %s", what, wrong.Message())
		case n == 0 || n > maxHandling:
			return h, fmt.Errorf("say %s, in %d characters at most", what, maxHandling)
		}
		*typed = kept
	}
	return h, nil
}

// Stuck returns the operations that wait for an operator, oldest first.
func (s *Service) Stuck(ctx context.Context) ([]Operation, error) {
	const query = selectOperations + " where stuck_at is not null and closed_at is null order by stuck_at, id"
	stuck, err := pg.Rows(ctx, s.db.Pool(), scanOperation, query)
	if err != nil {
		return nil, fmt.Errorf("read what is stuck: %w", err)
	}
	return stuck, nil
}

// Retry closes a stuck operation as failed and asks the gateway for the same again, at once and with a new
// key, which it returns. The key is "" where the payment's order cannot use what was asked for: the rules
// then undo what is held. An operation that is open and not stuck is asked at once, with the key that it has.
// Its errors are ErrNotStuck and those of an incomplete Handling, besides the database's.
func (s *Service) Retry(ctx context.Context, tx *pg.Tx, key string, by Handling) (newKey string, err error) {
	if by, err = by.cleaned(); err != nil {
		return "", err
	}
	if retried, err := s.retryNow(ctx, tx, key, by); retried || err != nil {
		return key, err
	}
	return s.handle(ctx, tx, key, by, RetryOf)
}

// RetryOf is the outcome of an operator's retry of the stuck o. What the order cannot use is not authorized
// or captured any more.
func RetryOf(p payment.Payment, order releasing.Order, o Operation) (done Outcome) {
	if succeeded(p, o.Kind) {
		done.Err = impossible("the payment's events tell that the %s was done: settle it as succeeded", o.Kind)
		return done
	}
	o.State = Failed
	done.Operation = o
	done.Again = o.Kind == payment.Release || o.Kind == payment.Refund || !order.Refuses(o.PaymentID)
	return done
}

// Settlement is how a stuck operation came out, as an operator knows from elsewhere.
type Settlement struct {
	Succeeded bool
	Reference string // the gateway's name of the hold, capture or refund; needed for a hold that succeeded
}

// Settle closes a stuck operation with the outcome that an operator knows, and writes its event. It does not
// ask the gateway. A release or a refund that was not done cannot be settled as failed: the money would stay
// for ever. Its errors are those of Retry and of what the payment refuses.
func (s *Service) Settle(ctx context.Context, tx *pg.Tx, key string, as Settlement, by Handling) (err error) {
	if by, err = by.cleaned(); err != nil {
		return err
	}
	settle := func(p payment.Payment, _ releasing.Order, o Operation) Outcome { return SettlementOf(p, o, as) }
	_, err = s.handle(ctx, tx, key, by, settle)
	return err
}

// SettlementOf is the outcome of an operator's settlement of the stuck o.
func SettlementOf(p payment.Payment, o Operation, as Settlement) (done Outcome) {
	reason := settledByHand(o)
	o.State, o.GatewayReference = Succeeded, as.Reference
	if !as.Succeeded {
		o.State, o.Final = Failed, true
	}
	done.Operation = o
	switch {
	case as.Succeeded && succeeded(p, o.Kind): // as its events tell, which were adopted
	case o.Kind == payment.Authorize && as.Succeeded && as.Reference == "":
		done.Err = impossible("give the gateway's reference of the hold: it is captured and released by it")
	case o.Kind == payment.Authorize && as.Succeeded:
		done.Body, done.Err = p.Authorize(as.Reference)
	case o.Kind == payment.Authorize:
		done.Body, done.Err = p.Decline("settled", reason, true)
	case o.Kind == payment.Capture && as.Succeeded:
		done.Body, done.Err = p.Capture(o.Amount, as.Reference)
	case o.Kind == payment.Capture: // the rules release the hold
	case !as.Succeeded:
		done.Err = impossible("a %s cannot be settled as failed: the money has to go back; "+
			"retry it, or settle it as succeeded once the money has gone back otherwise", o.Kind)
	case o.Kind == payment.Release:
		done.Body, done.Err = p.Release(reason)
	case o.Kind == payment.Refund:
		done.Body, done.Err = p.Refund(reason, as.Reference)
	}
	return done
}

// settledByHand is why money went back, for people: the operator's reason, and who had asked for it and why,
// which stand nowhere else in the payment's events.
func settledByHand(o Operation) string {
	settled := aggregate.Because("settled by hand", o.Handled.Why)
	who := aggregate.NameOf(o.Actor, o.ActorName)
	switch {
	case who != "":
		return settled + "; " + aggregate.Because(who+" had asked for it", o.Reason)
	case o.Reason != "":
		return settled + "; wanted because " + o.Reason
	}
	return settled
}

// handle concludes the stuck operation of a key, under its payment's locks, with the outcome that decide
// returns. It returns the key of the operation that asks again.
func (s *Service) handle(
	ctx context.Context, tx *pg.Tx, key string, by Handling, decide func(payment.Payment, releasing.Order, Operation) Outcome,
) (again string, err error) {
	locked, o, open, err := s.lockOpen(ctx, tx, key)
	if err == nil && (!open || !o.Stuck()) {
		err = fmt.Errorf("%w: %s", ErrNotStuck, key)
	}
	if err != nil {
		return "", err
	}
	o.Handled = by
	done := decide(locked.payment, locked.order, o)
	next, err := s.conclude(ctx, tx, locked, &done)
	return next.Key, err
}

// lockOpen locks the payment of an operation, by its key, and returns both; false if the operation is not
// open.
func (s *Service) lockOpen(ctx context.Context, tx *pg.Tx, key string) (locked *lockedPayment, o Operation, open bool, err error) {
	paymentID, _, _ := strings.Cut(key, ":") // no index is by key
	err = tx.QueryRow(ctx, "select payment_id from operations where payment_id = $1 and key = $2 and closed_at is null", paymentID, key).Scan(&paymentID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, o, false, nil
	case err != nil:
		return nil, o, false, fmt.Errorf("look for operation %s: %w", key, err)
	}
	if locked, err = s.load(ctx, tx, paymentID); err != nil {
		return nil, o, false, err
	}
	o, open = locked.history.Open()
	return locked, o, open && o.Key == key, nil
}
