package history_test

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/manager-ui/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/live"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/web"
)

var (
	noon  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	quiet = slog.New(slog.NewTextHandler(io.Discard, nil))
)

type fixture struct {
	tb       testing.TB
	db       *pg.DB
	journal  *journal.Journal
	reader   *history.Reader
	follower *history.Follower
	offset   int64
}

func open(tb testing.TB) *fixture {
	tb.Helper()
	db := pgtest.New(tb, journal.Migrations, inbox.Migrations, live.Migrations, web.Migrations, api.Migrations, migrations.Set)
	j := journal.New(db, "/manager-ui")
	return &fixture{tb: tb, db: db, journal: j, reader: history.NewReader(db, j), follower: history.NewFollower(db, j, quiet)}
}

func (f *fixture) must(err error) {
	f.tb.Helper()
	if err != nil {
		f.tb.Fatal(err)
	}
}

// receive records n payments that are asked for a second apart, as change makes them.
func (f *fixture) receive(n int, change func(i int, e *event.Event)) {
	f.tb.Helper()
	received := make([]journal.Received, n)
	for i := range received {
		b := payment.Requested{PaymentID: uuid.NewString(), ContractorID: "ada", Amount: money.Amount{Minor: 100, Currency: "EUR"}, Description: "Paint", CaptureMethod: payment.Automatic}
		e := payment.New("/contractor-ui", b.PaymentID, b)
		e.Time, e.Meta = noon.Add(time.Duration(f.offset)*time.Second), event.Meta{Actor: "ada", ActorName: "Ada Nowak"}
		change(i, &e)
		received[i] = journal.Received{Event: e, Stream: payment.Stream(e.Subject), Topic: payment.Topic, Offset: f.offset}
		f.offset++
	}
	f.must(f.db.InTx(f.tb.Context(), func(tx *pg.Tx) error {
		_, _, err := f.journal.Receive(f.tb.Context(), tx, received)
		return err
	}))
}

func (f *fixture) digest() {
	f.tb.Helper()
	// The first sees how far the journal goes, and the second that it is complete up to there.
	f.must(f.follower.Digest(f.tb.Context()))
	f.must(f.follower.Digest(f.tb.Context()))
}

func (f *fixture) list(q history.Query) history.Page {
	f.tb.Helper()
	page, err := f.reader.List(f.tb.Context(), q)
	f.must(err)
	return page
}

func positions(events []history.Event) (all []int64) {
	for _, e := range events {
		all = append(all, e.Position)
	}
	return all
}

// Something rare in a journal of 26 blocks is found at once where there are digests, in both directions, and
// only as far as is looked where there are none.
func TestWhatIsRareIsFoundByTheDigests(t *testing.T) {
	f := open(t)
	const blocks = 26
	var rare event.Event
	for b := range blocks {
		f.receive(1024, func(i int, e *event.Event) {
			switch {
			case b == 1 && i == 500:
				e.Type, e.Actor, e.CorrelationID = "payment_stuck", "tom-berg", "request-of-tom"
				e.Data = []byte(`{"operation": "capture", "reason": "Krähenfüße 12345678901234567890"}`)
				rare = *e
			case b == 3 && i == 7:
				e.CausationID = rare.ID.String()
			}
		})
	}
	at := int64(1024 + 501)
	queries := map[string]history.Query{
		"type": {Type: "payment_stuck"}, "actor": {Actor: "tom-berg"}, "correlation": {Correlation: "request-of-tom"}, "text": {Text: "krähenfüße capture"},
		"a number": {Text: "12345678901234567890"}, "stream": {Stream: payment.Stream(rare.Subject)}, "its id's beginning": {Stream: rare.Subject[:10]},
		"all of it": {Type: "payment_stuck", Actor: "tom-berg", Text: "Capture", Stream: "payment-"}, "an id in the text": {Text: rare.Subject},
		"time": {From: rare.Time, To: rare.Time.Add(time.Second)},
	}
	for name, q := range queries {
		q.Limit = 10
		if page := f.list(q); len(page.Events) > 0 || page.Looked != 20*1024 || page.Older == 0 {
			t.Errorf("%s, without digests: found %v, looked through %d", name, positions(page.Events), page.Looked)
		}
	}
	f.digest()
	for name, q := range queries {
		q.Limit = 10
		page := f.list(q)
		if got := positions(page.Events); !slices.Equal(got, []int64{at}) || page.Looked != 0 || page.Older != 0 {
			t.Errorf("%s: found %v, and looked through %d", name, got, page.Looked)
		}
		q.After = 1
		if got := positions(f.list(q).Events); !slices.Equal(got, []int64{at}) {
			t.Errorf("%s, upwards: found %v", name, got)
		}
		q.After, q.Before = 0, at
		if got := positions(f.list(q).Events); len(got) > 0 {
			t.Errorf("%s, before it: found %v", name, got)
		}
	}
	// what it caused comes later
	one, err := f.reader.Event(t.Context(), at)
	f.must(err)
	related, err := f.reader.Related(t.Context(), one)
	f.must(err)
	if got := positions(related.Effects); !slices.Equal(got, []int64{3*1024 + 8}) || related.Looked != 0 {
		t.Errorf("it caused %v, of %d looked through", got, related.Looked)
	}
	effect, err := f.reader.Event(t.Context(), 3*1024+8)
	f.must(err)
	if related, err = f.reader.Related(t.Context(), effect); err != nil || related.Cause == nil || related.Cause.Position != at {
		t.Errorf("the cause of %d is %+v, %v", effect.Position, related.Cause, err)
	}
	// what nobody has is nowhere, and no more than a few blocks are looked through for it
	if page := f.list(history.Query{Text: "nowhere", Limit: 10}); len(page.Events) > 0 || page.Looked != 0 {
		t.Errorf("found %v, looked through %d", positions(page.Events), page.Looked)
	}
	// what everybody has comes in pages, each where the one before ended
	seen := int64(0)
	for before, pages := int64(0), 0; pages < 5; pages++ {
		page := f.list(history.Query{Text: "paint", Limit: 100, Before: before})
		for _, e := range page.Events {
			if seen > 0 && e.Position != seen-1 && e.Position != at {
				t.Fatalf("%d comes after %d", e.Position, seen)
			}
			seen = e.Position
		}
		before = page.Older
	}
}

// An id may look like a UUID's beginning and be none, and a word may be the writer's alone.
func TestAStreamOfAnotherIDAndAWriterAreFoundByTheDigests(t *testing.T) {
	f := open(t)
	const odd = "1234567890123456789"
	f.receive(2048, func(i int, e *event.Event) {
		if i == 500 {
			e.Type, e.Subject, e.Source = "payment_renamed", odd, "/contractor-robot"
		}
	})
	f.digest()
	for name, q := range map[string]history.Query{"stream": {Stream: payment.Stream(odd)}, "id": {Stream: odd}, "writer": {Text: "robot"}} {
		q.Limit = 10
		if got := positions(f.list(q).Events); !slices.Equal(got, []int64{501}) {
			t.Errorf("%s: found %v", name, got)
		}
	}
}

// A position that has been given, and whose transaction has not ended, is not left out of its block.
func TestABlockIsDigestedWhenItIsComplete(t *testing.T) {
	f := open(t)
	f.receive(1000, func(int, *event.Event) {})
	late, err := f.db.Pool().Begin(t.Context())
	f.must(err)
	id := uuid.NewString()
	_, err = late.Exec(t.Context(), `insert into journal (stream, version, event_id, type, source, subject, time, data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data)
		values ($1, 1, $2, 'payment_late', '/contractor-ui', $3, $4, '', 0, '', '', '', '', '', '{}')`, payment.Stream(id), uuid.NewString(), id, noon)
	f.must(err)
	f.receive(2000, func(int, *event.Event) {})
	digests := func() (n int) {
		f.must(f.db.Pool().QueryRow(t.Context(), "select count(*) from event_blocks").Scan(&n))
		return n
	}
	f.digest()
	if n := digests(); n > 0 {
		t.Fatalf("%d blocks are digested while one of their events is still written", n)
	}
	f.must(late.Commit(t.Context()))
	f.digest()
	if n := digests(); n != 2 {
		t.Errorf("%d blocks are digested, not 2", n)
	}
	if page := f.list(history.Query{Type: "payment_late", Limit: 10}); len(page.Events) != 1 {
		t.Errorf("what was late is found %d times", len(page.Events))
	}
}

func TestStreamsAreFoundByHowTheyBegin(t *testing.T) {
	f := open(t)
	var ids []string
	f.receive(120, func(i int, e *event.Event) {
		e.Subject = fmt.Sprintf("%08x-0000-4000-8000-000000000000", i)
		ids = append(ids, payment.Stream(e.Subject))
	})
	find := func(begins, after, before string) (names []string, more bool) {
		found, more, err := f.reader.Streams(t.Context(), begins, after, before, 50)
		f.must(err)
		for _, s := range found {
			if s.Events != 1 || s.Type != payment.TypeRequested {
				t.Errorf("%+v", s)
			}
			names = append(names, s.ID)
		}
		return names, more
	}
	for begins, want := range map[string][]string{"payment-": ids[:50], "": ids[:50], "00000042": ids[0x42 : 0x42+1], "payment-0000001": ids[0x10:0x20], "order-": nil, "%": nil, "PAYMENT": nil} {
		if got, _ := find(begins, "", ""); !slices.Equal(got, want) {
			t.Errorf("%q finds %s", begins, strings.Join(got, " "))
		}
	}
	next, more := find("", ids[49], "")
	if !slices.Equal(next, ids[50:100]) || !more {
		t.Errorf("the second page is %s", next)
	}
	if back, more := find("", "", ids[50]); !slices.Equal(back, ids[:50]) || more {
		t.Errorf("back is %s, more: %t", back, more)
	}
}
