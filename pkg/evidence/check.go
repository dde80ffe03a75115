package evidence

import (
	"fmt"
	"slices"
	"time"

	"countersign.example/pkg/event"
	"countersign.example/pkg/signing"
)

// Finding is what is known of one event.
type Finding struct {
	Event
	Who      string // for whom it says that it was written; empty for a machine
	Key      signing.Key
	Verified bool
	// Unsigned: it is from before the cut-off, up to which trusted keys ask for no signature. It proves nothing.
	Unsigned bool
	Fault    string // why it does not hold
}

// Type and Writer are what the event says.
func (f Finding) Type() string   { return plain(f.Attributes["type"]) }
func (f Finding) Writer() string { return plain(f.Attributes["source"]) }

// When is when the event says that it happened.
func (f Finding) When() string { return plain(f.Attributes["time"]) }

// At is When as a time; zero if it is none.
func (f Finding) At() time.Time {
	at, _ := time.Parse(time.RFC3339Nano, f.Attributes["time"])
	return at
}

// Place is where the event is in the log.
func (f Finding) Place() string {
	return fmt.Sprintf("%s/%d/%d", plain(f.Topic), f.Partition, f.Offset)
}

// Report is what a check of a bundle has found.
type Report struct {
	Subject  string
	Findings []Finding
	Faults   []string // each in words, with the event that it is about
	Trusted  bool     // the keys were given, and not taken from the bundle
}

// Holds reports whether nothing is wrong.
func (r Report) Holds() bool { return len(r.Faults) == 0 }

// Check checks a bundle of events of a topic. With trust, only its keys count, and its cut-off does; without,
// those of the bundle do, and every event must be signed.
//
// A key counts for what happened before its end. When an event was published, its receivers have seen, and no
// signature says: so the time at which it says that it happened counts, which is signed.
func Check(b Bundle, topic event.Topic, trust *signing.Trust) (Report, error) {
	r := Report{Subject: plain(b.Subject), Trusted: trust != nil}
	used := signing.Trust{Keys: b.Keys}
	if trust != nil {
		used = *trust
	}
	keys, err := signing.NewKeys(used)
	if err != nil {
		return r, fmt.Errorf("its keys cannot be used: %w", err)
	}
	// Times are looked at below: of those that can be verified by their key.
	always := signing.Trust{Keys: slices.Clone(used.Keys), UnsignedUntil: used.UnsignedUntil}
	for i := range always.Keys {
		always.Keys[i].ValidFrom, always.Keys[i].ValidUntil = time.Time{}, time.Unix(1, 0)
	}
	timeless, err := signing.NewKeys(always)
	if err != nil {
		return r, fmt.Errorf("its keys cannot be used: %w", err)
	}
	messages := make([]signing.Message, len(b.Events))
	for i, e := range b.Events {
		messages[i] = e.Message()
	}
	c := checker{b, topic, keys, map[string]int{}}
	for i, v := range timeless.Verify(messages, false) {
		f := Finding{Event: b.Events[i], Who: who(b.Events[i].Attributes)}
		c.judge(&f, i, v)
		if f.Fault != "" {
			r.Faults = append(r.Faults, fmt.Sprintf("event %d of the bundle (%s, id %s): %s", i+1, f.Type(), plain(f.Attributes["id"]), f.Fault))
		}
		r.Findings = append(r.Findings, f)
	}
	return r, nil
}

type checker struct {
	Bundle
	topic event.Topic
	keys  *signing.Keys
	ids   map[string]int // of the events before
}

// judge decides on an event by its own verdict, and by the events before it.
func (c *checker) judge(f *Finding, i int, v signing.Verdict) {
	typ, source := f.Attributes["type"], f.Attributes["source"]
	writer := c.topic.Writer(typ)
	twin, twice := c.ids[f.Attributes["id"]]
	c.ids[f.Attributes["id"]] = i
	if v.Signature != nil {
		f.Key, _ = c.keys.Key(v.Signature.KeyID)
	}
	switch {
	case v.Err != nil:
		f.Fault = plain(v.Err.Error())
	case f.Attributes["subject"] != c.Subject:
		f.Fault = fmt.Sprintf("it is about %q, and the bundle is about %q", plain(f.Attributes["subject"]), plain(c.Subject))
	case writer == "":
		f.Fault = "this program does not know its type, and so not who may write it: take one as new as the services"
	case source != writer:
		f.Fault = fmt.Sprintf("%s has written it, and only %s may write what is of this type", f.Writer(), writer)
	case twice:
		f.Fault = fmt.Sprintf("it has the id of event %d", twin+1)
	default:
		f.Fault = c.misplaced(f.Event, i)
	}
	if f.Fault != "" {
		return
	}
	if v.Signature == nil {
		f.Unsigned = true
		return
	}
	if !f.At().Before(f.Key.ValidUntil) {
		f.Fault = fmt.Sprintf("it is signed with key %s of %s, which ended at %s: the key had expired when it says that it happened, at %s",
			f.Key.ID, f.Key.Source, f.Key.ValidUntil.UTC().Format(time.RFC3339), f.When())
		return
	}
	for name := range f.Attributes {
		if !v.Signature.Covers(name) {
			f.Fault = fmt.Sprintf("its attribute %q is not signed: anybody may have added it", plain(name))
			return
		}
	}
	f.Verified = true
}

// misplaced says why an event cannot follow those before it, if so.
func (c *checker) misplaced(e Event, i int) string {
	if e.Topic != c.topic.Name || e.Partition < 0 || e.Offset < 0 {
		return fmt.Sprintf("%s, partition %d, offset %d is no place of the topic %s", plain(e.Topic), e.Partition, e.Offset, c.topic.Name)
	}
	expected := 1
	if i > 0 {
		before := c.Events[i-1]
		if expected = before.Number + 1; e.Number >= expected && (e.Partition != before.Partition || e.Offset <= before.Offset) {
			return fmt.Sprintf("its place, %s/%d/%d, is not after that of event %d, %s/%d/%d", e.Topic, e.Partition, e.Offset, i, plain(before.Topic), before.Partition, before.Offset)
		}
	}
	switch {
	case e.Number > expected:
		return fmt.Sprintf("it has the number %d, where %d should be: an event before it is missing, or they are in another order", e.Number, expected)
	case e.Number < expected:
		return fmt.Sprintf("it has the number %d, and comes after number %d: the events are in another order than in the log", e.Number, expected-1)
	}
	return ""
}
