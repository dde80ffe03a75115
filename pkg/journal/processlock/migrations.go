package processlock

import (
	"embed"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of cases and their members.
var Migrations = pg.NewMigrations("cases", files)
