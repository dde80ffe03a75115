package pg

import (
	"context"
	"errors"
)

// Savepoint runs fn, and what fn queues, after a savepoint. If that fails or panics, it is undone, and the
// transaction can go on. It costs two round trips.
func (tx *Tx) Savepoint(ctx context.Context, fn func() error) (err error) {
	if _, err := tx.Exec(ctx, "savepoint part"); err != nil {
		return err
	}
	p, after, done := tx.pipeline, len(tx.after), false
	defer func() {
		if done {
			return
		}
		p.takeQueued()
		p.failed, tx.after = nil, tx.after[:after]
		// Rolling back alone would leave the savepoint open, one more with each part that fails.
		if _, undoing := p.tx.Exec(ctx, "rollback to savepoint part; release savepoint part"); undoing != nil {
			p.failed = undoing
			err = errors.Join(err, undoing)
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "release savepoint part"); err != nil {
		return err
	}
	done = true
	return nil
}
