package inbox

import (
	"embed"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of the dead letters. The set is called kafka in the databases that have it
// already.
var Migrations = pg.NewMigrations("kafka", files)
