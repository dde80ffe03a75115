package inbox

import (
	"regexp"
	"testing"
	"time"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestMessagesOfOldSettledDeadLettersAreDeleted(t *testing.T) {
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

func TestSettledDeadLettersAreNotReadWhereTheyDoNotMatter(t *testing.T) {
	// given a great many dead letters that were settled and emptied, and a few that wait
	db := pgtest.New(t, Migrations)
	for _, statement := range []string{
		`insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts, state, settled_at)
			select 't', 0, n, 'k', '[]', '', now(), 'poison', 'why', 1, 'discarded', now() - interval '1 year' from generate_series(1, 20000) n`,
		`insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts, state, settled_at)
			select 't', 0, n, 'k', '[]', 'x', now(), 'poison', 'why', 1, 'discarded', now() from generate_series(20001, 30000) n`,
		`insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts)
			select 't', 1, n, 'k', '[]', 'x', now(), 'malformed', 'why', 1 from generate_series(1, 10) n`,
		"vacuum analyze dead_letters",
	} {
		if _, err := db.Pool().Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		statement, index string
		args             []any
	}{
		// each of these has those that wait, and no others
		{countDeadLetters, `"dead_letters_waiting_(kinds|since|places)"`, nil},
		{Retention.Delete, `"dead_letters_settled"`, []any{time.Now().Add(-Retention.Kept), 5000}},
	} {
		var plan string
		if err := db.Pool().QueryRow(t.Context(), "explain (analyze, buffers, format json) "+test.statement, test.args...).Scan(&plan); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(test.index).MatchString(plan) {
			t.Errorf("%s is not used:\n%s", test.index, plan)
		}
	}
}

func TestOfDeadLettersAListWalksOverFewOthers(t *testing.T) {
	// given a great many that wait, few that do not, and the other way round
	for few, many := range map[State]State{Replayed: Waiting, Discarded: Replayed, Waiting: Discarded} {
		t.Run(string(few), func(t *testing.T) {
			db, err := pg.Open(t.Context(), pgtest.Alone(pgtest.NewURL(t, Migrations)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(db.Close)
			for _, sql := range []string{
				`insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts, state, recorded_at)
					select 't', 0, n, 'k', '[]', 'x', now(), 'poison', 'why', 1, case when n % 1000 = 1 then '` + string(few) + `' else '` + string(many) + `' end,
					now() - n * interval '1 second' from generate_series(1, 5000) n`,
				"vacuum analyze dead_letters",
			} {
				if _, err := db.Pool().Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			store := NewDeadLetterStore(Config{DB: db})
			walked := pgtest.Walked(t, db, "dead_letters", func() {
				found, next, err := store.Look(t.Context(), Selection{State: few}, nil, 100)
				if err != nil || len(found) != 5 || next != nil {
					t.Errorf("%d are found, and then %v; %v", len(found), next, err)
				}
			})
			if walked > 100 {
				t.Errorf("for 5 dead letters %d of 5,000 are walked over", walked)
			}
		})
	}
}
