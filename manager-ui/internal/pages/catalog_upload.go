package pages

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// maxUploads is how many files of a person are kept; the oldest go first.
const maxUploads = 10

// upload is a file between its preview and its import, and what came of that.
type upload struct {
	content                   []byte
	importedAt                *time.Time // nil: it was not imported yet
	added, changed, unchanged int
}

// UploadRetention is how long a file waits for its import, and says what came of it.
var UploadRetention = pg.Retention{
	Name: "uploads",
	Kept: 24 * time.Hour,
	Delete: `delete from uploads where id = any (array(
		select id from uploads where created_at < $1 order by created_at limit $2))`,
}

// keepUpload keeps a person's file for its preview and its import, and lets go of that person's oldest.
func keepUpload(ctx context.Context, db *pg.DB, owner, kind string, content []byte) (id string, err error) {
	id = uuid.NewString()
	err = db.InTx(ctx, func(tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, `delete from uploads where id in
			(select id from uploads where owner = $1 order by created_at desc, id offset $2)`, owner, maxUploads-1); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "insert into uploads (id, owner, kind, content) values ($1, $2, $3, $4)", id, owner, kind, content)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep the file: %w", err)
	}
	return id, nil
}

// readUpload reads a file that its owner asks for; for anybody else there is none.
func readUpload(ctx context.Context, db *pg.DB, owner, kind, id string) (u upload, err error) {
	gone := web.NotFound("This file is no longer here. Please upload it again.")
	if uuid.Validate(id) != nil {
		return u, gone
	}
	err = db.Pool().QueryRow(ctx, `select content, imported_at, coalesce(added, 0), coalesce(changed, 0), coalesce(unchanged, 0)
		from uploads where id = $1 and owner = $2 and kind = $3`, id, owner, kind).
		Scan(&u.content, &u.importedAt, &u.added, &u.changed, &u.unchanged)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return u, gone
	case err != nil:
		return u, fmt.Errorf("read the file: %w", err)
	}
	return u, nil
}

// noteImport notes that a file was imported, and what came of it. The first time stays.
func noteImport(ctx context.Context, db *pg.DB, id string, done imported) error {
	_, err := db.Pool().Exec(ctx, `update uploads set imported_at = now(), added = $2, changed = $3, unchanged = $4
		where id = $1 and imported_at is null`, id, done.Added, done.Changed, done.Unchanged)
	if err != nil {
		return fmt.Errorf("note the import: %w", err)
	}
	return nil
}
