package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// ErrNoLetter says that there is no such dead letter waiting.
var ErrNoLetter = errors.New("no such dead letter is waiting")

// FailedAgainError says that a replayed letter failed as before, or that one parked behind it
// did. The letter waits, at the head of its key.
type FailedAgainError struct {
	Letter int64
	Cause  error
}

func (e *FailedAgainError) Error() string {
	return fmt.Sprintf("letter %d failed again and waits: %s", e.Letter, errorText(e.Cause))
}

func (e *FailedAgainError) Unwrap() error { return e.Cause }

// DeadLetters are a service's dead letters.
type DeadLetters struct {
	recorder *recorder
}

// NewDeadLetters returns the dead letters of the service that records as r says.
func NewDeadLetters(r Recording) *DeadLetters { return &DeadLetters{recorder: newRecorder(r)} }

// List returns the letters that wait, oldest first, at most limit.
func (d *DeadLetters) List(ctx context.Context, limit int) ([]Letter, error) {
	rows, err := d.recorder.DB.Pool().Query(ctx, selectLetters+"where state = 'waiting' order by id limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	letters, err := pgx.CollectRows(rows, scanLetter)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return letters, nil
}

// Replay records a letter's event at its place, and then what was parked behind it, in order.
// It returns how many letters that settled. The first that fails again becomes the poison one
// at the head of its key: a *FailedAgainError. Nothing is published.
func (d *DeadLetters) Replay(ctx context.Context, id int64) (settled int, err error) {
	letter, err := d.waiting(ctx, id)
	if err != nil {
		return 0, err
	}
	if letter.Kind == Malformed {
		return d.replayMalformed(ctx, letter)
	}
	first := true
	return d.free(ctx, letter.parkedKey(), func(head Letter) error {
		if first && head.ID != id {
			return fmt.Errorf("letter %d waits behind letter %d of the same key: replay or discard that one", id, head.ID)
		}
		first = false
		return nil
	})
}

// Discard gives a letter up for good. Where it held its key, what was parked behind it is
// replayed; the count includes those, and an error may be a *FailedAgainError of one of them.
func (d *DeadLetters) Discard(ctx context.Context, id int64) (settled int, err error) {
	letter, err := d.waiting(ctx, id)
	if err != nil {
		return 0, err
	}
	err = d.recorder.DB.InTx(ctx, func(tx *pg.Tx) error {
		if letter.Kind != Malformed {
			if _, err := parkKey(ctx, tx, letter.parkedKey()); err != nil {
				return err
			}
		}
		return settle(ctx, tx, id, "discarded")
	})
	if err != nil || letter.Kind != Poison {
		return 0, err
	}
	return d.free(ctx, letter.parkedKey(), func(Letter) error { return nil })
}

func (l Letter) parkedKey() parkedKey { return parkedKey{l.Topic, string(l.Key)} }

func (d *DeadLetters) waiting(ctx context.Context, id int64) (Letter, error) {
	rows, err := d.recorder.DB.Pool().Query(ctx, selectLetters+"where id = $1 and state = 'waiting'", id)
	if err != nil {
		return Letter{}, fmt.Errorf("read dead letter %d: %w", id, err)
	}
	letter, err := pgx.CollectExactlyOneRow(rows, scanLetter)
	if errors.Is(err, pgx.ErrNoRows) {
		return Letter{}, fmt.Errorf("%w: %d", ErrNoLetter, id)
	}
	if err != nil {
		return Letter{}, fmt.Errorf("read dead letter %d: %w", id, err)
	}
	return letter, nil
}

// replayMalformed records a message that was malformed and, with the code of today, may not
// be. It has no place to be put back into: it comes after whatever its key has had since. Where
// its key is parked by now, it goes behind.
func (d *DeadLetters) replayMalformed(ctx context.Context, letter Letter) (int, error) {
	i := d.recorder.read(letter.message())
	if i.malformed != nil {
		return 0, d.failedAgain(ctx, letter, i.malformed)
	}
	settled := 0
	err := d.try(ctx, func(tx *pg.Tx) error {
		settled = 0
		var parked bool
		if err := tx.QueryRow(ctx, "select exists (select from parked_keys where topic = $1 and key = $2 for update)",
			letter.Topic, letter.Key).Scan(&parked); err != nil {
			return fmt.Errorf("look for a parked key: %w", err)
		}
		if parked {
			return fmt.Errorf("the key of letter %d has a poison letter: replay or discard that one first", letter.ID)
		}
		if err := d.hear(ctx, tx, i); err != nil {
			return err
		}
		settled = 1
		return settle(ctx, tx, letter.ID, "replayed")
	})
	if err != nil && permanent(err) {
		return 0, d.failedAgain(ctx, letter, err)
	}
	return settled, err
}

// free replays the letters of a key from its head, one transaction each, and frees the key
// with the last. Consumers may park more behind meanwhile: under the key's row, so that either
// they find it parked and the next round finds the letter, or they find it free. may is asked
// before each.
func (d *DeadLetters) free(ctx context.Context, k parkedKey, may func(head Letter) error) (settled int, err error) {
	for {
		var head Letter
		free := false
		err := d.try(ctx, func(tx *pg.Tx) error {
			if _, err := parkKey(ctx, tx, k); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, selectLetters+`where topic = $1 and key = $2 and state = 'waiting' and kind <> 'malformed'
				order by id limit 1`, k.topic, []byte(k.key))
			if err != nil {
				return fmt.Errorf("read the key's letters: %w", err)
			}
			head, err = pgx.CollectExactlyOneRow(rows, scanLetter)
			if errors.Is(err, pgx.ErrNoRows) {
				free = true
				_, err := tx.Exec(ctx, "delete from parked_keys where topic = $1 and key = $2", k.topic, []byte(k.key))
				return err
			}
			if err != nil {
				return fmt.Errorf("read the key's letters: %w", err)
			}
			if err := may(head); err != nil {
				return err
			}
			i := d.recorder.read(head.message())
			if i.malformed != nil { // the code of today takes it for malformed
				return permanentError{i.malformed}
			}
			if err := d.hear(ctx, tx, i); err != nil {
				return err
			}
			return settle(ctx, tx, head.ID, "replayed")
		})
		switch {
		case err != nil && permanent(err):
			return settled, d.failedAgain(ctx, head, err)
		case err != nil || free:
			return settled, err
		}
		settled++
	}
}

// hear records one event of a letter.
func (d *DeadLetters) hear(ctx context.Context, tx *pg.Tx, i item) error {
	known, err := d.recorder.look(ctx, tx, []item{i})
	if err != nil {
		return err
	}
	_, err = d.recorder.hear(ctx, tx, []journal.Heard{i.heard}, known.own)
	return err
}

// try runs fn in a transaction; a panic is its error.
func (d *DeadLetters) try(ctx context.Context, fn func(tx *pg.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return d.recorder.DB.InTx(ctx, fn)
}

// failedAgain notes the attempt. A parked letter is the poison one of its key from now on.
func (d *DeadLetters) failedAgain(ctx context.Context, letter Letter, cause error) error {
	_, err := d.recorder.DB.Pool().Exec(ctx, `update dead_letters set attempts = attempts + 1, error = $2,
		kind = case kind when 'parked' then 'poison' else kind end where id = $1 and state = 'waiting'`, letter.ID, errorText(cause))
	if err != nil {
		return errors.Join(cause, fmt.Errorf("note the attempt: %w", err))
	}
	d.recorder.DB.Notify(journal.OutboxChannel)
	return &FailedAgainError{Letter: letter.ID, Cause: cause}
}

// settle ends a letter's waiting, which only one caller can.
func settle(ctx context.Context, tx *pg.Tx, id int64, state string) error {
	tag, err := tx.Exec(ctx, "update dead_letters set state = $2, settled_at = clock_timestamp() where id = $1 and state = 'waiting'", id, state)
	if err != nil {
		return fmt.Errorf("settle dead letter %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w: %d", ErrNoLetter, id)
	}
	return nil
}
