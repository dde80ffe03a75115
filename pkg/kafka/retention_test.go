package kafka

import (
	"testing"
	"time"

	"countersign.example/pkg/pg/pgtest"
)

func TestMessagesOfOldSettledLettersAreForgotten(t *testing.T) {
	db := pgtest.New(t, Migrations)
	if _, err := db.Pool().Exec(t.Context(), `insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts,
		state, settled_at) values
		('t', 0, 1, 'k', '[]', 'old', now(), 'poison', 'why', 1, 'discarded', now() - interval '91 days'),
		('t', 0, 2, 'k', '[]', 'young', now(), 'poison', 'why', 1, 'replayed', now() - interval '89 days'),
		('t', 0, 3, 'k', '[]', 'waits', now() - interval '1 year', 'poison', 'why', 1, 'waiting', null)`); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{1, 0} {
		if n, err := Retention.Apply(t.Context(), db, time.Now()); err != nil || n != want {
			t.Errorf("forgot %d, %v, not %d", n, err, want)
		}
	}
	var left string
	if err := db.Pool().QueryRow(t.Context(), `select string_agg(convert_from(payload, 'utf8') || ':' || error, ' ' order by id) from dead_letters`).
		Scan(&left); err != nil || left != ":why young:why waits:why" {
		t.Errorf("left are %q, %v", left, err)
	}
}
