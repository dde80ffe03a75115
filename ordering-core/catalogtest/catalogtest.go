// Package catalogtest is the part of ordering-core that keeps products and customers, for tests of those who
// command it: the real API on a database of its own, without Kafka.
package catalogtest

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/internal/products"
	"countersign.example/ordering-core/migrations"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/rights"
)

// Token is manager-ui's.
const Token = "the-token-of-manager-ui"

// Core is the API.
type Core struct {
	http.Handler
	tb      testing.TB
	db      *pg.DB
	journal *journal.Journal
	last    int64 // the position that Written has come to
}

// New returns a core without products and customers.
func New(tb testing.TB) *Core {
	tb.Helper()
	c := &Core{tb: tb, db: pgtest.New(tb, journal.Migrations, api.Migrations, migrations.Set)}
	c.journal = journal.New(c.db, "/ordering-core")
	server := api.NewServer(api.Options{Tokens: api.Tokens{"manager-ui": Token}, Callers: api.Callers{"manager-ui": {rights.Manager}},
		Log: slog.New(slog.DiscardHandler), Large: products.Large})
	products.NewService(c.db, c.journal).Register(server)
	c.Handler = server
	return c
}

// Written returns the events since it was called last, in their order. Nothing may be written meanwhile.
func (c *Core) Written() (events []event.Event) {
	c.tb.Helper()
	rows, err := c.db.Pool().Query(c.tb.Context(), "select stream, position from journal where position > $1 order by position", c.last)
	if err != nil {
		c.tb.Fatal(err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		Stream   string
		Position int64
	}])
	if err != nil {
		c.tb.Fatal(err)
	}
	for _, entry := range entries {
		s, err := c.journal.Read(c.tb.Context(), entry.Stream)
		if err != nil {
			c.tb.Fatal(err)
		}
		for _, r := range s.Records {
			if r.Position == entry.Position {
				events = append(events, r.Event)
			}
		}
		c.last = entry.Position
	}
	return events
}
