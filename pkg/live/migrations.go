package live

import (
	"embed"
	"io/fs"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables live_head and live_stale. The list `unpushed` is the journal's.
var Migrations = pg.Migrations{Name: "live", FS: must(fs.Sub(files, "migrations"))}

func must(f fs.FS, err error) fs.FS {
	if err != nil {
		panic(err)
	}
	return f
}
