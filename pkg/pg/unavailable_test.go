package pg_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestAServerThatIsAwayIsReported(t *testing.T) {
	_, refused := pgx.Connect(t.Context(), "postgres://postgres@127.0.0.1:1/postgres")
	for name, test := range map[string]struct {
		err  error
		away bool
	}{
		"refused connection": {refused, true},
		"shutting down":      {&pgconn.PgError{Code: "57P01"}, true},
		"starting":           {fmt.Errorf("list: %w", &pgconn.PgError{Code: "57P03"}), true},
		"no connection left": {&pgconn.PgError{Code: "53300"}, true},
		"no disk left":       {&pgconn.PgError{Severity: "PANIC", Code: "53100"}, true},
		"connection failure": {&pgconn.PgError{Code: "08006"}, true},
		"cancelled":          {&pgconn.PgError{Code: "57014"}, false},
		"duplicate":          {&pgconn.PgError{Code: "23505"}, false},
		"no rows":            {pgx.ErrNoRows, false},
		"a time limit":       {context.DeadlineExceeded, false},
		"anything else":      {errors.New("boom"), false},
		"none":               {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := pg.IsUnavailable(test.err); got != test.away {
				t.Errorf("IsUnavailable(%v) = %v", test.err, got)
			}
		})
	}
}

func TestAConnectionThatIsEndedIsUnavailable(t *testing.T) {
	db := pgtest.New(t)
	ended := db.InTx(t.Context(), func(tx *pg.Tx) error {
		var pid int
		if err := tx.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&pid); err != nil {
			return err
		}
		if _, err := db.Pool().Exec(t.Context(), "select pg_terminate_backend($1)", pid); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), "select 1")
		return err
	})
	if !pg.IsUnavailable(ended) {
		t.Errorf("got %v", ended)
	}
}

func TestWhatMayWorkInAMomentIsTransient(t *testing.T) {
	for name, test := range map[string]struct {
		err       error
		transient bool
	}{
		"time limit":    {fmt.Errorf("list: %w", &pgconn.PgError{Code: "57014"}), true},
		"deadlock":      {&pgconn.PgError{Code: "40P01"}, true},
		"serialization": {&pgconn.PgError{Code: "40001"}, true},
		"lock":          {&pgconn.PgError{Code: "55P03"}, true},
		"duplicate":     {&pgconn.PgError{Code: "23505"}, false},
		"anything else": {errors.New("boom"), false},
		"none":          {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := pg.IsTransient(test.err); got != test.transient {
				t.Errorf("IsTransient(%v) = %v", test.err, got)
			}
		})
	}
}
