package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestSessionsThatAProviderEndsAreFoundByAnIndex(t *testing.T) {
	// given a great many sessions
	db := pgtest.New(t, Migrations)
	if _, err := db.Pool().Exec(t.Context(), `insert into sessions (token, data, expiry, person, provider_session)
		select n::text, '', now() + interval '1 hour', 'person-' || n / 2, 'sid-' || n from generate_series(0, 19999) n`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Pool().Exec(t.Context(), "analyze sessions"); err != nil {
		t.Fatal(err)
	}
	connection, err := db.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Release()
	for person, index := range map[string]string{"": "sessions_by_provider", "person-7": "sessions_by_person"} {
		results, err := connection.Conn().PgConn().Exec(t.Context(), "explain (generic_plan) "+endOf(person)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if plan := fmt.Sprintf("%s", results[0].Rows); !strings.Contains(plan, index) || !strings.Contains(plan, "Index Cond") {
			t.Errorf("of %q: %s", person, plan)
		}
	}

	// when a provider ends some, then those alone are over
	sessions := NewSessions(db, "sample_session", false, SessionConfig{SessionIdle: time.Hour, SessionLifetime: time.Hour}, nil)
	for i, c := range []struct {
		person, sid string
		ended       int64
	}{{"person-7", "", 2}, {"person-8", "sid-16", 1}, {"person-8", "sid-20", 0}, {"", "sid-20", 1}, {"", "", 0}} {
		ended, fresh, err := sessions.EndOf(t.Context(), c.person, c.sid, fmt.Sprint("token ", i), time.Now().Add(time.Hour))
		if err != nil || !fresh || ended != c.ended {
			t.Errorf("%+v: %d, %t, %v", c, ended, fresh, err)
		}
	}
}

func TestWhatHasExpiredIsDeleted(t *testing.T) {
	db := pgtest.New(t, Migrations)
	for insert, retention := range map[string]pg.Retention{
		"insert into sessions (data, token, expiry) select '',": SessionRetention,
		"insert into logout_tokens (id, expiry) select":         LogoutTokenRetention,
	} {
		if _, err := db.Pool().Exec(t.Context(), insert+` n::text, now() + n * interval '1 minute' from generate_series(-2, 1) n where n <> 0`); err != nil {
			t.Fatal(err)
		}
		if n, err := retention.Apply(t.Context(), db, time.Now()); err != nil || n != 2 {
			t.Errorf("%s: %d deleted, %v", retention.Name, n, err)
		}
	}
}
