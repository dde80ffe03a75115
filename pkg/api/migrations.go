package api

import (
	"embed"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the table of commands.
var Migrations = pg.NewMigrations("api", files)
