package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// replayBatch is how many dead letters of a key are replayed in one transaction. If there are more, the first
// one left holds the key until the next transaction.
const replayBatch = 100

// chooseFirst runs in the first transaction only. It gets the waiting dead letters of a key, in order, and
// returns those to replay. If it returns errNotHead, its own changes are committed, and free stops.
type chooseFirst func(tx *pg.Tx, waiting []DeadLetter) ([]DeadLetter, error)

// errNotHead says that another dead letter holds the key.
var errNotHead = errors.New("another dead letter holds the key")

// free settles the dead letters of a key, and frees the key when none is left. After each transaction, and so
// after a crash, either nothing has changed, or the key is free, or a poison dead letter holds it.
func (d *DeadLetterStore) free(ctx context.Context, k quarantinedKey, first chooseFirst) (settled int, err error) {
	settled, failed, err := d.freeNoting(ctx, k, first, func(*pg.Tx, round) (bool, error) { return true, nil })
	return settled, errors.Join(failed, err)
}

// freeNoting is free, with a note of each round in its transaction. Where that fails, the round is undone;
// where it does not want to go on, that was the last round. What has failed again is noted, and err is
// something else: the round that it is about is undone, and those before it are not.
func (d *DeadLetterStore) freeNoting(
	ctx context.Context, k quarantinedKey, first chooseFirst, note func(*pg.Tx, round) (goOn bool, err error),
) (settled int, failed, err error) {
	for more, goOn := true, true; more && goOn; first = nil {
		var done round
		err := d.recorder.DB.InTx(ctx, func(tx *pg.Tx) (err error) {
			if done, err = d.freeSome(ctx, tx, k, first); err != nil {
				return err
			}
			goOn, err = note(tx, done)
			return err
		})
		if err != nil {
			return settled, failed, err
		}
		settled, more = settled+len(done.settled), done.more
		if done.failures != nil {
			failed = errors.Join(failed, done.failed())
			d.recorder.DB.Notify(journal.OutboxChannel)
		}
	}
	return settled, failed, nil
}

// round is what one transaction of free has done.
type round struct {
	settled  []int64 // dead letters
	failures []*FailedAgainError
	more     bool // dead letters are left to replay
	left     int  // dead letters that were not tried
}

func (r round) failed() error {
	return errors.Join(pg.Column(r.failures, func(e *FailedAgainError) error { return e })...)
}

// freeSome replays dead letters of the key under the lock of its row. A consumer with an event of the key
// waits for the lock, and then finds the key free, or quarantined.
func (d *DeadLetterStore) freeSome(ctx context.Context, tx *pg.Tx, k quarantinedKey, first chooseFirst) (done round, err error) {
	if err := lockKey(ctx, tx, k); err != nil {
		return done, err
	}
	waiting, err := pg.Rows(ctx, tx, scanDeadLetter, selectDeadLetters+waitingOfKey+" limit $3", k.topic, []byte(k.key), replayBatch)
	if err != nil {
		return done, fmt.Errorf("read the key's dead letters: %w", err)
	}
	if first != nil {
		if waiting, err = first(tx, waiting); errors.Is(err, errNotHead) {
			return done, nil
		} else if err != nil {
			return done, err
		}
	}
	for _, deadLetter := range waiting {
		kind, cause, err := d.replayInOrder(ctx, tx, deadLetter)
		switch {
		case err != nil:
			return done, err
		case cause == nil:
			done.settled = append(done.settled, deadLetter.ID)
			continue
		}
		if err := markFailed(ctx, tx, deadLetter.ID, kind, cause); err != nil {
			return done, err
		}
		done.failures = append(done.failures, &FailedAgainError{DeadLetter: deadLetter.ID, Kind: kind, Cause: cause})
		if kind == Poison {
			return done, nil
		}
	}
	var next int64
	err = tx.QueryRow(ctx, "select id from dead_letters "+waitingOfKey+" limit 1", k.topic, []byte(k.key)).Scan(&next)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		_, err := tx.Exec(ctx, "delete from quarantined_keys where topic = $1 and key = $2", k.topic, []byte(k.key))
		return done, err
	case err != nil:
		return done, fmt.Errorf("read the key's dead letters: %w", err)
	}
	done.more = true
	return done, markFailed(ctx, tx, next, Poison, errLeft)
}

// waitingOfKey are a key's dead letters that wait, in order: its poison one, and what is parked behind. The
// condition on malformed ones is that of the index dead_letters_waiting.
const waitingOfKey = `where topic = $1 and key = $2 and state = 'waiting' and kind <> 'malformed' and kind in ('poison', 'parked') order by id`

// errLeft is the error of a dead letter that holds its key between two transactions.
var errLeft = errors.New("it is being replayed, with others before it: where that has ended, replay it")

// replayInOrder records the event of a dead letter and settles it. A failure that is not known to be
// temporary is undone: then cause says why, and kind is what the dead letter has become.
func (d *DeadLetterStore) replayInOrder(ctx context.Context, tx *pg.Tx, deadLetter DeadLetter) (kind Kind, cause, err error) {
	i := d.recorder.read(deadLetter.message())[0]
	if i.kind != "" {
		return i.kind, i.cause, nil
	}
	cause = tx.Savepoint(ctx, func() error { return d.receiveInOrder(ctx, tx, i, deadLetter) })
	switch {
	case cause == nil:
		return "", nil, settle(ctx, tx, deadLetter.ID, "replayed")
	case isRetryable(ctx, cause):
		return "", nil, cause
	}
	if errors.Is(cause, ErrDisallowed) {
		return Disallowed, cause, nil
	}
	return Poison, cause, nil
}

// markFailed notes a failed attempt. The dead letter goes on waiting, as the kind that it is now.
func markFailed(ctx context.Context, tx *pg.Tx, id int64, kind Kind, cause error) error {
	_, err := tx.Exec(ctx, "update dead_letters set attempts = attempts + 1, error = $2, kind = $3 where id = $1", id, errorText(cause), kind)
	if err != nil {
		return fmt.Errorf("note the attempt: %w", err)
	}
	return nil
}

// StrandedKey is a key that is quarantined although no poison message holds it: its events wait, and no
// notice says so.
type StrandedKey struct {
	Topic   string
	Key     []byte
	Since   time.Time
	Waiting int // dead letters
}

// Stranded returns the stranded keys of the store's service.
func (d *DeadLetterStore) Stranded(ctx context.Context) ([]StrandedKey, error) {
	return Stranded(ctx, d.recorder.DB)
}

// Stranded returns the keys that no poison dead letter holds. Only an older version can have left any.
func Stranded(ctx context.Context, db *pg.DB) ([]StrandedKey, error) {
	keys, err := pg.Rows(ctx, db.Pool(), pgx.RowToStructByPos[StrandedKey], `select topic, key, quarantined_at, (select count(*) from dead_letters d where d.topic = k.topic and d.key = k.key
		and d.state = 'waiting' and d.kind <> 'malformed' and d.kind = 'parked') `+fromStranded+" order by topic, key")
	if err != nil {
		return nil, fmt.Errorf("look for stranded keys: %w", err)
	}
	return keys, nil
}

// fromStranded looks for each key's dead letter by itself: a join would be planned for few keys, and compare
// all with all.
const fromStranded = `from quarantined_keys k where not exists (select from dead_letters d where d.topic = k.topic and d.key = k.key
	and d.state = 'waiting' and d.kind <> 'malformed' and d.kind = 'poison' offset 0)`

// Free frees the stranded keys, and replays what is parked behind each.
func (d *DeadLetterStore) Free(ctx context.Context) (keys, settled int, err error) {
	stranded, err := Stranded(ctx, d.recorder.DB)
	if err != nil {
		return 0, 0, err
	}
	var failed []error
	for _, k := range stranded {
		n, err := d.free(ctx, quarantinedKey{k.Topic, string(k.Key)}, func(_ *pg.Tx, waiting []DeadLetter) ([]DeadLetter, error) {
			if len(waiting) > 0 && waiting[0].Kind == Poison { // since Stranded
				return nil, errNotHead
			}
			return waiting, nil
		})
		settled += n
		failed = append(failed, err)
		if err == nil {
			keys++
		}
	}
	return keys, settled, errors.Join(failed...)
}
