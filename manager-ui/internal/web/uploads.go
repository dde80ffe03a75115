package web

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// keepUpload keeps a file for its preview and its import, and lets go of those of yesterday.
func keepUpload(ctx context.Context, db *pg.DB, kind string, content []byte) (id string, err error) {
	id = uuid.NewString()
	err = db.InTx(ctx, func(tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, "delete from uploads where created_at < now() - interval '1 day'"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "insert into uploads (id, kind, content) values ($1, $2, $3)", id, kind, content)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep the file: %w", err)
	}
	return id, nil
}

// upload reads a file that was kept.
func upload(ctx context.Context, db *pg.DB, kind, id string) (content []byte, err error) {
	gone := web.NotFound("This file is no longer here. Please upload it again.")
	if uuid.Validate(id) != nil {
		return nil, gone
	}
	err = db.Pool().QueryRow(ctx, "select content from uploads where id = $1 and kind = $2", id, kind).Scan(&content)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, gone
	case err != nil:
		return nil, fmt.Errorf("read the file: %w", err)
	}
	return content, nil
}
