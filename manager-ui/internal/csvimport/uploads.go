package csvimport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// maxUploads is how many files of a person are kept; the oldest go first.
const maxUploads = 10

// ErrNoUpload means that there is no such file, or not for this person.
var ErrNoUpload = errors.New("csvimport: no such file")

// Uploads keeps files between their preview and their import, and what came of that.
type Uploads struct{ db *pg.DB }

// NewUploads returns the uploads that are in a database.
func NewUploads(db *pg.DB) *Uploads { return &Uploads{db} }

// Upload is a file.
type Upload struct {
	Content    []byte
	Seen       []byte     // what its preview compared it with; nil: nobody has looked yet
	ImportedAt *time.Time // nil: it was not imported yet
	Result
}

// Result is what came of an import.
type Result struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
}

// UploadRetention is how long a file waits for its import, and says what came of it.
var UploadRetention = pg.Retention{
	Name: "uploads",
	Kept: 24 * time.Hour,
	Delete: `delete from uploads where id = any (array(
		select id from uploads where created_at < $1 order by created_at limit $2))`,
}

// Keep keeps a person's file, and drops that person's oldest.
func (u *Uploads) Keep(ctx context.Context, owner, kind string, content []byte) (id string, err error) {
	id = uuid.NewString()
	err = u.db.InTx(ctx, func(tx *pg.Tx) error {
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

// Read reads a file that its owner asks for; for anybody else there is none.
func (u *Uploads) Read(ctx context.Context, owner, kind, id string) (file Upload, err error) {
	if uuid.Validate(id) != nil {
		return file, ErrNoUpload
	}
	err = u.db.Pool().QueryRow(ctx, `select content, seen, imported_at, coalesce(added, 0), coalesce(changed, 0), coalesce(unchanged, 0)
		from uploads where id = $1 and owner = $2 and kind = $3`, id, owner, kind).
		Scan(&file.Content, &file.Seen, &file.ImportedAt, &file.Added, &file.Changed, &file.Unchanged)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return file, ErrNoUpload
	case err != nil:
		return file, fmt.Errorf("read the file: %w", err)
	}
	return file, nil
}

// NotePreview notes what the latest preview of a file compared it with.
func (u *Uploads) NotePreview(ctx context.Context, id string, seen []byte) error {
	if _, err := u.db.Pool().Exec(ctx, "update uploads set seen = $2 where id = $1 and imported_at is null", id, seen); err != nil {
		return fmt.Errorf("note the preview: %w", err)
	}
	return nil
}

// NoteImport notes that a file was imported, and what came of it. The first time stays.
func (u *Uploads) NoteImport(ctx context.Context, id string, r Result) error {
	_, err := u.db.Pool().Exec(ctx, `update uploads set imported_at = now(), added = $2, changed = $3, unchanged = $4
		where id = $1 and imported_at is null`, id, r.Added, r.Changed, r.Unchanged)
	if err != nil {
		return fmt.Errorf("note the import: %w", err)
	}
	return nil
}
