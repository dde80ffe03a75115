package inbox

import (
	"time"

	"countersign.example/pkg/pg"
)

// Retention is how long the message of a settled dead letter is kept, which is what is large of it. That it was set aside, why, and what
// was decided stays: a message that comes again is known by it, and reconciling takes it for no difference.
var Retention = pg.Retention{
	Name: "dead letters",
	Kept: 90 * 24 * time.Hour,
	Delete: `update dead_letters set key = substr(key, 1, 100), headers = '[]', payload = '' where id = any (array(
		select id from dead_letters where state <> 'waiting' and settled_at < $1 and payload <> ''
		order by settled_at limit $2))`,
}
