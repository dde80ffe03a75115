package event

// Topic is a Kafka topic of events, as the domain package that owns their types describes it: by this every
// service creates, reads and writes the topic.
type Topic struct {
	Name string
	// Partitions is how many the topic is created with; 0 is not checked. An event in another partition than
	// its key's is refused, since its place among the key's other events would be chance.
	Partitions int
	// Prefixes are how the ids of the streams begin whose events go to this topic.
	Prefixes []string
	// Stream is the id of an event's stream in the journal. It is called before Check.
	Stream func(Event) string
	// Check returns nil for an event whose data can be used, and Unknown (by errors.Is) for an event of a
	// type that it does not know. Any other error makes the event poison.
	Check   func(Event) error
	Unknown error
	// Writer is the only source that may write events of the type; "" for a type that is not known. An event
	// from another source is refused. Nil is not checked.
	Writer func(typ string) string
}
