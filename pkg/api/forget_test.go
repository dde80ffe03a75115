package api

import (
	"testing"
	"time"

	"countersign.example/pkg/pg/pgtest"
)

func TestOldCommandsAreDeleted(t *testing.T) {
	// given more than are forgotten at once
	db := pgtest.New(t, Migrations)
	if _, err := db.Pool().Exec(t.Context(), `insert into commands (caller, key, fingerprint, recorded_at)
		select 'a', 'old' || i, ''::bytea, now() - interval '31 days' from generate_series(1, 10001) i
		union all select 'a', 'young', '', now() - interval '29 days'`); err != nil {
		t.Fatal(err)
	}
	// when
	if n, err := Retention.Apply(t.Context(), db, time.Now()); err != nil || n != 10001 {
		t.Fatal(n, err)
	}
	// then
	var left string
	if err := db.Pool().QueryRow(t.Context(), "select string_agg(key, ' ') from commands").Scan(&left); err != nil || left != "young" {
		t.Errorf("left are %q, %v", left, err)
	}
}
