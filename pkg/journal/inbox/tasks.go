package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// Action is what a task does with dead letters.
type Action string

// Actions of tasks.
const (
	Try     Action = "try" // to replay, each key in a transaction that is rolled back
	Replay  Action = "replay"
	Discard Action = "discard"
)

// Task is what an operator has the service do with dead letters, in the background, and what came of it. It
// goes on where it was after a crash, and can be stopped. The row stays, as the record of who decided it.
type Task struct {
	ID        int64      `json:"id"`
	Action    Action     `json:"action"`
	Selection Selection  `json:"selection"`
	Reason    string     `json:"reason"`
	By        string     `json:"by"`
	ByName    string     `json:"by_name"`
	AskedAt   time.Time  `json:"asked_at"`
	Total     *int64     `json:"total"`    // chosen dead letters, once it has begun
	Settled   int64      `json:"settled"`  // with those that waited behind them
	Failed    int64      `json:"failed"`   // they go on waiting
	LeftOut   int64      `json:"left_out"` // of a try: behind one that fails, or too many
	Failures  []Failure  `json:"failures"` // the first ones
	BegunAt   *time.Time `json:"begun_at"`
	MovedAt   *time.Time `json:"moved_at"`
	StoppedBy *string    `json:"stopped_by"`
	StoppedAt *time.Time `json:"stopped_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

// Failure is why a dead letter goes on waiting.
type Failure struct {
	DeadLetter int64  `json:"dead_letter"`
	Error      string `json:"error"`
}

const (
	keptFailures   = 100
	longestFailure = 300 // characters
	tasksChannel   = "dead_letter_tasks"
	selectTasks    = `select id, action, selection, reason, asked_by, asked_by_name, asked_at, total, settled, failed, left_out, failures,
		begun_at, moved_at, stopped_by, stopped_at, ended_at from dead_letter_tasks `
)

// LongestReason is how long a task's reason may be, in characters.
const LongestReason = 500

// ErrNoTask says that there is no such task.
var ErrNoTask = errors.New("there is no such task")

func scanTask(row pgx.CollectableRow) (t Task, err error) {
	err = row.Scan(&t.ID, &t.Action, &t.Selection, &t.Reason, &t.By, &t.ByName, &t.AskedAt, &t.Total, &t.Settled, &t.Failed, &t.LeftOut,
		&t.Failures, &t.BegunAt, &t.MovedAt, &t.StoppedBy, &t.StoppedAt, &t.EndedAt)
	t.AskedAt = t.AskedAt.UTC()
	return t, err
}

// Check refuses a task that is not to be done, in words for whoever asked.
func (t Task) Check() error {
	switch {
	case t.Action != Try && t.Action != Replay && t.Action != Discard:
		return fmt.Errorf("action is %.20q: use try, replay or discard", t.Action)
	case t.Selection.State != "" && t.Selection.State != Waiting:
		return errors.New("only what waits can be replayed or discarded")
	case t.Action != Discard:
		return t.Selection.Check()
	case t.Selection.DeadLetter == 0 && !t.Selection.Kind.alone():
		return errors.New("discard one dead letter, or those of a kind behind which nothing waits: malformed or refused")
	case t.Reason == "":
		return errors.New("say why it is discarded: that is kept on record")
	}
	return t.Selection.Check()
}

// Ask has a task done that Check accepts, once tx is committed. What is set aside from now on is not meant.
func (d *DeadLetterStore) Ask(ctx context.Context, tx *pg.Tx, t Task) (Task, error) {
	if t.Selection.DeadLetter != 0 {
		var waits bool
		const query = "select exists (select from dead_letters where id = $1 and state = 'waiting')"
		if err := tx.QueryRow(ctx, query, t.Selection.DeadLetter).Scan(&waits); err != nil {
			return t, fmt.Errorf("look for the dead letter: %w", err)
		}
		if !waits {
			return t, fmt.Errorf("%w: %d", ErrNoDeadLetter, t.Selection.DeadLetter)
		}
	}
	var id int64
	err := tx.QueryRow(ctx, `insert into dead_letter_tasks (action, selection, up_to, reason, asked_by, asked_by_name)
		values ($1, $2, (select coalesce(max(id), 0) from dead_letters), $3, $4, $5) returning id`,
		t.Action, t.Selection, t.Reason, t.By, t.ByName).Scan(&id)
	if err != nil {
		return t, fmt.Errorf("keep the task: %w", err)
	}
	tx.AfterCommit(func() { d.recorder.DB.Notify(tasksChannel) })
	return d.task(ctx, tx, id)
}

// Task returns a task.
func (d *DeadLetterStore) Task(ctx context.Context, id int64) (Task, error) {
	return d.task(ctx, d.recorder.DB.Pool(), id)
}

func (d *DeadLetterStore) task(ctx context.Context, q pg.Querier, id int64) (Task, error) {
	found, err := pg.Rows(ctx, q, scanTask, selectTasks+"where id = $1", id)
	switch {
	case err != nil:
		return Task{}, fmt.Errorf("read task %d: %w", id, err)
	case len(found) == 0:
		return Task{}, fmt.Errorf("%w: %d", ErrNoTask, id)
	}
	return found[0], nil
}

// Tasks returns the last tasks, the newest first.
func (d *DeadLetterStore) Tasks(ctx context.Context, limit int) ([]Task, error) {
	tasks, err := pg.Rows(ctx, d.recorder.DB.Pool(), scanTask, selectTasks+"order by id desc limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("read the tasks: %w", err)
	}
	return tasks, nil
}

// Stop has a task stop before its next dead letters. One that has ended stays as it is.
func (d *DeadLetterStore) Stop(ctx context.Context, tx *pg.Tx, id int64, byName string) (Task, error) {
	_, err := tx.Exec(ctx, `update dead_letter_tasks set stopped_by = $2, stopped_at = clock_timestamp(),
		ended_at = case when begun_at is null then clock_timestamp() end where id = $1 and ended_at is null and stopped_at is null`, id, byName)
	if err != nil {
		return Task{}, fmt.Errorf("stop task %d: %w", id, err)
	}
	tx.AfterCommit(func() { d.recorder.DB.Notify(tasksChannel) })
	return d.task(ctx, tx, id)
}
