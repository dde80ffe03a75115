package cases

import (
	"embed"
	"io/fs"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of cases and their members.
var Migrations = pg.Migrations{Name: "cases", FS: must(fs.Sub(files, "migrations"))}

func must(f fs.FS, err error) fs.FS {
	if err != nil {
		panic(err)
	}
	return f
}
