package live

import (
	"embed"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables live_head and live_stale. The list `unpushed` is the journal's.
var Migrations = pg.NewMigrations("live", files)
