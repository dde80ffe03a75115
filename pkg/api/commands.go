package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

const (
	headerKey = "Idempotency-Key"
	maxKey    = 200 // characters
)

// Commands are what callers asked, and what they were answered.
type Commands struct {
	DB *pg.DB
	// Explain makes a *web.Error of an error of the domain; a conflict (409) is a command's answer, and is
	// kept. Others it returns as they are. May be nil.
	Explain func(error) error
	// None is the error, to be explained, that there is nothing with the path's :id; a text that is no id is not
	// asked for. May be nil.
	None error
}

// Answer is what a command was answered, as it is kept.
type Answer struct {
	Status   int             `json:"status"`
	Body     json.RawMessage `json:"body,omitempty"`     // of a 2xx
	Location string          `json:"location,omitempty"` // of a 2xx; may be empty
	Detail   string          `json:"detail,omitempty"`   // of a refusal
	Extra    map[string]any  `json:"extra,omitempty"`    // of a refusal
}

// Give is an answer with body as JSON.
func Give(status int, body any) (Answer, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return Answer{}, fmt.Errorf("write the answer: %w", err)
	}
	return Answer{Status: status, Body: raw}, nil
}

// Request is a command as it was sent.
type Request[B any] struct {
	Caller string // the service
	Actor  Actor  // the person it calls for, with a role; also in the context's event.Meta
	ID     string // the path's :id
	Body   B
}

// Contractor is the one contractor whose things the command may be about; "" for everybody's.
func (r Request[B]) Contractor() string {
	if r.Actor.Role == rights.Contractor {
		return r.Actor.ID
	}
	return ""
}

// Handle is a route that takes a command with body B (see Read) and runs it once, in one transaction with the
// answer:
//
//	s.POST("/orders/:id/items", build, api.Handle(commands, a.addItem))
//
// What run returns as an error is explained, and undoes what run has written; a conflict is kept as the
// answer.
func Handle[B any](c *Commands, run func(ctx context.Context, tx *pg.Tx, r Request[B]) (Answer, error)) echo.HandlerFunc {
	return func(e echo.Context) error {
		key := e.Request().Header.Get(headerKey)
		if !IsKey(key) {
			return web.Unprocessable(fmt.Sprintf("Send a header %s of 1 to %d printable characters without spaces.", headerKey, maxKey))
		}
		request := Request[B]{Caller: callerOf(e), ID: e.Param("id")}
		raw, actor, err := Read(e, &request.Body)
		if err != nil {
			return err
		}
		request.Actor = actor
		if c.None != nil && request.ID != "" && !IsID(request.ID) {
			_, err := c.refused(c.None)
			return err
		}
		asked, err := fingerprint(e.Request(), actor, raw)
		if err != nil {
			return err
		}
		// The events of the command say which one it was: they outlive the answer that is kept.
		meta := event.MetaFrom(e.Request().Context()) // Read has put the actor into it
		meta.CausationID = request.Caller + ":" + key
		ctx := event.WithMeta(e.Request().Context(), meta)
		given, err := c.Once(ctx, Key{request.Caller, key, asked}, func(tx *pg.Tx) (Answer, error) {
			return run(ctx, tx, request)
		})
		if err != nil {
			return err
		}
		if given.Status >= http.StatusBadRequest {
			return &web.Error{Status: given.Status, Message: given.Detail, Extra: given.Extra}
		}
		if given.Location != "" {
			e.Response().Header().Set(echo.HeaderLocation, given.Location)
		}
		return e.JSONBlob(given.Status, given.Body)
	}
}

// Key names a command.
type Key struct {
	Caller, Key string
	Fingerprint []byte // of the request: the same key with another one is refused
}

// Once runs do and keeps its answer, in one transaction, or returns the answer that is kept. Errors are
// explained; of what do did before one, nothing stays.
//
// The answer is written last, with the commit: of several requests with one key, all do the work, and only
// the first one's stays. Those are few, and every other command is spared a round trip.
func (c *Commands) Once(ctx context.Context, k Key, do func(tx *pg.Tx) (Answer, error)) (given Answer, err error) {
	given, err = c.once(ctx, k, do)
	if err == nil {
		return given, nil
	}
	conflict, err := c.refused(err)
	if err != nil {
		return Answer{}, err
	}
	return c.once(ctx, k, func(*pg.Tx) (Answer, error) { return conflict, nil })
}

func (c *Commands) once(ctx context.Context, k Key, do func(tx *pg.Tx) (Answer, error)) (given Answer, err error) {
	err = c.DB.InTx(ctx, func(tx *pg.Tx) error {
		if given, err = do(tx); err != nil {
			return err
		}
		tx.Queue("insert into commands (caller, key, fingerprint, status, answer) values ($1, $2, $3, $4, $5)",
			k.Caller, k.Key, k.Fingerprint, given.Status, given)
		return nil
	})
	if err == nil {
		return given, nil
	}
	// The key may have an answer: then it was taken, or what that command did made this one fail.
	kept, known, recalled := c.recall(ctx, k)
	if known || recalled != nil {
		return kept, recalled
	}
	return Answer{}, err
}

// refused makes a conflict an answer to keep; every other error stays one, and nothing is kept.
func (c *Commands) refused(err error) (Answer, error) {
	if c.Explain != nil {
		err = c.Explain(err)
	}
	if conflict, ok := errors.AsType[*web.Error](err); ok && conflict.Status == http.StatusConflict {
		return Answer{Status: conflict.Status, Detail: conflict.Message, Extra: conflict.Extra}, nil
	}
	return Answer{}, err
}

// recall returns the answer that is kept for a key, if there is one.
func (c *Commands) recall(ctx context.Context, k Key) (given Answer, known bool, err error) {
	var asked []byte
	err = c.DB.Pool().QueryRow(ctx, "select fingerprint, answer from commands where caller = $1 and key = $2", k.Caller, k.Key).
		Scan(&asked, &given)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Answer{}, false, nil
	case err != nil:
		return Answer{}, false, fmt.Errorf("recall the command: %w", err)
	case !bytes.Equal(asked, k.Fingerprint):
		return Answer{}, false, web.Unprocessable("This " + headerKey + " was used for another request.")
	}
	return given, true, nil
}

// fingerprint is of what was asked, and by whom: also by somebody who was given another name in between.
func fingerprint(r *http.Request, by Actor, body []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, fmt.Errorf("read the command again: %w", err) // it was an object before
	}
	delete(fields, "actor")
	asked, err := json.Marshal(fields) // by name
	if err != nil {
		return nil, fmt.Errorf("read the command again: %w", err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n%q\n", r.Method, r.URL.Path, by.ID)
	h.Write(asked)
	return h.Sum(nil), nil
}

// IsKey reports whether key can be an idempotency key: 1 to 200 printable characters of ASCII without spaces.
func IsKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	return !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Retention is how long a command's answer is given again; nobody repeats a request for longer.
var Retention = pg.Retention{
	Name: "commands",
	Kept: 30 * 24 * time.Hour,
	Delete: `delete from commands where ctid = any (array(
		select ctid from commands where recorded_at < $1 order by recorded_at limit $2))`,
}

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the table of commands.
var Migrations = pg.NewMigrations("api", files)
