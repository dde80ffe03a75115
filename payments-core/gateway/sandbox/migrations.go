package sandbox

import (
	"embed"
	"io/fs"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the sandbox's tables.
var Migrations = pg.Migrations{Name: "sandbox", FS: migrations()}

func migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
