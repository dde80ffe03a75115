package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

var (
	errKeyReused = errors.New("the idempotency key belongs to another request")
	errNoHold    = errors.New("there is no hold of that reference")
)

// order is a request as it came.
type order struct {
	Key         string       `json:"-"`
	Kind        kind         `json:"kind"`
	Reference   string       `json:"reference"` // empty for authorize
	PaymentID   string       `json:"payment_id"`
	Amount      money.Amount `json:"amount"`
	Description string       `json:"description"`
}

func (o order) fingerprint() ([]byte, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("fingerprint the request: %w", err)
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// answer is the record of an order, as it is sent and listed.
type answer struct {
	Key       string       `json:"key"`
	Kind      kind         `json:"kind"`
	PaymentID string       `json:"payment_id"`
	Amount    money.Amount `json:"amount"`
	Outcome   string       `json:"outcome"`
	Reference string       `json:"reference,omitempty"`
	ExpiresAt *time.Time   `json:"expires_at,omitempty"`
	Code      string       `json:"code,omitempty"`
	Reason    string       `json:"reason,omitempty"`
	Final     *bool        `json:"final,omitempty"`
	At        time.Time    `json:"at"`
}

// outcome is what the books say to an order: an answer (of which the first giving may go wrong), or trouble instead of one.
type outcome struct {
	answer  []byte
	trouble trouble
}

// carryOut does the order once, whoever asks how often and at the same time.
func (s *Server) carryOut(ctx context.Context, o order) (out outcome, err error) {
	fingerprint, err := o.fingerprint()
	if err != nil {
		return outcome{}, err
	}
	err = s.db.InTx(ctx, func(tx *pg.Tx) error {
		var h hold
		if o.Kind != authorize {
			if h, err = lockHold(ctx, tx, o.Reference); err != nil {
				return err
			}
			o.PaymentID = h.paymentID
		}
		tries, recorded, err := s.claim(ctx, tx, o, fingerprint)
		if err != nil {
			return err
		}
		if recorded != nil {
			out = outcome{answer: []byte(*recorded)}
			return nil
		}
		if o.Kind == authorize {
			out, err = s.authorize(ctx, tx, o, tries)
		} else {
			out, err = s.operate(ctx, tx, o, &h, tries)
		}
		return err
	})
	return out, err
}

// claim locks the key, counts the try, and returns the answer if there is one.
func (s *Server) claim(ctx context.Context, tx pgx.Tx, o order, fingerprint []byte) (tries int, recorded *string, err error) {
	var same bool
	var answered *time.Time
	err = tx.QueryRow(ctx, `
		insert into requests (key, fingerprint, kind, payment_id, reference, amount)
		values ($1, $2, $3, $4, nullif($5, ''), $6)
		on conflict (key) do update set tries = requests.tries + (requests.answer is null)::int
		returning tries, fingerprint = $2, answer, answered_at`,
		o.Key, fingerprint, o.Kind, o.PaymentID, o.Reference, o.Amount.Minor,
	).Scan(&tries, &same, &recorded, &answered)
	if err != nil {
		return 0, nil, fmt.Errorf("claim the key: %w", err)
	}
	if answered != nil && s.now().Sub(*answered) > s.options.KeyLife {
		// The record stays, and is listed under its key, which its answer has. Only the lock's name is free again.
		if _, err := tx.Exec(ctx, "update requests set key = key || ' of ' || answered_at where key = $1", o.Key); err != nil {
			return 0, nil, fmt.Errorf("forget the key: %w", err)
		}
		return s.claim(ctx, tx, o, fingerprint)
	}
	if !same {
		return 0, nil, errKeyReused
	}
	return tries, recorded, nil
}

func (s *Server) authorize(ctx context.Context, tx pgx.Tx, o order, tries int) (outcome, error) {
	trick := trickFor(authorize, o.Amount.Minor)
	if tries <= trick.tries {
		return outcome{trouble: trick.before}, nil
	}
	refused, err := trick.refuses(ctx, tx, o)
	if err != nil {
		return outcome{}, err
	}
	if refused != nil {
		return s.record(ctx, tx, o, nil, refused, none)
	}
	now := s.now()
	h := hold{
		reference: "hold_" + uuid.NewString(), paymentID: o.PaymentID, description: o.Description,
		amount: o.Amount, expiresAt: now.Add(s.options.HoldDuration),
	}
	if trick.lapses {
		h.expiresAt = now
	}
	_, err = tx.Exec(ctx, `
		insert into holds (reference, payment_id, amount, currency, expires_at, description)
		values ($1, $2, $3, $4, $5, $6)`,
		h.reference, h.paymentID, h.amount.Minor, h.amount.Currency, h.expiresAt, h.description)
	if err != nil {
		return outcome{}, fmt.Errorf("hold: %w", err)
	}
	return s.record(ctx, tx, o, &h, nil, trick.after)
}

func (s *Server) operate(ctx context.Context, tx pgx.Tx, o order, h *hold, tries int) (outcome, error) {
	trick := trickFor(o.Kind, h.amount.Minor)
	if tries <= trick.tries {
		return outcome{trouble: trick.before}, nil
	}
	refused, err := trick.refuses(ctx, tx, o)
	if err != nil {
		return outcome{}, err
	}
	if refused == nil {
		refused = h.apply(o.Kind, o.Amount, s.now())
	} else if refused.endsHold {
		h.ended = true
	}
	_, err = tx.Exec(ctx, `
		update holds set captured = $2, released = $3, refunded = $4, ended = $5 where reference = $1`,
		h.reference, h.captured, h.released, h.refunded, h.ended)
	if err != nil {
		return outcome{}, fmt.Errorf("change the hold: %w", err)
	}
	return s.record(ctx, tx, o, h, refused, trick.after)
}

// refuses returns the trick's refusal unless it has been used up.
func (t trick) refuses(ctx context.Context, tx pgx.Tx, o order) (*refusal, error) {
	if t.refusal == nil || !t.once {
		return t.refusal, nil
	}
	var before bool
	err := tx.QueryRow(ctx, `
		select exists (select from requests where payment_id = $1 and kind = $2 and outcome = 'refused')`,
		o.PaymentID, o.Kind).Scan(&before)
	if err != nil {
		return nil, fmt.Errorf("look for earlier refusals: %w", err)
	}
	if before {
		return nil, nil
	}
	return t.refusal, nil
}

// record writes down the definite answer. h is nil where there is no hold.
func (s *Server) record(ctx context.Context, tx pgx.Tx, o order, h *hold, refused *refusal, after trouble) (outcome, error) {
	a := answer{Key: o.Key, Kind: o.Kind, PaymentID: o.PaymentID, Amount: o.Amount, Outcome: "approved", At: s.now()}
	if h != nil {
		a.Reference = h.reference
		if o.Kind == authorize {
			a.ExpiresAt = &h.expiresAt
		}
	}
	if refused != nil {
		a.Outcome, a.Code, a.Reason, a.Final = "refused", refused.code, refused.reason, &refused.final
	}
	text, err := json.Marshal(a)
	if err != nil {
		return outcome{}, fmt.Errorf("write the answer: %w", err)
	}
	_, err = tx.Exec(ctx, `
		update requests set outcome = $2, answer = $3, answered_at = $4, reference = nullif($5, '') where key = $1`,
		o.Key, a.Outcome, string(text), a.At, a.Reference)
	if err != nil {
		return outcome{}, fmt.Errorf("record the answer: %w", err)
	}
	return outcome{answer: text, trouble: after}, nil
}

// lockHold comes before the claim of a key, always: so nothing deadlocks.
func lockHold(ctx context.Context, tx pgx.Tx, reference string) (hold, error) {
	h := hold{reference: reference}
	err := tx.QueryRow(ctx, `
		select payment_id, amount, currency, captured, released, refunded, ended, expires_at, description
		from holds where reference = $1 for no key update`, reference,
	).Scan(&h.paymentID, &h.amount.Minor, &h.amount.Currency, &h.captured, &h.released, &h.refunded,
		&h.ended, &h.expiresAt, &h.description)
	if errors.Is(err, pgx.ErrNoRows) {
		return hold{}, errNoHold
	}
	if err != nil {
		return hold{}, fmt.Errorf("find the hold: %w", err)
	}
	return h, nil
}
