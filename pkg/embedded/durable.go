package embedded

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Durable returns an error unless the server at url keeps what it commits. Servers for tests do not, and must
// serve nothing else.
func Durable(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("look whether PostgreSQL is durable: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var value string
		if err := conn.QueryRow(ctx, "select current_setting($1)", setting).Scan(&value); err != nil {
			return fmt.Errorf("look whether PostgreSQL is durable: %w", err)
		}
		if value == "off" {
			return fmt.Errorf("this PostgreSQL is for tests only: %s is off, so it may lose what it has committed; use another one", setting)
		}
	}
	return nil
}
