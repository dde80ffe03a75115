package inbox

import (
	"time"

	"countersign.example/pkg/pg"
)

// Retention is how long the message of a settled dead letter is kept, which is the large part of it. The rest
// stays: a redelivered message is known by it, and reconciling does not count it as a difference.
var Retention = pg.Retention{
	Name: "dead letters",
	Kept: 90 * 24 * time.Hour,
	Delete: `update dead_letters set key = substr(key, 1, 100), headers = '[]', payload = '' where id = any (array(
		select id from dead_letters where state <> 'waiting' and settled_at < $1 and payload <> ''
		order by settled_at limit $2))`,
}
