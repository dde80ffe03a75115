package kafka

import (
	"embed"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of the dead letters.
var Migrations = pg.NewMigrations("kafka", files)
