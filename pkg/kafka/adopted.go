package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
)

const (
	// nameAdopted is how many adopted events are reported by name.
	nameAdopted = 20
	// nameDisallowed is how many of those that were disallowed are: an operator may have to skip each of them.
	nameDisallowed = 1_000
)

// found is what an adoption finds before it records anything.
type found struct {
	position   int64                    // the journal's last
	deadLetter int64                    // the last
	refused    map[inbox.EventKey]int64 // dead letters of the service's own events
}

func (f *found) look(ctx context.Context, tx *pg.Tx) (err error) {
	if err := tx.QueryRow(ctx, "select coalesce(max(position), 0) from journal").Scan(&f.position); err != nil {
		return fmt.Errorf("look at the journal: %w", err)
	}
	f.deadLetter, err = inbox.LastDeadLetter(ctx, tx)
	return err
}

// adopted counts and names events that are adopted.
type adopted struct {
	found
	report                 func(string)
	own, others, waiting   int
	wereDisallowed         int
	named, namedDisallowed int
	streams                map[string]bool
}

// event reports an event of the service's own. what is said of it may be "".
func (a *adopted) event(e inbox.OwnEvent, what string) {
	a.own++
	a.streams[e.Stream] = true
	line := fmt.Sprintf("adopt %s%s", e, what)
	if deadLetter, was := a.refused[e.EventKey()]; was {
		if a.wereDisallowed++; a.namedDisallowed < nameDisallowed {
			a.namedDisallowed++
			a.report(fmt.Sprintf("%s; it was refused while this service ran, and lies here as dead letter %d: unless the database was restored "+
				"from a backup, somebody has forged it", line, deadLetter))
		}
		return
	}
	if a.named < nameAdopted {
		a.named++
		a.report(line)
	}
}

func (a *adopted) detail() string {
	detail := fmt.Sprintf("%d events of this service's own, of %d streams, and %d of others", a.own, len(a.streams), a.others)
	switch {
	case a.waiting == 1:
		detail += "; 1 of this service's own waits as a dead letter until its key is freed"
	case a.waiting > 1:
		detail += fmt.Sprintf("; %d of this service's own wait as dead letters until their keys are freed", a.waiting)
	}
	if a.wereDisallowed > 0 {
		detail += fmt.Sprintf("; %d of this service's own had been refused while it ran", a.wereDisallowed)
	}
	return detail
}

// reportAdopted reports what was recorded since before, and what waits as dead letters.
func (a *Adoption) reportAdopted(
	ctx context.Context, tx *pg.Tx, before found, report func(string),
) (detail string, waits []event.Event, err error) {
	done := adopted{found: before, report: report, streams: map[string]bool{}}
	var e inbox.OwnEvent
	var own bool
	if err := pg.ForEach(ctx, tx, []any{&e.Type, &e.Stream, &e.ID, &e.Topic, &e.Partition, &e.Offset, &own}, func() {
		if own {
			done.event(e, "")
		} else {
			done.others++
		}
	}, `select type, stream, coalesce(shared_id, event_id), topic, partition, "offset", source = $2 from journal where position > $1
		order by topic, partition, "offset"`, before.position, a.Journal.Source()); err != nil {
		return "", nil, fmt.Errorf("look at what was adopted: %w", err)
	}
	waiting, err := a.WaitingOwnEvents(ctx, tx, before.deadLetter, slices.Collect(maps.Values(before.refused)))
	if err != nil {
		return "", nil, err
	}
	done.waiting = len(waiting)
	for _, w := range waiting {
		waits = append(waits, w.Event)
		if w.Head == w.DeadLetter {
			done.event(w.OwnEvent, fmt.Sprintf(": it cannot be used, and waits as dead letter %d, which holds its key", w.DeadLetter))
		} else {
			done.event(w.OwnEvent, fmt.Sprintf(": it waits as dead letter %d behind dead letter %d of its key, and is recorded when that key is freed",
				w.DeadLetter, w.Head))
		}
	}
	if more := done.own - done.named - done.namedDisallowed; more > 0 {
		report(fmt.Sprintf("and %d more of this service's own", more))
	}
	detail = done.detail()
	report("together: " + detail)
	return detail, waits, nil
}
