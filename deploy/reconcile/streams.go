package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
)

// streams reads the topics and all databases side by side, stream by stream.
func (r *run) streams(ctx context.Context) (err error) {
	topic, err := newCursor(r.events.sorted(), func(l logged) string { return l.Stream })
	defer topic.close()
	if err != nil {
		return fmt.Errorf("read what was sorted: %w", err)
	}
	rows := make([]*cursor[row], len(r.services))
	for i, s := range r.services {
		r.progress("%s sorts its rows", s.name)
		rows[i], err = newCursor(s.all(), func(r row) string { return r.Stream })
		defer rows[i].close()
		if err != nil {
			return err
		}
	}
	for n := 1; ; n++ {
		var heads []string
		if topic.more {
			heads = append(heads, topic.head.Stream)
		}
		for _, c := range rows {
			if c.more {
				heads = append(heads, c.head.Stream)
			}
		}
		if len(heads) == 0 {
			return nil
		}
		is := stream{run: r, name: slices.Min(heads), of: make([]inService, len(r.services))}
		if is.topic, err = topic.take(is.name); err != nil {
			return fmt.Errorf("read what was sorted: %w", err)
		}
		for i, c := range rows {
			is.of[i].service = r.services[i]
			if is.of[i].rows, err = c.take(is.name); err != nil {
				return err
			}
		}
		if err := is.compare(ctx); err != nil {
			return err
		}
		r.progress("compared %d payments, %d orders; %d differences", r.report.Compared.Payments, r.report.Compared.Orders, r.report.Count)
	}
}

// stream is one stream, wherever it is.
type stream struct {
	*run
	name  string
	topic []logged // in the topic's order
	of    []inService
}

// inService is what a service has of a stream.
type inService struct {
	*service
	rows    []row             // of the journal first
	differs bool              // the journal is not as the topic, which is reported
	entries []aggregate.Entry // the journal's, later ones included
}

// arbiters are the services whose dead letters count for nobody: what they have refused is no part of what
// the topic says.
var arbiters = []struct {
	topic event.Topic
	name  string
}{{payment.Events, PaymentsCore}, {order.Events, OrderingCore}, {catalog.Events, OrderingCore}, {people.Events, ManagerUI}}

func (s *stream) compare(ctx context.Context) error {
	for _, a := range arbiters {
		if !slices.ContainsFunc(a.topic.Prefixes, func(prefix string) bool { return strings.HasPrefix(s.name, prefix) }) {
			continue
		}
		arbiter := slices.IndexFunc(s.services, func(of *service) bool { return of.name == a.name })
		agreed := s.counting(s.services[arbiter].bit)
		for i := range s.of {
			if !s.of[i].receives(a.topic.Name) {
				continue
			}
			if err := s.journal(ctx, &s.of[i], a.topic.Name); err != nil {
				return err
			}
		}
		s.agreement()
		switch id := s.id(); a.topic.Name {
		case payment.Topic:
			return s.payment(id, entriesOf(agreed))
		case order.Topic:
			return s.order(id, entriesOf(agreed), &s.of[arbiter])
		default:
			s.catalogAndPeople()
			return nil
		}
	}
	for i := range s.of {
		if of := &s.of[i]; len(of.rows) > 0 {
			s.differ(JournalExceeds, of.name, restoreOrForged, "it has %s, which belongs to no topic", s.name)
		}
	}
	return nil
}

// agreement finds events that count in some services and are dead letters of others.
func (s *stream) agreement() {
	for i, l := range s.topic {
		if contains(s.topic[:i], l.Event.ID) {
			continue
		}
		var recorded, dead []string
		for _, of := range s.of {
			switch {
			case slices.ContainsFunc(of.rows, func(r row) bool { return r.Log > 0 && r.ID == l.Event.ID }):
				recorded = append(recorded, of.name)
			case slices.ContainsFunc(s.topic[i:], func(same logged) bool { return same.Event.ID == l.Event.ID && same.Dead&of.bit != 0 }):
				dead = append(dead, of.name)
			}
		}
		if len(recorded) > 0 && len(dead) > 0 {
			s.differ(Disagreement, strings.Join(dead, ", "), "`dead-letters list` of it says why, and `dead-letters replay` records it",
				"%s (%s) of %s, at %s, is a dead letter there, and counts in %s", l.Event.Type, l.Event.ID, s.name, at(l.At), strings.Join(recorded, ", "))
		}
	}
}

// id is the id of what the stream is about.
func (s *stream) id() string {
	for _, stream := range []func(string) string{payment.Stream, order.Stream, catalog.ProductStream, catalog.CustomerStream, people.Stream} {
		if id, ok := strings.CutPrefix(s.name, stream("")); ok {
			return id
		}
	}
	return s.name
}

// counting are the topic's events, without the dead letters of a service: an id counts where it comes first.
func (s *stream) counting(bit uint8) []logged {
	counting := make([]logged, 0, len(s.topic))
	for _, l := range s.topic {
		if l.Dead&bit == 0 && !contains(counting, l.Event.ID) {
			counting = append(counting, l)
		}
	}
	return counting
}

func contains(events []logged, id uuid.UUID) bool {
	return slices.ContainsFunc(events, func(l logged) bool { return l.Event.ID == id })
}

func entriesOf(events []logged) []aggregate.Entry {
	entries := make([]aggregate.Entry, len(events))
	for i, l := range events {
		entries[i] = aggregate.Entry{Event: l.Event, Confirmed: true}
	}
	return entries
}

const (
	restoreOrForged = "find out who wrote to its database (operator_decisions and the server's log say what was done by whom), and restore it; see \"Backups\" in docs/operations.md"
	readAgain       = "restore its database and let it read the topics again; see \"Backups\" in docs/operations.md"
)

// journal compares a service's journal of the stream with the topic, and keeps its entries.
func (s *stream) journal(ctx context.Context, of *inService, topic string) error {
	want := s.counting(of.bit)
	events := slices.IndexFunc(of.rows, func(r row) bool { return r.Kind != eventRow })
	if events < 0 {
		events = len(of.rows)
	}
	records := of.rows[:events]
	before := s.report.Count
	missing := slices.Clone(want)
	last, confirmed, ordered, strange := -1, int64(0), true, false
	of.entries = make([]aggregate.Entry, 0, len(records))
	for _, r := range records {
		if r.Log > 0 {
			confirmed++
		}
		i := slices.IndexFunc(want, func(l logged) bool { return l.Event.ID == r.ID })
		switch {
		case i >= 0 && r.Log > 0:
			missing = slices.DeleteFunc(missing, func(l logged) bool { return l.Event.ID == r.ID })
			if want[i].Hash != r.Hash {
				s.differ(JournalDiffers, of.name, restoreOrForged, "its %s (%s) of %s is not as %s has it", want[i].Event.Type, r.ID, s.name, at(want[i].At))
			}
			ordered = ordered && i > last && r.Log == confirmed
			last = i
			of.entries = append(of.entries, aggregate.Entry{Event: want[i].Event, Confirmed: true})
			continue
		case r.Log > 0 && !s.mayExceed(r, topic, of):
			s.differ(JournalExceeds, of.name, restoreOrForged, "event %s of %s, place %d in its log, is not in the topic", r.ID, s.name, r.Log)
		}
		strange = true
	}
	of.differs = s.report.Count > before
	if !ordered && !of.differs && len(missing) == 0 {
		s.differ(JournalOrder, of.name, restoreOrForged, "%s has another order in its log than in the topic", s.name)
	}
	for _, l := range missing {
		s.differ(JournalLacks, of.name, readAgain, "%s (%s) of %s, at %s, has no place in its log", l.Event.Type, l.Event.ID, s.name, at(l.At))
	}
	for _, id := range of.published[s.name] {
		if !contains(s.topic, id) {
			s.differ(NotPublished, of.name, "put its position back into the table outbox, and the relay publishes it", "event %s of %s was written, and is neither in the outbox nor in the topic", id, s.name)
		}
	}
	of.differs = s.report.Count > before
	if strange && !of.differs {
		read, err := entries(ctx, of.side, s.name)
		if err != nil {
			return fmt.Errorf("read the journal of %s: %w", of.name, err)
		}
		of.entries = read[s.name]
	}
	return nil
}

// mayExceed reports whether a journal may have an event that does not count in the topic up to the position:
// a later one, a dead letter that was replayed, or one from before a loss that an operator has accepted.
func (s *stream) mayExceed(r row, topic string, of *inService) bool {
	partition := place{Topic: r.Topic, Partition: r.Partition}
	return r.Topic == topic && r.Offset >= s.ends[partition] || of.lost[partition] ||
		slices.ContainsFunc(s.topic, func(l logged) bool { return l.Event.ID == r.ID && l.Dead&of.bit != 0 && l.Hash == r.Hash })
}

func at(p place) string { return fmt.Sprintf("%s/%d/%d", p.Topic, p.Partition, p.Offset) }

// revision is the stream's in a journal: each event is written, and confirmed.
func (of *inService) revision() int64 {
	var n int64
	for _, e := range of.entries {
		if n++; e.Confirmed {
			n++
		}
	}
	return n
}

// has reports whether the journal has these entries and no others.
func (of *inService) has(entries []aggregate.Entry) bool {
	return slices.EqualFunc(of.entries, entries, func(a, b aggregate.Entry) bool { return a.ID == b.ID && a.Confirmed == b.Confirmed })
}

// docs are what a service has of the stream beside its journal.
func (of *inService) docs(kind int16) [][]byte {
	var docs [][]byte
	for _, r := range of.rows {
		if r.Kind == kind {
			docs = append(docs, r.Doc)
		}
	}
	return docs
}
