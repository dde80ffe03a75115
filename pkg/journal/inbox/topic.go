package inbox

import (
	"errors"
	"fmt"
	"time"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
)

// Message is what a topic holds.
type Message struct {
	Topic     string
	Partition int
	Offset    int64
	Key       []byte
	Value     []byte
	Headers   []Header
	Time      time.Time // the broker's
}

// Header is one of a message's headers; a name may occur more than once.
type Header struct {
	Key   string
	Value []byte
}

// Format is how messages carry events.
type Format interface {
	// Decode returns the event of a message. A message that is none is malformed, and the error says why.
	Decode(m Message) (event.Event, error)
	// Partition is where a key belongs in a topic of so many partitions.
	Partition(key []byte, partitions int) int
}

// earliest and ahead bound ce_time. A time outside of them comes from a broken clock or an attacker.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const ahead = 24 * time.Hour

// ErrDisallowed is about an event that its sender must not have written, or not there.
var ErrDisallowed = errors.New("refused event")

// violation is an ErrDisallowed.
type violation struct{ reason, text string }

func (v violation) Error() string        { return v.text }
func (v violation) Is(target error) bool { return target == ErrDisallowed }

func notOurs() violation {
	return violation{"missing", "it says that this service wrote it, and the journal lacks it: if the database was restored from a backup, " +
		"restart the service, which compares before it serves; else somebody has sent it who must not"}
}

func changed(c journal.Conflict) violation {
	return violation{"changed", fmt.Sprintf("its stream has an event of this id with another %s: what was recorded first counts", c.Differs)}
}

// item is a message on its way into the journal.
type item struct {
	message  Message
	received journal.Received
	unknown  bool   // its type
	kind     Kind   // of the dead letter that it becomes; "" while it is to be recorded
	cause    error  // why it becomes one
	reason   string // why it is disallowed
	attempts int
}

func (i item) eventKey() EventKey { return EventKey{i.received.ID, i.received.Stream} }

func (i item) key() quarantinedKey { return quarantinedKey{i.message.Topic, string(i.message.Key)} }

func (i item) deadLetter(kind Kind, cause error) item {
	i.kind, i.cause, i.attempts = kind, cause, 1
	return i
}

func (i item) disallow(why violation) item {
	i.reason = why.reason
	return i.deadLetter(Disallowed, why)
}

// read decodes a message and checks it without the journal. It is malformed if it is not an event, disallowed
// if it must not be where it is or from whom it is, and poison if its data cannot be used. The order matters:
// an event that a sender must not write cannot quarantine a key.
func read(t event.Topic, f Format, m Message, now time.Time) (i item) {
	i.message = m
	e, err := f.Decode(m)
	if err != nil {
		return i.deadLetter(Malformed, err)
	}
	i.received = journal.Received{Event: e, Topic: m.Topic, Partition: m.Partition, Offset: m.Offset}
	if why, broken := disallows(t, f, e, m); broken {
		return i.disallow(why)
	}
	defer func() {
		if p := recover(); p != nil {
			i = i.deadLetter(Poison, panicked(p))
		}
	}()
	i.received.Stream = t.Stream(e)
	if t.Check != nil {
		switch err := t.Check(e); {
		case err == nil:
		case t.Unknown != nil && errors.Is(err, t.Unknown):
			i.unknown = true
		default:
			return i.deadLetter(Poison, err)
		}
	}
	if e.Time.Before(earliest) || e.Time.After(now.Add(ahead)) {
		why := fmt.Sprintf("ce_time %s is not between %s and a day from now", e.Time.Format(time.RFC3339Nano), earliest.Format(time.RFC3339))
		if i.unknown { // it has no effect, so that nothing has to wait for it; anybody may have sent it
			return i.disallow(violation{"time", why})
		}
		return i.deadLetter(Poison, errors.New(why))
	}
	return i
}

// disallows checks who wrote an event, and where.
func disallows(t event.Topic, f Format, e event.Event, m Message) (violation, bool) {
	if t.Writer != nil {
		if writer := t.Writer(e.Type); writer != "" && writer != e.Source {
			return violation{"writer", fmt.Sprintf("%.80q is written by %s alone, and ce_source is %.80q", e.Type, writer, e.Source)}, true
		}
	}
	if t.Partitions > 0 {
		if want := f.Partition(m.Key, t.Partitions); m.Partition != want {
			return violation{"partition", fmt.Sprintf("its key belongs in partition %d of %d (murmur2), and it is in %d: "+
				"its producer has another partitioner, or another idea of the topic", want, t.Partitions, m.Partition)}, true
		}
	}
	return violation{}, false
}
