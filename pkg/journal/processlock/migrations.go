package processlock

import (
	"embed"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of process locks and of processes' members. The set is called cases in the
// databases that have it.
var Migrations = pg.NewMigrations("cases", files)
