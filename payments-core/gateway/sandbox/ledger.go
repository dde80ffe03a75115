package sandbox

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

var (
	errKeyReused = errors.New("the idempotency key belongs to another request")
	errNoHold    = errors.New("there is no hold of that reference")
)

// request is what a client asks for.
type request struct {
	Key         string       `json:"-"`
	Kind        gateway.Kind `json:"kind"`
	Reference   string       `json:"reference"` // empty for authorize
	PaymentID   string       `json:"payment_id"`
	Amount      money.Amount `json:"amount"`
	Description string       `json:"description"`
}

func (o request) fingerprint() ([]byte, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("fingerprint the request: %w", err)
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// outcome is the answer to a request, with the fault that happens to it the first time, or a fault instead of
// an answer.
type outcome struct {
	answer []byte
	fault  fault
}

// process does what is asked for once, however often and however many at a time ask.
func (s *Server) process(ctx context.Context, o request) (out outcome, err error) {
	fingerprint, err := o.fingerprint()
	if err != nil {
		return outcome{}, err
	}
	err = s.db.InTx(ctx, func(tx *pg.Tx) error {
		h := hold{paymentID: o.PaymentID, description: o.Description, amount: o.Amount}
		if o.Kind != authorize {
			if h, err = lockHold(ctx, tx, o.Reference); err != nil {
				return err
			}
			o.PaymentID = h.paymentID
		}
		tries, recorded, err := s.claim(ctx, tx, o, fingerprint)
		switch behaviour := testAmountFor(o.Kind, h.amount.Minor); {
		case err != nil:
		case recorded != nil:
			out.answer = []byte(*recorded)
		case tries <= behaviour.tries:
			out.fault = behaviour.before
		default:
			out, err = s.decide(ctx, tx, o, &h, behaviour)
		}
		return err
	})
	return out, err
}

// claim locks the key, counts the try, and returns the answer if there is one.
func (s *Server) claim(ctx context.Context, tx pgx.Tx, o request, fingerprint []byte) (tries int, recorded *string, err error) {
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
		// The record stays, and is still listed under its key, which is in its answer. Only the key is free
		// again.
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

// decide does what is asked for, or refuses it, and records the answer. h is the hold; one to be, where it is
// asked for.
func (s *Server) decide(ctx context.Context, tx pgx.Tx, o request, h *hold, behaviour testAmount) (outcome, error) {
	refused, err := behaviour.refuses(ctx, tx, o)
	switch {
	case err != nil:
		return outcome{}, err
	case o.Kind == authorize && refused != nil:
		return s.record(ctx, tx, o, nil, refused, none)
	case o.Kind == authorize:
		h.reference, h.expiresAt = "hold_"+uuid.NewString(), s.now()
		if !behaviour.lapses {
			h.expiresAt = h.expiresAt.Add(s.options.HoldDuration)
		}
	case refused == nil:
		refused = h.apply(o.Kind, o.Amount, s.now())
	default:
		h.ended = h.ended || refused.endsHold
	}
	_, err = tx.Exec(ctx, `
		insert into holds (reference, payment_id, amount, currency, expires_at, description) values ($1, $2, $3, $4, $5, $6)
		on conflict (reference) do update set captured = $7, released = $8, refunded = $9, ended = $10`,
		h.reference, h.paymentID, h.amount.Minor, h.amount.Currency, h.expiresAt, h.description,
		h.captured, h.released, h.refunded, h.ended)
	if err != nil {
		return outcome{}, fmt.Errorf("store the hold: %w", err)
	}
	return s.record(ctx, tx, o, h, refused, behaviour.after)
}

// refuses returns the refusal of a test amount, unless it was given once and that is enough.
func (t testAmount) refuses(ctx context.Context, tx pgx.Tx, o request) (*refusal, error) {
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

// record stores the definite answer. h is nil where there is no hold.
func (s *Server) record(ctx context.Context, tx pgx.Tx, o request, h *hold, refused *refusal, after fault) (outcome, error) {
	a := gateway.RecordJSON{Key: o.Key, Kind: o.Kind, PaymentID: o.PaymentID, Amount: o.Amount, Outcome: "approved", At: s.now()}
	if h != nil {
		a.Reference = h.reference
		if o.Kind == authorize {
			a.ExpiresAt = &h.expiresAt
		}
	}
	if refused != nil {
		a.Outcome, a.Code, a.Reason, a.Final = "refused", refused.Code, refused.Reason, &refused.Final
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
	return outcome{answer: text, fault: after}, nil
}

// lockHold is always called before claim, so that nothing deadlocks.
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

// answers returns one page of the records that have a definite answer.
func (s *Server) answers(ctx context.Context, payment, after string, limit int) ([]json.RawMessage, error) {
	texts, err := pg.Rows(ctx, s.db.Pool(), pgx.RowTo[string], `
		select answer from requests
		where key > $1 and ($2 = '' or payment_id = $2) and answer is not null
		order by key limit $3`, after, payment, limit)
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	answers := make([]json.RawMessage, len(texts))
	for i, text := range texts {
		answers[i] = json.RawMessage(text)
	}
	return answers, nil
}

// Audit checks the ledger: every hold is the sum of its approved answers, and was approved once. Its error
// names the holds for which that is not so.
func (s *Server) Audit(ctx context.Context) error {
	wrong, err := pg.Rows(ctx, s.db.Pool(), pgx.RowTo[string], `
		select h.reference
		from holds h
		left join requests r on r.reference = h.reference and r.outcome = 'approved'
		group by h.reference
		having count(*) filter (where r.kind = 'authorize') <> 1
		    or coalesce(sum(r.amount) filter (where r.kind = 'authorize'), 0) <> h.amount
		    or coalesce(sum(r.amount) filter (where r.kind = 'capture'), 0) <> h.captured
		    or coalesce(sum(r.amount) filter (where r.kind = 'release'), 0) <> h.released
		    or coalesce(sum(r.amount) filter (where r.kind = 'refund'), 0) <> h.refunded
		order by h.reference`)
	if err != nil {
		return fmt.Errorf("audit the books: %w", err)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("holds that are not the sum of their answers: %s", strings.Join(wrong, ", "))
	}
	return nil
}

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the sandbox's tables.
var Migrations = pg.NewMigrations("sandbox", files)
