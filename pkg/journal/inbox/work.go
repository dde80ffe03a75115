package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

const (
	taskPoll    = 30 * time.Second // when a notification was lost
	taskRetry   = time.Second
	triedAtMost = 500 // dead letters of one key in one transaction, which holds up what comes for it
)

// Work does what tasks ask for, one after the other, until ctx ends. One replica does at a time.
func (d *DeadLetterStore) Work(ctx context.Context) error {
	_ = d.recorder.DB.Lead(ctx, "dead-letter tasks", d.lead)
	return nil
}

func (d *DeadLetterStore) lead(ctx context.Context, lease pg.Lease) error {
	asked, stop := d.recorder.DB.Notifications(ctx, tasksChannel)
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-asked:
		case <-timer.C:
		}
		err := d.workOff(ctx, lease.Token)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !failing {
			d.recorder.Log.Warn("a task about dead letters waits, and will go on where it was", "error", err)
		}
		if failing = err != nil; failing {
			timer.Reset(taskRetry)
		} else {
			timer.Reset(taskPoll)
		}
	}
}

// workOff does all that is asked for. Its error is one that passes: nothing is lost, and it is called again.
func (d *DeadLetterStore) workOff(ctx context.Context, token int64) error {
	for {
		w, found, err := d.begin(ctx, token)
		if err != nil || !found {
			return err
		}
		if err := w.run(ctx); err != nil {
			return fmt.Errorf("task %d: %w", w.task.ID, err)
		}
	}
}

// work is a task under way, and where it is.
type work struct {
	*DeadLetterStore
	task    Task
	token   int64
	upTo    int64
	phase   int
	at      Origin
	current *int64
	stop    bool
}

// errOverrun undoes what a former leader does.
var errOverrun = errors.New("another replica has taken the task over")

// begin takes the oldest task over that has not ended.
func (d *DeadLetterStore) begin(ctx context.Context, token int64) (w *work, found bool, err error) {
	db := d.recorder.DB.Pool()
	open, err := pg.Rows(ctx, db, scanTask, selectTasks+"where ended_at is null order by id limit 1")
	if err != nil || len(open) == 0 {
		return nil, false, err
	}
	w = &work{DeadLetterStore: d, task: open[0], token: token}
	err = db.QueryRow(ctx, `update dead_letter_tasks set token = $2, begun_at = coalesce(begun_at, clock_timestamp()) where id = $1 and token <= $2
		returning up_to, phase, topic, partition, "offset", current, stopped_at is not null`, w.task.ID, token).
		Scan(&w.upTo, &w.phase, &w.at.Topic, &w.at.Partition, &w.at.Offset, &w.current, &w.stop)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, false, errOverrun
	case err != nil:
		return nil, false, fmt.Errorf("begin task %d: %w", w.task.ID, err)
	}
	if w.task.Total != nil || w.stop {
		return w, true, nil
	}
	d.recorder.Log.InfoContext(ctx, "a task about dead letters begins", "security", true, "task", w.task.ID, "action", w.task.Action,
		"selection", w.task.Selection, "by", w.task.By, "reason", w.task.Reason)
	conditions, args := w.chosen()
	if _, err = db.Exec(ctx, "update dead_letter_tasks set total = (select count(*) from dead_letters"+where(conditions...)+") where id = @task", args); err != nil {
		return nil, false, fmt.Errorf("count what task %d is about: %w", w.task.ID, err)
	}
	return w, true, nil
}

// chosen are the conditions of the dead letters that are meant.
func (w *work) chosen() (conditions []string, args pgx.NamedArgs) {
	chosen := w.task.Selection
	chosen.State = Waiting
	found, asked, args := chosen.conditions()
	args["task"], args["up_to"] = w.task.ID, w.upTo
	return append(append(found, "id <= @up_to"), asked...), args
}

// phases are the kinds that are gone through one after the other. A parked one follows the poison one of its
// key, and a refused one of that key can be recorded only after them.
func (w *work) phases() [][]Kind {
	if w.task.Selection.DeadLetter != 0 || w.task.Action == Discard {
		return [][]Kind{{Poison, Parked, Malformed, Disallowed}}
	}
	return [][]Kind{{Poison}, {Malformed, Disallowed}}
}

// run goes on until all is done, or it is told to stop.
func (w *work) run(ctx context.Context) error {
	if w.current != nil && !w.stop {
		if err := w.resume(ctx, *w.current); err != nil {
			return err
		}
	}
	for !w.stop {
		next, found, err := w.next(ctx)
		if err != nil {
			return err
		}
		if !found {
			break
		}
		w.at = Origin{journal.TopicPartition{Topic: next.Topic, Partition: next.Partition}, next.Offset}
		if err := w.settle(ctx, next); err != nil {
			return err
		}
	}
	var settled, failed int64
	err := w.recorder.DB.Pool().QueryRow(ctx, `update dead_letter_tasks set ended_at = clock_timestamp(), current = null
		where id = $1 and token = $2 returning settled, failed`, w.task.ID, w.token).Scan(&settled, &failed)
	if errors.Is(err, pgx.ErrNoRows) {
		return errOverrun
	}
	if err != nil {
		return fmt.Errorf("end it: %w", err)
	}
	w.recorder.Log.InfoContext(ctx, "a task about dead letters has ended", "security", true, "task", w.task.ID, "action", w.task.Action,
		"settled", settled, "failed", failed, "stopped", w.stop)
	return nil
}

// next is the next dead letter to deal with, in the topics' order. Those that this task has dealt with
// already are not meant again: one may have failed, and hold its key now.
func (w *work) next(ctx context.Context) (next DeadLetter, found bool, err error) {
	for phases := w.phases(); w.phase < len(phases); w.phase, w.at = w.phase+1, (Origin{}) {
		conditions, args := w.chosen()
		args["kinds"], args["topic_at"], args["partition_at"], args["offset_at"] = phases[w.phase], w.at.Topic, w.at.Partition, w.at.Offset
		conditions = append(conditions, "kind = any(@kinds)", "task is distinct from @task", `(topic, partition, "offset") > (@topic_at, @partition_at, @offset_at)`)
		list, err := pg.Rows(ctx, w.recorder.DB.Pool(), scanDeadLetter, selectDeadLetters+where(conditions...)+`order by topic, partition, "offset" limit 1`, args)
		if err != nil {
			return next, false, fmt.Errorf("look for what is next: %w", err)
		}
		if len(list) > 0 {
			return list[0], true, nil
		}
	}
	return next, false, nil
}

// settle deals with one dead letter. After a failure that passes, and is returned, it is the next one again.
func (w *work) settle(ctx context.Context, l DeadLetter) error {
	var err error
	switch {
	case w.task.Action == Try:
		return w.try(ctx, l)
	case w.task.Action == Discard && l.Kind.alone():
		err = w.alone(ctx, l, func(tx *pg.Tx) error { return settle(ctx, tx, l.ID, string(Discarded)) })
	case w.task.Action == Discard:
		err = w.key(ctx, l, w.discardFirst(ctx, l.ID), []int64{l.ID})
	case l.Kind.alone():
		err = w.alone(ctx, l, func(tx *pg.Tx) error { return w.receiveAlone(ctx, tx, l) })
	default:
		err = w.key(ctx, l, onlyHead(l.ID), nil)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errOverrun) || isRetryable(ctx, err):
		return err
	case errors.Is(err, ErrNoDeadLetter): // somebody has settled it meanwhile
		return w.noteAlone(ctx, round{})
	}
	failed := round{failures: []*FailedAgainError{{DeadLetter: l.ID, Kind: l.Kind, Cause: err}}}
	return w.recorder.DB.InTx(ctx, func(tx *pg.Tx) error {
		if !errors.Is(err, errNotNow) {
			if err := markFailed(ctx, tx, l.ID, l.Kind, err); err != nil {
				return err
			}
		}
		return w.note(ctx, tx, failed, nil)
	})
}

// alone settles a dead letter behind which no others wait.
func (w *work) alone(ctx context.Context, l DeadLetter, do func(tx *pg.Tx) error) error {
	return w.recorder.DB.InTx(ctx, func(tx *pg.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return w.note(ctx, tx, round{settled: []int64{l.ID}}, nil)
	})
}

// key settles the dead letters of a quarantined key, until it is free or the task is to stop. besides are
// those that the first round settles and does not tell of. What fails again is noted, and no error.
func (w *work) key(ctx context.Context, l DeadLetter, first chooseFirst, besides []int64) error {
	w.current = &l.ID
	_, _, err := w.freeNoting(ctx, l.quarantinedKey(), first, func(tx *pg.Tx, r round) (bool, error) {
		r.settled = append(r.settled, besides...)
		besides = nil
		current := w.current
		if !r.more {
			current = nil
		}
		err := w.note(ctx, tx, r, current)
		return !w.stop, err
	})
	return err
}

// resume goes on with the key of a dead letter in which the task was interrupted.
func (w *work) resume(ctx context.Context, id int64) error {
	found, err := pg.Rows(ctx, w.recorder.DB.Pool(), scanDeadLetter, selectDeadLetters+`where id = (select h.id from dead_letters h
		join dead_letters l on l.id = $1 where h.topic = l.topic and h.key = l.key and h.state = 'waiting' and h.kind <> 'malformed'
		and h.kind in ('poison', 'parked') order by h.id limit 1)`, id)
	if err != nil {
		return fmt.Errorf("go on where it was: %w", err)
	}
	if len(found) == 0 || found[0].Error != errLeft.Error() {
		return nil
	}
	head := found[0]
	err = w.key(ctx, head, onlyHead(head.ID), nil)
	if errors.Is(err, ErrNoDeadLetter) || errors.Is(err, errNotNow) {
		return nil
	}
	return err
}

// errTried rolls a transaction back.
var errTried = errors.New("this was a try")

// try finds out what would become of a dead letter, and of those behind it.
func (w *work) try(ctx context.Context, l DeadLetter) error {
	var tried round
	left := 0
	err := w.recorder.DB.InTx(ctx, func(tx *pg.Tx) (err error) {
		if l.Kind.alone() {
			if err := w.receiveAlone(ctx, tx, l); err != nil {
				return err
			}
			tried.settled = []int64{l.ID}
			return errTried
		}
		first := onlyHead(l.ID)
		for more := true; more && len(tried.settled)+len(tried.failures) < triedAtMost; first = nil {
			r, err := w.freeSome(ctx, tx, l.quarantinedKey(), first)
			if err != nil {
				return err
			}
			tried.settled, tried.failures = append(tried.settled, r.settled...), append(tried.failures, r.failures...)
			more = r.more
		}
		if err := tx.QueryRow(ctx, "select count(*) from (select from dead_letters "+waitingOfKey+" limit $3) queue", l.Topic, l.Key, mostCounted).Scan(&left); err != nil {
			return fmt.Errorf("count what is left of the key: %w", err)
		}
		return errTried
	})
	switch {
	case errors.Is(err, errTried):
	case isRetryable(ctx, err):
		return err
	case errors.Is(err, ErrNoDeadLetter):
		return w.noteAlone(ctx, round{})
	default:
		tried = round{failures: []*FailedAgainError{{DeadLetter: l.ID, Kind: l.Kind, Cause: err}}}
	}
	for _, f := range tried.failures {
		if f.Kind == Poison && left > 0 {
			left-- // the one that would hold the key
		}
	}
	tried.left = left
	return w.noteAlone(ctx, tried)
}

func (w *work) noteAlone(ctx context.Context, r round) error {
	return w.recorder.DB.InTx(ctx, func(tx *pg.Tx) error { return w.note(ctx, tx, r, nil) })
}

// note puts what was done on record, in the transaction that did it. It finds out whether to stop.
func (w *work) note(ctx context.Context, tx *pg.Tx, r round, current *int64) error {
	failures := make([]Failure, len(r.failures))
	touched := r.settled
	for i, f := range r.failures {
		failures[i] = Failure{f.DeadLetter, cut(errorText(f.Cause), longestFailure)}
		touched = append(touched, f.DeadLetter)
	}
	encoded, err := json.Marshal(failures)
	if err != nil {
		return fmt.Errorf("note what has failed: %w", err)
	}
	if w.task.Action != Try && len(touched) > 0 {
		tx.Queue("update dead_letters set task = $2 where id = any($1)", touched, w.task.ID)
	}
	err = tx.QueryRow(ctx, `update dead_letter_tasks set settled = settled + $3, failed = failed + $4, left_out = left_out + $5,
		failures = case when jsonb_array_length(failures) < $6 then failures || $7::jsonb else failures end,
		phase = $8, topic = $9, partition = $10, "offset" = $11, current = $12, moved_at = clock_timestamp()
		where id = $1 and token = $2 and ended_at is null returning stopped_at is not null`,
		w.task.ID, w.token, len(r.settled), len(failures), r.left, keptFailures, string(encoded),
		w.phase, w.at.Topic, w.at.Partition, w.at.Offset, current).Scan(&w.stop)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errOverrun
	case err != nil:
		return fmt.Errorf("note what was done: %w", err)
	}
	return nil
}

// cut leaves the beginning of a text.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}
