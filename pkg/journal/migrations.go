package journal

import (
	"embed"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the journal's tables.
var Migrations = pg.NewMigrations("journal", files)
