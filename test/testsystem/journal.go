package testsystem

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// record is a row of a service's journal, as the oracle reads it: with SQL of its own.
type record struct {
	Stream    string
	Log       int64 // 0 while pending
	ID        uuid.UUID
	Type      string
	Source    string
	Subject   string
	Time      time.Time
	Actor     string
	ActorName string
	Data      []byte
}

// readStreams reads a whole journal, each stream in fold order.
func readStreams(ctx context.Context, conn *pgx.Conn) (map[string][]record, error) {
	result, err := conn.Query(ctx, `select stream, coalesce(log, 0), coalesce(shared_id, event_id), type, source, subject, time, actor, actor_name, data
		from journal order by stream, log nulls last, version`)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(result, pgx.RowToStructByPos[record])
	if err != nil {
		return nil, err
	}
	streams := map[string][]record{}
	for _, n := range all {
		streams[n.Stream] = append(streams[n.Stream], n)
	}
	return streams, nil
}

// readStories folds each payment's events in a service's journal.
func readStories(ctx context.Context, conn *pgx.Conn) (map[string]Story, error) {
	streams, err := readStreams(ctx, conn)
	if err != nil {
		return nil, err
	}
	stories := make(map[string]Story, len(streams))
	for name, stream := range streams {
		if !strings.HasPrefix(name, payment.Stream("")) {
			continue
		}
		var story Story
		entries := make([]payment.Entry, len(stream))
		for i, n := range stream {
			e := event.Event{ID: n.ID, Type: n.Type, Source: n.Source, Subject: n.Subject, Time: n.Time.UTC(), Data: n.Data,
				Meta: event.Meta{Actor: n.Actor, ActorName: n.ActorName}}
			story.Events = append(story.Events, e)
			entries[i] = payment.Entry{Event: e, Confirmed: n.Log > 0}
		}
		story.Payment, story.Steps = payment.Fold(entries)
		stories[stream[0].Subject] = story
	}
	return stories, nil
}
