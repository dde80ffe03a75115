// Package admission is the command side of what admins do with people: they block and unblock them, and set
// up to which amounts they may accept.
//
// Invariants:
//   - A command is one transaction. It holds the streams of whom it is about and of who commands it: of two
//     who block each other, the second one is blocked by then.
//   - It is about the person as the admin saw them, or it is refused.
package admission

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"countersign.example/manager-ui/people"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// Service takes the commands.
type Service struct {
	db      *pg.DB
	journal *journal.Journal
	project []journal.Projector
	now     func() time.Time
}

// New returns the service; project writes what follows from the streams, and now is the time of the events.
func New(db *pg.DB, j *journal.Journal, now func() time.Time, project ...journal.Projector) *Service {
	return &Service{db: db, journal: j, project: project, now: now}
}

// Block keeps the person out of both apps. seen is what [Seen] says of the person whom the admin saw.
func (s *Service) Block(ctx context.Context, id, reason, seen string) (people.Person, error) {
	return s.change(ctx, id, seen, func(p, actor people.Person, by event.Meta) (people.Body, error) {
		return p.Blocking(actor, by, reason)
	})
}

// Unblock lets the person in again.
func (s *Service) Unblock(ctx context.Context, id, reason, seen string) (people.Person, error) {
	return s.change(ctx, id, seen, func(p, actor people.Person, by event.Meta) (people.Body, error) {
		return p.Unblocking(actor, by, reason)
	})
}

// Limit sets up to which amount the person may accept in its currency; without an amount it takes the limit
// in that away.
func (s *Service) Limit(ctx context.Context, id string, limit money.Amount, reason, seen string) (people.Person, error) {
	return s.change(ctx, id, seen, func(p, actor people.Person, by event.Meta) (people.Body, error) {
		if limit.Minor == 0 {
			return p.Unlimiting(actor, by, limit.Currency, reason)
		}
		return p.Limiting(actor, by, limit, reason)
	})
}

// Seen tells what somebody has seen of a person: a press on a page carries it.
func Seen(p people.Person) string { return strconv.Itoa(len(p.Changes)) }

// change writes the event of a command. It returns a *people.Refusal if the rules do not allow it.
func (s *Service) change(ctx context.Context, id, seen string, command func(p, actor people.Person, by event.Meta) (people.Body, error)) (p people.Person, err error) {
	err = s.db.InTx(ctx, func(tx *pg.Tx) error {
		by := event.MetaFrom(ctx)
		name, actors := people.Stream(id), people.Stream(people.ID(by.Actor))
		streams, err := s.journal.Load(ctx, tx, name, actors)
		if err != nil {
			return err
		}
		stream := streams[name]
		p = people.Fold(journal.Entries(stream))
		body, err := command(p, people.Fold(journal.Entries(streams[actors])), by)
		if err != nil {
			return err
		}
		if seen != Seen(p) {
			who := "Somebody"
			if n := len(p.Changes); n > 0 {
				who = p.Changes[n-1].ActorName
			}
			return &people.Refusal{Code: people.NotNow, Message: fmt.Sprintf("%s has changed something about %s meanwhile: look at it, and decide again.", who, p.Name)}
		}
		e := people.New(s.journal.Source(), body)
		e.Time, e.Meta = s.now(), by
		if err := s.journal.Append(ctx, tx, &stream, e); err != nil {
			return err
		}
		p = people.Fold(journal.Entries(stream))
		web.QueueRenewal(tx, p.ID)
		for _, project := range s.project {
			if err := project(ctx, tx, []journal.Stream{stream}); err != nil {
				return err
			}
		}
		return nil
	})
	return p, err
}
