package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

// lookAgainAfter is when to check again while an operator is waited for, who may have brought a topic back. A
// decision is seen at once.
const lookAgainAfter = 10 * time.Second

// JournalCheck finds out whether the journal of a service with primary data has every event that the service
// has written. Each of its processes checks before it serves or writes: in a database older than the topics,
// it would do again what it has done.
type JournalCheck struct {
	cfg ConsumerConfig

	mu      sync.Mutex
	whole   map[journal.TopicPartition]int64
	last    error     // for which an operator is waited
	at      time.Time // when that was found
	decided int64     // the operators' last decision then
}

// NewJournalCheck returns a check for the service with this configuration. It uses connections of db, so that
// it can also check a database that nobody else may use yet (see pg.DB.Vet).
func NewJournalCheck(cfg ConsumerConfig, db *pg.DB) *JournalCheck {
	cfg.Journal, cfg.DB = journal.New(db, cfg.Journal.Source()), db
	return &JournalCheck{cfg: cfg, whole: map[journal.TopicPartition]int64{}}
}

// Check returns nil once nothing is missing. A *MissingError or a *journal.LostError needs an operator's
// decision; other errors are journal.ErrOtherCluster, or say why it cannot be known now. A check that is cut
// off goes on where it was.
func (c *JournalCheck) Check(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	decided, err := inbox.LastDecision(ctx, c.cfg.DB)
	if err != nil {
		return err
	}
	if c.last != nil && decided == c.decided && time.Since(c.at) < lookAgainAfter {
		return c.last
	}
	err = c.look(ctx)
	if err == nil {
		c.whole = map[journal.TopicPartition]int64{} // should the database be replaced, then that holds no more
	}
	if !waitsForOperator(err) {
		c.last = nil
		return err
	}
	if c.last == nil || c.last.Error() != err.Error() {
		c.report(err)
	}
	c.last, c.at, c.decided = err, time.Now(), decided
	return err
}

func (c *JournalCheck) look(ctx context.Context) error {
	id, err := c.cfg.Client.ClusterID(ctx)
	if err != nil {
		return err
	}
	if err := c.cfg.Journal.CheckCluster(ctx, id); err != nil {
		return err
	}
	if err := c.cfg.checkTopics(ctx); err != nil {
		return err
	}
	err = findMissing(ctx, c.cfg, c.whole)
	if _, lost := errors.AsType[*journal.LostError](err); !lost || c.last != nil {
		return err
	}
	if !wait.Sleep(ctx, doubtFor) { // a partition that has just got another leader may look cut short for a moment
		return ctx.Err()
	}
	return findMissing(ctx, c.cfg, c.whole)
}

// waitsForOperator reports whether time alone does not mend err.
func waitsForOperator(err error) bool {
	_, missing := errors.AsType[*MissingError](err)
	_, lost := errors.AsType[*journal.LostError](err)
	return missing || lost
}

func (c *JournalCheck) report(err error) {
	missing, is := errors.AsType[*MissingError](err)
	if !is {
		c.cfg.Log.Error("this service does not serve, since what it would have to compare its journal with is gone. Bring the topic back, or accept "+
			"the loss with the command accept-loss (docs/operations.md, Lost topics)", "error", err)
		return
	}
	c.cfg.Log.Error("this service does not serve, since its journal lacks what it has written itself. Restore a later backup, or run the "+
		"command adopt, with --dry-run first; for an event that it has not written, run skip (docs/operations.md, Backups)",
		"events", missing.Events, "streams", missing.Streams, "error", err)
}

// checkWithin bounds how long a command compares.
const checkWithin = time.Minute

// CheckBeforeChange is for a command that changes the database of a service with primary data: it returns an
// error, fit for people, unless the journal has what the service has written to the topics. It ignores dead
// letters: a running service goes on in spite of them, and such a command is what settles them.
func CheckBeforeChange(ctx context.Context, cfg ConsumerConfig) error {
	within, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	err := HoldsOwn(within, cfg)
	switch {
	case err == nil:
		return nil
	case waitsForOperator(err):
		return fmt.Errorf("nothing was changed, for this database is not what it was: run the command adopt first, or accept-loss "+
			"(docs/operations.md, Backups and Lost topics): %w", err)
	case ctx.Err() == nil && within.Err() != nil:
		return fmt.Errorf("nothing was changed: the journal could not be compared with the topics within %s; try again once Kafka "+
			"answers and the service has received what it holds: %w", checkWithin, err)
	}
	return fmt.Errorf("nothing was changed: the journal could not be compared with the topics; try again once Kafka answers: %w", err)
}

// HoldsOwn returns nil if the journal has what the service has written to the topics, as far as it can be
// used. For a service whose journal follows the topics, an error says that it has not received all of it
// again yet.
func HoldsOwn(ctx context.Context, cfg ConsumerConfig) error {
	if err := cfg.checkTopics(ctx); err != nil {
		return err
	}
	return find(ctx, cfg, map[journal.TopicPartition]int64{}, false)
}
