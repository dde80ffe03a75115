package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/pg"
)

// Access is whether a person may use the app at all; nothing else is known of whom an admin has blocked. The
// JSON names are the columns of the table person_access.
type Access struct {
	ID      string    `json:"id"` // of what says so
	Person  string    `json:"person"`
	Blocked bool      `json:"blocked"`
	ByName  string    `json:"by_name"` // who blocked them
	At      time.Time `json:"at"`
}

// QueueAccess has access written with the next round trip of the transaction. The sessions of who is blocked
// end with it, and their sockets soon after.
func QueueAccess(tx *pg.Tx, rows []Access) error {
	if len(rows) == 0 {
		return nil
	}
	data, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("encode access: %w", err)
	}
	tx.Queue(`insert into person_access (id, person, blocked, by_name, at)
		select id, person, blocked, by_name, at from json_populate_recordset(null::person_access, $1)
		on conflict (id) do update set blocked = excluded.blocked, by_name = excluded.by_name, at = excluded.at`, string(data))
	var blocked []string
	for _, row := range rows {
		if row.Blocked {
			blocked = append(blocked, row.Person)
		}
	}
	if len(blocked) > 0 {
		tx.Queue("delete from sessions where person = any($1)", blocked)
	}
	return nil
}

// QueueRenewal gives all sessions of somebody, whose rights have changed, another token with their next page.
func QueueRenewal(tx *pg.Tx, person string) {
	tx.Queue("update sessions set renew = true where person = $1", person)
}

// isBlocked is the condition that a row of sessions is of somebody who is blocked. A session may begin in the
// moment in which its person is blocked, so that whoever reads one asks.
const isBlocked = "exists (select from person_access a where a.person = sessions.person and a.blocked)"

// Admit refuses people of whom one is blocked, with a page that says so.
func (s *Sessions) Admit(ctx context.Context, people ...string) error {
	var a Access
	err := s.db.Pool().QueryRow(ctx, "select by_name, at from person_access where person = any($1) and blocked limit 1", people).Scan(&a.ByName, &a.At)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("ask who is blocked: %w", err)
	}
	return &Error{Status: http.StatusForbidden, Err: errBlocked, Others: true, Message: fmt.Sprintf(
		"%[1]s has blocked you, %[2]s: you cannot use this app. Nothing of yours is lost. Ask %[1]s, or another admin, to let you in again.",
		a.ByName, locale.ToTheMinute(a.At))}
}

var errBlocked = errors.New("the person is blocked")

// admitted is Admit for somebody who signs in, on record.
func (s *Sessions) admitted(c echo.Context, person string) error {
	err := s.Admit(c.Request().Context(), person)
	if errors.Is(err, errBlocked) {
		s.LogSecurity(c, SignInFailed, person, slog.String("reason", errBlocked.Error()))
	}
	return err
}

// mostCounted bounds what CountOf looks at.
const mostCounted = 1000

// CountOf is how many sessions of a person are open.
func (s *Sessions) CountOf(ctx context.Context, person string) (n int64, err error) {
	err = s.db.Pool().QueryRow(ctx, `select count(*) from (select from sessions where person = $1 and expiry > now() limit $2) as counted`,
		person, mostCounted).Scan(&n)
	if err != nil {
		err = fmt.Errorf("count sessions: %w", err)
	}
	return n, err
}
