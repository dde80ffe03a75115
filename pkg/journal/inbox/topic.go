package inbox

import (
	"errors"
	"fmt"
	"time"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/signing"
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

// Verifier finds out who has written messages that can be decoded.
type Verifier interface {
	Verify(messages []Message) []signing.Verdict
}

// read decodes messages and checks each without the journal; their signatures in one pass.
func (c Config) read(messages ...Message) []item {
	items, decoded, places := make([]item, len(messages)), make([]Message, 0, len(messages)), make([]int, 0, len(messages))
	for n, m := range messages {
		items[n].message = m
		e, err := c.Format.Decode(m)
		if err != nil {
			items[n] = items[n].deadLetter(Malformed, err)
			continue
		}
		items[n].received = journal.Received{Event: e, Topic: m.Topic, Partition: m.Partition, Offset: m.Offset}
		decoded, places = append(decoded, m), append(places, n)
	}
	verdicts := make([]signing.Verdict, len(decoded))
	if c.Verifier != nil {
		verdicts = c.Verifier.Verify(decoded)
	}
	now := time.Now()
	for i, n := range places {
		items[n].received.Signature = verdicts[i].Signature
		if err := verdicts[i].Err; err != nil {
			items[n] = items[n].disallow(violation{signing.Reason(err), err.Error()})
		} else {
			items[n] = items[n].judge(c.topic(decoded[i].Topic), c.Format, now)
		}
	}
	return items
}

func (c Config) topic(name string) event.Topic {
	for _, t := range c.Topics {
		if t.Name == name {
			return t
		}
	}
	return event.Topic{}
}

// judge checks an event whose writer is known. It is disallowed if it must not be where it is or from whom it
// is, and poison if its data cannot be used. The order matters: an event that a sender must not write cannot
// quarantine a key.
func (i item) judge(t event.Topic, f Format, now time.Time) (judged item) {
	e := i.received.Event
	if why, broken := disallows(t, f, e, i.message); broken {
		return i.disallow(why)
	}
	defer func() {
		if p := recover(); p != nil {
			judged = i.deadLetter(Poison, panicked(p))
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
