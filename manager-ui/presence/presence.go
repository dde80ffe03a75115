// Package presence is what both apps do with the people: each notes who uses it, and keeps out who is
// blocked.
package presence

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"countersign.example/manager-ui/people"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

// Copies is the table that Project writes.
var Copies = journal.CopyTable{Table: "person_access", Column: "id", Prefix: people.Stream("")}

// Project is a journal.Projector: it writes who may use the app, and ends the sessions of who may not.
func Project(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	return web.QueueAccess(tx, readmodel.Fold(streams, people.Stream(""), func(s journal.Stream) (web.Access, bool) {
		p := people.Fold(journal.Entries(s))
		return web.Access{ID: strings.TrimPrefix(s.ID, people.Stream("")), Person: p.ID, Blocked: p.Block.Done(),
			ByName: aggregate.NameOf(p.Block.By, p.Block.ByName), At: event.Kept(p.Block.At)}, p.Exists()
	}))
}

// saidEvery is how long nothing is said of somebody of whom nothing is new: their stream grows by so much.
const saidEvery = time.Hour

// mostKnown bounds what a Recorder remembers.
const mostKnown = 10_000

// Recorder says on the topic who uses an app: at first, when what the app knows of them has changed, and once
// an hour.
type Recorder struct {
	db       *pg.DB
	journal  *journal.Journal
	sessions *web.Sessions
	project  []journal.Projector
	now      func() time.Time
	log      *slog.Logger

	mu    sync.Mutex
	known map[string]known // by person
}

// known is what needs not be said again before an hour has passed.
type known struct {
	facts string
	at    time.Time
}

// NewRecorder returns a recorder; project writes what follows from the streams.
func NewRecorder(db *pg.DB, j *journal.Journal, sessions *web.Sessions, now func() time.Time, log *slog.Logger, project ...journal.Projector) *Recorder {
	return &Recorder{db: db, journal: j, sessions: sessions, project: project, now: now, log: log, known: map[string]known{}}
}

// Seen is called with each request of somebody. A page does not wait for it but once an hour, and is not kept
// away by it.
func (r *Recorder) Seen(ctx context.Context, person web.Person) {
	facts := strings.Join([]string{person.Name, person.Address, rights.Join(person.Roles)}, "\n")
	if !r.claim(person.ID, facts) {
		return
	}
	if err := r.record(ctx, person); err != nil {
		r.mu.Lock()
		delete(r.known, person.ID)
		r.mu.Unlock()
		if ctx.Err() == nil {
			r.log.WarnContext(ctx, "it could not be noted who uses the app, and will be tried again", "error", err)
		}
	}
}

// claim reports whether this replica has to look, and counts as having done so.
func (r *Recorder) claim(person, facts string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, now := r.known[person], r.now()
	if last.facts == facts && now.Sub(last.at) < saidEvery {
		return false
	}
	if len(r.known) >= mostKnown {
		clear(r.known)
	}
	r.known[person] = known{facts, now}
	return true
}

// record says so on the topic, unless another replica has.
func (r *Recorder) record(ctx context.Context, person web.Person) error {
	count, err := r.sessions.CountOf(ctx, person.ID)
	if err != nil {
		return err
	}
	var roles []string
	for _, role := range person.Roles {
		roles = append(roles, string(role))
	}
	body, ok := people.SeenBy(r.journal.Source(), people.SeenByContractorUI{
		PersonID: person.ID, Name: person.Name, Address: person.Address, Roles: roles,
		Sessions: max(count, 1), // one is about to begin
	})
	if !ok {
		return fmt.Errorf("%s is no app with people", r.journal.Source())
	}
	return r.db.InTx(ctx, func(tx *pg.Tx) error {
		name := people.Stream(people.ID(person.ID))
		streams, err := r.journal.Load(ctx, tx, name)
		if err != nil {
			return err
		}
		stream := streams[name]
		if !r.news(people.Fold(journal.Entries(stream)), body) {
			return nil
		}
		e := people.New(r.journal.Source(), body)
		e.Time, e.Meta = r.now(), event.MetaFrom(ctx)
		if err := r.journal.Append(ctx, tx, &stream, e); err != nil {
			return err
		}
		for _, project := range r.project {
			if err := project(ctx, tx, []journal.Stream{stream}); err != nil {
				return err
			}
		}
		return nil
	})
}

// news reports whether a body says what is not on record, or has not been for a while.
func (r *Recorder) news(p people.Person, body people.Body) bool {
	var is people.SeenByContractorUI
	var was people.Seen
	switch b := body.(type) {
	case people.SeenByContractorUI:
		is, was = b, p.ByContractors
	case people.SeenByManagerUI:
		is, was = people.SeenByContractorUI(b), p.ByManagers
	}
	return r.now().Sub(was.At) >= saidEvery || p.Name != is.Name || p.Address != is.Address || !slices.Equal(was.Roles, is.Roles)
}
