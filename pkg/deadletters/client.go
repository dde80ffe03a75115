package deadletters

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strconv"

	"countersign.example/pkg/api"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
)

// Client asks one service about its dead letters, on behalf of the person in a context (see event.MetaFrom).
// Its errors are those of api.Client.
type Client struct{ *api.Client }

// Local is the client of the service itself, which asks no network.
func Local(name string, db *pg.DB, store *inbox.DeadLetterStore, log *slog.Logger) Client {
	token := rand.Text()
	return Client{api.NewLocalClient(name, NewServer(db, store, name, api.Tokens{name: token}, log), token)}
}

// List returns the dead letters of a selection that come behind a place, the newest first. There may be none
// although there are more: see inbox.DeadLetterStore.Look.
func (c Client) List(ctx context.Context, s inbox.Selection, behind *inbox.Place, limit int) (p Page, err error) {
	v := Values(s)
	v.Set("limit", strconv.Itoa(limit))
	if behind != nil {
		v.Set("at", timeText(behind.At))
		v.Set("id", strconv.FormatInt(behind.ID, 10))
	}
	return p, c.Get(ctx, lettersPath+"?"+v.Encode(), &p)
}

// mostOfLetter bounds the answer with a dead letter, in bytes: a message's are 1 MiB at most, unless the
// broker is told otherwise.
const mostOfLetter = 16 << 20

// Letter returns a dead letter with its payload.
func (c Client) Letter(ctx context.Context, id int64) (l Letter, err error) {
	return l, c.Large(mostOfLetter).Get(ctx, lettersPath+"/"+strconv.FormatInt(id, 10), &l)
}

// Tasks returns the service's last tasks, the newest first.
func (c Client) Tasks(ctx context.Context) (tasks []inbox.Task, err error) {
	return tasks, c.Get(ctx, tasksPath, &tasks)
}

// Task returns a task.
func (c Client) Task(ctx context.Context, id int64) (t inbox.Task, err error) {
	return t, c.Get(ctx, tasksPath+"/"+strconv.FormatInt(id, 10), &t)
}

// Ask has the service do a task. The key is the command's.
func (c Client) Ask(ctx context.Context, key string, o Order) (taken inbox.Task, err error) {
	asked := known{&taken}
	return taken, c.Post(ctx, tasksPath, key, o, &asked)
}

// Stop has a task stop before its next dead letters.
func (c Client) Stop(ctx context.Context, key string, id int64) error {
	var stopped inbox.Task
	return c.Post(ctx, tasksPath+"/"+strconv.FormatInt(id, 10)+"/stop", key, nil, &known{&stopped})
}

// known is an answer with a task.
type known struct{ *inbox.Task }

// Check refuses an answer without one.
func (k *known) Check() error {
	if k.ID == 0 {
		return errors.New("it names no task")
	}
	return nil
}
