package inbox

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// State is what has become of a dead letter.
type State string

// States of dead letters.
const (
	Waiting   State = "waiting"
	Replayed  State = "replayed"
	Discarded State = "discarded"
)

// Selection says which dead letters are meant. What is empty narrows nothing.
type Selection struct {
	DeadLetter int64     `json:"dead_letter,omitempty"` // this one alone
	State      State     `json:"state,omitempty"`
	Kind       Kind      `json:"kind,omitempty"`
	Topic      string    `json:"topic,omitempty"`
	Type       string    `json:"type,omitempty"`  // of the event
	Key        string    `json:"key,omitempty"`   // all of it
	Error      string    `json:"error,omitempty"` // a part of it, in whatever case
	From       time.Time `json:"from,omitzero"`   // set aside then or later
	To         time.Time `json:"to,omitzero"`     // set aside before then
}

// LongestWord is how long a word of a selection may be, in bytes.
const LongestWord = 500

// Check refuses what cannot be looked for, in words for whoever typed it.
func (s Selection) Check() error {
	switch {
	case s.State != "" && !slices.Contains([]State{Waiting, Replayed, Discarded}, s.State):
		return fmt.Errorf("state is %.20q: use waiting, replayed or discarded", s.State)
	case s.Kind != "" && !slices.Contains([]Kind{Malformed, Poison, Parked, Disallowed}, s.Kind):
		return fmt.Errorf("kind is %.20q: use malformed, poison, parked or refused", s.Kind)
	case !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To):
		return errors.New("the time ends before it begins")
	}
	for name, word := range map[string]string{"topic": s.Topic, "type": s.Type, "key": s.Key, "error": s.Error} {
		if len(word) > LongestWord || !utf8.ValidString(word) || strings.ContainsRune(word, 0) {
			return fmt.Errorf("%s must be text of %d bytes at most", name, LongestWord)
		}
	}
	return nil
}

// typeHeader is the header that holds an event's type, ce_type, as the table has it.
const typeHeader = "jsonb_array_elements(headers) h where h->>'key' = 'Y2VfdHlwZQ=='"

// conditions are those of dead_letters by which indexes find rows, and those that each row is asked.
func (s Selection) conditions() (found, asked []string, args pgx.NamedArgs) {
	args = pgx.NamedArgs{}
	add := func(to *[]string, is bool, condition, name string, value any) {
		if is {
			*to = append(*to, condition)
			args[name] = value
		}
	}
	if s.State != "" { // one of three, and written out, so that the index of what waits is used
		found = append(found, "state = '"+string(s.State)+"'")
	}
	add(&found, s.DeadLetter != 0, "id = @dead_letter", "dead_letter", s.DeadLetter)
	add(&found, !s.From.IsZero(), "recorded_at >= @from_time", "from_time", s.From)
	add(&found, !s.To.IsZero(), "recorded_at < @to_time", "to_time", s.To)
	add(&asked, s.Kind != "", "kind = @kind", "kind", s.Kind)
	add(&asked, s.Topic != "", "topic = @topic", "topic", s.Topic)
	add(&asked, s.Key != "", "key = @key", "key", []byte(s.Key))
	add(&asked, s.Error != "", "strpos(lower(error), lower(@error)) > 0", "error", s.Error)
	add(&asked, s.Type != "", "exists (select from "+typeHeader+" and h->>'value' = @type)", "type",
		base64.StdEncoding.EncodeToString([]byte(s.Type)))
	return found, asked, args
}

// where joins conditions.
func where(conditions ...string) string {
	if len(conditions) == 0 {
		return " "
	}
	return " where " + strings.Join(conditions, " and ") + " "
}

// Place is where a list of dead letters goes on: behind one that was set aside at a time.
type Place struct {
	At time.Time `json:"at"`
	ID int64     `json:"id"`
}

// Summary is a dead letter in a list, without what may be large.
type Summary struct {
	ID         int64      `json:"id"`
	Topic      string     `json:"topic"`
	Partition  int        `json:"partition"`
	Offset     int64      `json:"offset"`
	Key        []byte     `json:"key"`  // the beginning of it
	Type       []byte     `json:"type"` // the beginning of it; empty where it has none
	EventID    *uuid.UUID `json:"event_id"`
	Kind       Kind       `json:"kind"`
	Error      string     `json:"error"` // the beginning of it
	Attempts   int        `json:"attempts"`
	Size       int        `json:"size"` // of the payload, in bytes
	State      State      `json:"state"`
	RecordedAt time.Time  `json:"recorded_at"`
}

// selectSummaries reads no payload.
const selectSummaries = `select id, topic, partition, "offset", substr(key, 1, 200), (select decode(left(h->>'value', 400), 'base64')
	from ` + typeHeader + ` limit 1), event_id, kind, left(error, 400), attempts, octet_length(payload), state, recorded_at from `

func scanSummary(row pgx.CollectableRow) (s Summary, err error) {
	err = row.Scan(&s.ID, &s.Topic, &s.Partition, &s.Offset, &s.Key, &s.Type, &s.EventID, &s.Kind, &s.Error, &s.Attempts, &s.Size, &s.State, &s.RecordedAt)
	s.RecordedAt = s.RecordedAt.UTC()
	return s, err
}

// Summary is the dead letter with all of its key and its error.
func (w Whole) Summary() Summary {
	s := Summary{
		ID: w.ID, Topic: w.Topic, Partition: w.Partition, Offset: w.Offset, Key: w.Key, EventID: w.EventID, Kind: w.Kind, Error: w.Error,
		Attempts: w.Attempts, Size: len(w.Payload), State: State(w.State), RecordedAt: w.RecordedAt,
	}
	for _, h := range w.Headers {
		if h.Key == "ce_type" {
			s.Type = h.Value
		}
	}
	return s
}

// lookedThrough bounds how many rows a list is made of, whatever it is narrowed by.
const lookedThrough = 1000

// Look returns the dead letters of a selection that come behind a place, the newest first, at most limit. It
// looks through a bounded number: where it has not seen all, next is where to go on, and there may be fewer
// than limit, or none.
func (d *DeadLetterStore) Look(ctx context.Context, s Selection, behind *Place, limit int) (list []Summary, next *Place, err error) {
	found, asked, args := s.conditions()
	if behind != nil {
		found = append(found, "(recorded_at, id) < (@behind_at, @behind_id)")
		args["behind_at"], args["behind_id"] = behind.At, behind.ID
	}
	args["limit"], args["looked"] = limit, lookedThrough
	looked := "from dead_letters" + where(found...) + "order by recorded_at desc, id desc "
	db := d.recorder.DB.Pool()
	list, err = pg.Rows(ctx, db, scanSummary, selectSummaries+"(select * "+looked+"limit @looked) looked"+where(asked...)+
		"order by recorded_at desc, id desc limit @limit", args)
	if err != nil {
		return nil, nil, fmt.Errorf("look at dead letters: %w", err)
	}
	if len(list) == limit {
		last := list[len(list)-1]
		return list, &Place{last.RecordedAt, last.ID}, nil
	}
	end, err := pg.Rows(ctx, db, pgx.RowToStructByPos[Place], "select recorded_at, id "+looked+"offset @looked - 1 limit 1", args)
	if err != nil {
		return nil, nil, fmt.Errorf("look at dead letters: %w", err)
	}
	if len(end) > 0 {
		next = &Place{end[0].At.UTC(), end[0].ID}
	}
	return list, next, nil
}

// mostCounted bounds how many waiting dead letters are counted for people.
const mostCounted = 10_000

// Waiting counts the dead letters that wait, by kind: 10,000 at most, all together.
func (d *DeadLetterStore) Waiting(ctx context.Context) (map[Kind]int, error) {
	counts := map[Kind]int{}
	var kind Kind
	var n int
	err := pg.ForEach(ctx, d.recorder.DB.Pool(), []any{&kind, &n}, func() { counts[kind] = n },
		"select kind, count(*) from (select kind from dead_letters where state = 'waiting' limit $1) waiting group by kind", mostCounted)
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", err)
	}
	return counts, nil
}

// Whole is a dead letter with what waits with it.
type Whole struct {
	DeadLetter
	SettledAt *time.Time
	Task      *Task // that has last dealt with it; may be nil
	// Queue are those that wait of its key, in order, with itself: the first holds the key. Queued counts all,
	// up to 10,000.
	Queue  []Summary
	Queued int
}

// shownQueue is how many of a key's dead letters are named.
const shownQueue = 50

// Get returns a dead letter in whatever state.
func (d *DeadLetterStore) Get(ctx context.Context, id int64) (w Whole, err error) {
	db := d.recorder.DB.Pool()
	found, err := pg.Rows(ctx, db, scanDeadLetter, selectDeadLetters+"where id = $1", id)
	switch {
	case err != nil:
		return w, fmt.Errorf("read dead letter %d: %w", id, err)
	case len(found) == 0:
		return w, fmt.Errorf("%w: %d", ErrNoDeadLetter, id)
	}
	w.DeadLetter = found[0]
	var task *int64
	if err := db.QueryRow(ctx, "select settled_at, task from dead_letters where id = $1", id).Scan(&w.SettledAt, &task); err != nil {
		return w, fmt.Errorf("read dead letter %d: %w", id, err)
	}
	if task != nil {
		t, err := d.Task(ctx, *task)
		if err != nil {
			return w, err
		}
		w.Task = &t
	}
	if w.State != string(Waiting) || w.Kind.alone() {
		return w, nil
	}
	if w.Queue, err = pg.Rows(ctx, db, scanSummary, selectSummaries+"dead_letters "+waitingOfKey+" limit $3", w.Topic, w.Key, shownQueue); err != nil {
		return w, fmt.Errorf("read what waits with dead letter %d: %w", id, err)
	}
	err = db.QueryRow(ctx, "select count(*) from (select from dead_letters "+waitingOfKey+" limit $3) queue", w.Topic, w.Key, mostCounted).Scan(&w.Queued)
	if err != nil {
		return w, fmt.Errorf("count what waits with dead letter %d: %w", id, err)
	}
	return w, nil
}
