package vitals_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/vitals"
)

func TestAServiceSaysHowItIs(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, inbox.Migrations, vitals.Migrations)
	ctx := t.Context()
	reader := &vitals.Reader{Service: "payments-core", DB: db, Journal: journal.New(db, "/payments-core"), Publishes: []string{"payments"}}
	if _, err := db.Pool().Exec(ctx, "insert into consumer_positions (topic, partition, first, next, target) values ('payments', 0, 0, 7, 7)"); err != nil {
		t.Fatal(err)
	}

	// given nobody who runs, when it is asked, then it says that no consumer does
	has(t, reader.Read(ctx), "No consumer of payments-core runs")

	// given a consumer that is three messages behind for twenty seconds, and reaches no broker now
	kafka, end := "", int64(7)
	recorder := &vitals.Recorder{DB: db, Role: "consumer", Log: slog.New(slog.DiscardHandler),
		Problems:  func(context.Context) map[string]string { return map[string]string{"kafka": kafka} },
		Published: func() int64 { return 0 },
		Standing: func(context.Context) map[journal.TopicPartition]journal.Standing {
			return map[journal.TopicPartition]journal.Standing{{Topic: "payments"}: {Next: 7, End: end}}
		}}
	began := time.Now()
	beat := func(after time.Duration) {
		t.Helper()
		if err := recorder.Beat(ctx, began.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	beat(0)
	if v := reader.Read(ctx); v.Level() != vitals.Well || len(v.Replicas) != 1 || v.Replicas[0].Role != "consumer" || v.Receives[0].Lag() != 0 {
		t.Fatalf("it is not well: %+v", v)
	}
	end, kafka = 10, "nobody listens"
	beat(2 * time.Second)
	beat(22 * time.Second)
	v := reader.Read(ctx)
	has(t, v, "payments-core is 3 messages behind on payments, the oldest has waited 20 s.")
	has(t, v, "payments-core cannot publish or receive: nobody listens.")
	if v.Receives[0].Next != 7 || v.Receives[0].End != 10 || v.Receives[0].Replica == "" {
		t.Errorf("it has received %+v", v.Receives[0])
	}

	// given a process that has vanished, then it is said for a minute, and what is older than ten is deleted
	if _, err := db.Pool().Exec(ctx, `insert into replicas (name, role, started_at, seen_at, state) values
		('lost/1', 'web', now(), now() - interval '30 seconds', '{}'), ('old/1', 'web', now(), now() - interval '11 minutes', '{}')`); err != nil {
		t.Fatal(err)
	}
	kafka, end = "", 7
	beat(24 * time.Second)
	v = reader.Read(ctx)
	has(t, v, "The process lost/1 of payments-core has said nothing for 30 s.")
	if slices.ContainsFunc(v.Replicas, func(r vitals.Replica) bool { return r.Name == "old/1" }) {
		t.Error("what has vanished long ago is kept")
	}
}

func TestAServiceAnswersWithoutItsDatabase(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, inbox.Migrations, vitals.Migrations)
	recorder := &vitals.Recorder{DB: db, Role: "all", Log: slog.New(slog.DiscardHandler)}
	if err := recorder.Beat(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	reader := &vitals.Reader{Service: "payments-core", DB: db, Journal: journal.New(db, "/payments-core"), Self: recorder.Self}
	db.Close()

	began := time.Now()
	v := reader.Read(t.Context())

	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	has(t, v, "payments-core cannot reach its database.")
	if len(v.Replicas) != 1 || v.Replicas[0].Role != "all" || !slices.Contains(v.Unknown, "outbox") {
		t.Errorf("it says %+v", v)
	}
}

func has(t *testing.T, v vitals.Vitals, what string) {
	t.Helper()
	for _, f := range v.Findings {
		if strings.Contains(f.What, what) {
			if f.Do == "" || f.Check == "" || f.Level == vitals.Well {
				t.Errorf("nobody is told what to do: %+v", f)
			}
			return
		}
	}
	t.Errorf("it does not say %q: %+v", what, v.Findings)
}
