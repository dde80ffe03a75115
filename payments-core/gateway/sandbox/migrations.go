package sandbox

import (
	"embed"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the sandbox's tables.
var Migrations = pg.NewMigrations("sandbox", files)
