package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/test/testsystem"
)

// rareDepth is how deep what is rare lies in the history: behind nine tenths of it.
const rareDepth = 10

// history measures how long the pages of events take with a few events and with many, by somebody who sees
// all of them. Those are written into the journal by SQL, and their digests by the service itself.
func history(e *environment) {
	sizes := [2]int{fewEvents, *historyEvents}
	var systems [2]*testsystem.System
	var people [2]*person
	for i, size := range sizes {
		systems[i] = testsystem.New(e, testsystem.Unlimited...)
		began := time.Now()
		check(fillHistory(e.ctx, systems[i].Database[testsystem.Manager], size), "fill the history")
		e.Logf("%d events and their digests in %s", size, time.Since(began).Round(time.Second))
		people[i] = must(signIn(e.ctx, systems[i].URL(testsystem.Manager), "iris-hahn"))
	}
	fmt.Printf("\nHistory: a page with %d events and with %d (ms, GET to its last byte)\n\n", sizes[0], sizes[1])
	t := newTable(append([]string{"page"}, compared...)...)
	defer t.print()
	for _, page := range historyPages {
		t.compare([]string{page.name}, pageLooks, slowPage, listsAim, func(which int) error {
			rare := sizes[which] / eventsEach / rareDepth
			id := fmt.Sprintf("0193f3a0-0000-7000-8000-%012x", rare)
			terms := strings.NewReplacer("{rare}", id, "{deep}", fmt.Sprint(rare*eventsEach), "{day}", benchDay())
			_, err := people[which].load(e.ctx, "/history"+terms.Replace(page.path))
			return err
		})
	}
}

var historyPages = []struct{ name, path string }{
	{"first", ""}, {"deep", "?before={deep}"}, {"a jump to a time", "?at={day}"}, {"a type of many", "?type=payment_accepted"}, {"a type of one", "?type=payment_stuck"},
	{"an actor of one", "?actor=tom-berg"}, {"a writer of many", "?writer=/contractor-ui"}, {"words of one", "?text=singular+brochure"}, {"a word of all", "?text=brochure"}, {"a word of none", "?text=nowhere"},
	{"an id as text", "?text={rare}"}, {"a stream", "?stream=payment-{rare}"}, {"a correlation", "?correlation={rare}"}, {"a day", "?from={day}&to={day}"},
	{"a type and an actor that never meet", "?type=payment_accepted&actor=ada"}, {"an event, with what it caused", "/events/{deep}"}, {"streams", "/streams"}, {"streams by an id", "/streams?q={rare}"},
}

// fillHistory writes events of four types, of four events a stream, the oldest first and some in each minute
// of the last month. One of them is rare in each way.
func fillHistory(ctx context.Context, url string, events int) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	streams := events / eventsEach
	const types = `(array['payment_requested', 'payment_accepted', 'payment_authorized', 'payment_captured'])[v]`
	const portion = 100_000
	for _, statement := range []string{"set statement_timeout = 0", "set maintenance_work_mem = '256MB'", "drop index event_blocks_by_mark"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	for from := 0; from < streams; from += portion {
		to := min(from+portion, streams)
		if _, err := conn.Exec(ctx, `insert into streams (stream, version, log) select 'payment-' || `+streamName+`, $3, $3 from generate_series($1::int, $2::int - 1) n`,
			from, to, eventsEach); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, `insert into journal (stream, version, log, event_id, type, source, subject, time, data_schema, sequence, correlation_id,
			causation_id, actor, actor_name, trace_parent, data, topic, partition, "offset", recorded_at)
			select 'payment-' || `+streamName+`, v, v, ('0193f3a0-000' || v || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
			case when n = $5 and v = 4 then 'payment_stuck' else `+types+` end, case v when 1 then '/contractor-ui' when 2 then '/manager-ui' else '/payments-core' end,
			`+streamName+`, at, 'https://countersign.example/schemas/' || `+types+` || '.json', 0, `+streamName+`,
			case when v > 1 then '0193f3a0-000' || v - 1 || '-7000-8000-' || lpad(to_hex(n), 12, '0') else '' end,
			case when n = $5 and v = 2 then 'tom-berg' when v = 1 then 'ada' when v = 2 then 'mia-weber' else '' end, '', '',
			jsonb_build_object('payment_id', `+streamName+`, 'description', 'Design of the brochure of ' || n || case when n = $5 and v = 1 then ' singular' else '' end),
			'payments', n % 6, n * $3::bigint + v, at
			from generate_series($1::int, $2::int - 1) n, generate_series(1, $3::int) v, lateral (select now() - ($4 - n) * interval '30 days' / $4 as at) times
			order by n, v`, from, to, eventsEach, streams, streams/rareDepth); err != nil {
			return err
		}
	}
	// The service digests them; it does so without the index, which is made at the end: faster, and the same.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for digested := 0; digested < events/1024-1; <-tick.C {
		if err := conn.QueryRow(ctx, "select count(*) from event_blocks").Scan(&digested); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"create index event_blocks_by_mark on event_blocks using gin (marks) with (fastupdate = off)",
		"vacuum analyze streams", "vacuum analyze journal", "vacuum analyze event_blocks", "checkpoint",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
