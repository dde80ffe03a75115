package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// ErrNoDeadLetter says that there is no such dead letter waiting.
var ErrNoDeadLetter = errors.New("no such dead letter is waiting")

// FailedAgainError says that a dead letter failed again when it was replayed, or that one parked behind it
// did. It waits at the head of its key.
type FailedAgainError struct {
	DeadLetter int64
	Kind       Kind // as which it waits
	Cause      error
}

func (e *FailedAgainError) Error() string {
	if e.Kind == Poison {
		return fmt.Sprintf("dead letter %d failed again and keeps its key: %s", e.DeadLetter, errorText(e.Cause))
	}
	return fmt.Sprintf("dead letter %d failed again and waits: %s", e.DeadLetter, errorText(e.Cause))
}

func (e *FailedAgainError) Unwrap() error { return e.Cause }

// DeadLetterStore is a service's dead letters.
type DeadLetterStore struct {
	recorder *Recorder
	// Check is asked before a command changes something (see kafka.CheckBeforeChange). May be nil.
	Check func(ctx context.Context) error
}

// NewDeadLetterStore returns the dead letters of the service that records as r says.
func NewDeadLetterStore(r Config) *DeadLetterStore {
	return &DeadLetterStore{recorder: NewRecorder(r)}
}

// List returns the dead letters that wait, oldest first, at most limit.
func (d *DeadLetterStore) List(ctx context.Context, limit int) ([]DeadLetter, error) {
	deadLetters, err := pg.Rows(ctx, d.recorder.DB.Pool(), scanDeadLetter, selectDeadLetters+"where state = 'waiting' order by id limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return deadLetters, nil
}

// Replay records the event of a dead letter, and returns how many dead letters that settled. A poison one is
// recorded at its place, and then those parked behind it, in order; the first that fails again holds the key
// from then on, and the error is a *FailedAgainError. A malformed or disallowed one is recorded if today's
// rules accept it, after whatever its key has had since. Nothing is published.
func (d *DeadLetterStore) Replay(ctx context.Context, id int64) (settled int, err error) {
	deadLetter, err := d.waitingDeadLetter(ctx, id)
	if err != nil {
		return 0, err
	}
	if deadLetter.Kind.alone() {
		return d.replayAlone(ctx, deadLetter)
	}
	return d.free(ctx, deadLetter.quarantinedKey(), onlyHead(id))
}

// onlyHead has all of a key replayed if a dead letter holds it.
func onlyHead(id int64) chooseFirst {
	return func(_ *pg.Tx, waiting []DeadLetter) ([]DeadLetter, error) {
		if len(waiting) == 0 {
			return nil, fmt.Errorf("%w: %d", ErrNoDeadLetter, id)
		}
		if waiting[0].ID != id {
			return nil, fmt.Errorf("%w: dead letter %d waits behind dead letter %d of the same key: replay or discard that one", errNotNow, id, waiting[0].ID)
		}
		return waiting, nil
	}
}

// ReplayAll replays every poison dead letter, oldest first. It goes on after one that fails again; the error
// is a *StillWaitingError then.
func (d *DeadLetterStore) ReplayAll(ctx context.Context) (settled int, err error) {
	return d.replayEach(ctx, "select id from dead_letters where state = 'waiting' and kind = 'poison' order by id")
}

// ReplayRefused replays every refused dead letter that was recorded since then, those of a key in the topic's
// order. It goes on after one that fails again, or whose key waits; the error is a *StillWaitingError then.
func (d *DeadLetterStore) ReplayRefused(ctx context.Context, since time.Time) (settled int, err error) {
	return d.replayEach(ctx, `select id from dead_letters where state = 'waiting' and kind = 'refused' and recorded_at >= $1
		order by topic, partition, "offset"`, since)
}

func (d *DeadLetterStore) replayEach(ctx context.Context, query string, args ...any) (settled int, err error) {
	ids, err := pg.Rows(ctx, d.recorder.DB.Pool(), pgx.RowTo[int64], query, args...)
	if err != nil {
		return 0, fmt.Errorf("list dead letters: %w", err)
	}
	var left StillWaitingError
	for _, id := range ids {
		n, err := d.Replay(ctx, id)
		settled += n
		if !left.add(id, err) {
			return settled, errors.Join(left.orNil(), err)
		}
	}
	return settled, left.orNil()
}

// Discard gives a dead letter up for good, and replays those that are parked behind it. It returns how many
// were settled; the error may be a *FailedAgainError.
func (d *DeadLetterStore) Discard(ctx context.Context, id int64) (settled int, err error) {
	deadLetter, err := d.waitingDeadLetter(ctx, id)
	if err != nil {
		return 0, err
	}
	if deadLetter.Kind.alone() {
		return 0, d.recorder.DB.InTx(ctx, func(tx *pg.Tx) error { return settle(ctx, tx, id, "discarded") })
	}
	return d.free(ctx, deadLetter.quarantinedKey(), d.discardFirst(ctx, id))
}

// discardFirst discards a dead letter, and has the others of its key replayed if it held that.
func (d *DeadLetterStore) discardFirst(ctx context.Context, id int64) chooseFirst {
	return func(tx *pg.Tx, waiting []DeadLetter) ([]DeadLetter, error) {
		if err := settle(ctx, tx, id, "discarded"); err != nil {
			return nil, err
		}
		if len(waiting) == 0 { // it has become one that nobody waits behind
			return nil, nil
		}
		if waiting[0].ID != id {
			return nil, errNotHead
		}
		return waiting[1:], nil
	}
}

func (l DeadLetter) quarantinedKey() quarantinedKey { return quarantinedKey{l.Topic, string(l.Key)} }

func (d *DeadLetterStore) waitingDeadLetter(ctx context.Context, id int64) (DeadLetter, error) {
	found, err := pg.Rows(ctx, d.recorder.DB.Pool(), scanDeadLetter, selectDeadLetters+"where id = $1 and state = 'waiting'", id)
	switch {
	case err != nil:
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", id, err)
	case len(found) == 0:
		return DeadLetter{}, fmt.Errorf("%w: %d", ErrNoDeadLetter, id)
	}
	return found[0], nil
}

// replayAlone records an event behind which no others wait.
func (d *DeadLetterStore) replayAlone(ctx context.Context, deadLetter DeadLetter) (int, error) {
	err := d.recorder.DB.InTx(ctx, func(tx *pg.Tx) error { return d.receiveAlone(ctx, tx, deadLetter) })
	switch {
	case err == nil:
		return 1, nil
	case errors.Is(err, errNotNow) || errors.Is(err, ErrNoDeadLetter) || isRetryable(ctx, err):
		return 0, fmt.Errorf("dead letter %d: %w", deadLetter.ID, err)
	}
	return 0, d.failedAgain(ctx, deadLetter, err)
}

// receiveAlone records the event of a dead letter behind which no others wait, and settles it.
func (d *DeadLetterStore) receiveAlone(ctx context.Context, tx *pg.Tx, deadLetter DeadLetter) error {
	i := d.recorder.read(deadLetter.message())[0]
	if i.kind != "" {
		return i.cause
	}
	known, err := d.recorder.lookUp(ctx, tx, []item{i})
	switch {
	case err != nil:
		return err
	case known.quarantined[i.key()]:
		return fmt.Errorf("%w: its key waits behind a poison message; replay or discard that one first", errNotNow)
	case d.recorder.lacks(i, known.own):
		return notOurs()
	}
	if err := d.recorder.receiveOne(ctx, tx, i); err != nil {
		return err
	}
	return settle(ctx, tx, deadLetter.ID, "replayed")
}

// errNotNow says that something else has to be done first.
var errNotNow = errors.New("not now")

// receiveInOrder is Recorder.receiveOne for a dead letter that waited for its key.
func (d *DeadLetterStore) receiveInOrder(ctx context.Context, tx *pg.Tx, i item, deadLetter DeadLetter) error {
	adopted, err := d.adopts(ctx, tx, i, deadLetter)
	if err != nil {
		return err
	}
	if err := d.recorder.receiveOne(ctx, tx, i); err != nil || !adopted || d.recorder.Restore == nil {
		return err
	}
	report := func(line string) { d.recorder.Log.Info("restored what follows from an adopted event", "what", line) }
	return d.recorder.Restore(ctx, tx, []string{i.received.Stream}, report)
}

// adopts reports whether an event is the service's own and the journal lacks it. It is disallowed unless an
// operator has adopted what was lacking since it became a dead letter.
func (d *DeadLetterStore) adopts(ctx context.Context, tx *pg.Tx, i item, deadLetter DeadLetter) (bool, error) {
	if !d.recorder.isOwn(i) {
		return false, nil
	}
	known, err := d.recorder.lookUp(ctx, tx, []item{i})
	if err != nil || !d.recorder.lacks(i, known.own) {
		return false, err
	}
	var adopted bool
	const since = "select exists (select from operator_decisions where decision = 'adopt' and decided_at > $1)"
	if err := tx.QueryRow(ctx, since, deadLetter.RecordedAt).Scan(&adopted); err != nil {
		return false, fmt.Errorf("look for what operators have decided: %w", err)
	}
	if !adopted {
		return false, notOurs()
	}
	return true, nil
}

// failedAgain notes the attempt.
func (d *DeadLetterStore) failedAgain(ctx context.Context, deadLetter DeadLetter, cause error) error {
	_, err := d.recorder.DB.Pool().Exec(ctx, `update dead_letters set attempts = attempts + 1, error = $2 where id = $1 and state = 'waiting'`,
		deadLetter.ID, errorText(cause))
	if err != nil {
		return errors.Join(cause, fmt.Errorf("note the attempt: %w", err))
	}
	return &FailedAgainError{DeadLetter: deadLetter.ID, Kind: deadLetter.Kind, Cause: cause}
}

// settle sets the final state of a dead letter. Only one caller can.
func settle(ctx context.Context, tx *pg.Tx, id int64, state string) error {
	tag, err := tx.Exec(ctx, "update dead_letters set state = $2, settled_at = clock_timestamp() where id = $1 and state = 'waiting'", id, state)
	if err != nil {
		return fmt.Errorf("settle dead letter %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w: %d", ErrNoDeadLetter, id)
	}
	return nil
}
