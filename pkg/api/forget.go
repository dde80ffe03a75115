package api

import (
	"time"

	"countersign.example/pkg/pg"
)

// Retention is how long a command's answer is given again; nobody repeats a request for longer.
var Retention = pg.Retention{
	Name: "commands",
	Kept: 30 * 24 * time.Hour,
	Delete: `delete from commands where ctid = any (array(
		select ctid from commands where recorded_at < $1 order by recorded_at limit $2))`,
}
