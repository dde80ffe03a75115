// Package migrations are ordering-core's own tables.
package migrations

import (
	"embed"

	"countersign.example/pkg/pg"
)

//go:embed *.sql
var files embed.FS

// Set is applied after the journal's.
var Set = pg.Migrations{Name: "app", FS: files}
