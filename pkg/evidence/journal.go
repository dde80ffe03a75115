package evidence

import (
	"slices"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/signing"
)

// Of makes a bundle of what a journal has received about a subject, with those keys that the events name. What
// the journal holds is what came: were it changed there, the signatures would not fit.
func Of(subject string, records []journal.Record, keys *signing.Keys) Bundle {
	b := Bundle{Format: Format, Subject: subject, Keys: []signing.Key{}}
	for _, r := range records {
		e := Event{Number: int(r.Log), Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Attributes: kafka.Attributes(r.Event), Data: string(r.Data)}
		if r.Signature != nil {
			// Where it cannot be restored the event is without it, and does not hold.
			_ = r.Signature.Restore(e.Message().Event)
			key, known := keys.Key(r.Signature.KeyID)
			if known && !slices.ContainsFunc(b.Keys, func(k signing.Key) bool { return k.ID == key.ID }) {
				b.Keys = append(b.Keys, key)
			}
		}
		b.Events = append(b.Events, e)
	}
	return b
}
