// Package live keeps the pages that people have open right: it renders what changed once per audience, fans
// it out to every replica of a web app through a Redis stream, and from there to the browsers' sockets.
//
// Invariants:
//
//   - No update is lost. A change's row in the list `unpushed` commits with the change and leaves the list
//     only after Redis holds the rendered row; a push that dies in between is made again, and the client
//     drops what is not newer.
//   - For one thing, a later entry of the stream never shows an older revision. One [Pusher] per app is
//     elected in Postgres, and a fence in Redis refuses the pushes of one that was deposed without knowing
//     it.
//   - A cursor ("epoch:id") names a place in the stream. A page carries the cursor from before its query, and
//     a socket that opens with it gets everything after it, or a reset, which makes the client fetch the page
//     again.
//   - An epoch never outlives a loss of entries: whoever finds that Redis lost some of them starts a new
//     epoch, and every cursor of an earlier one means reset.
//   - Nothing is pushed while the copies are being made from the topics of an empty database; then every open
//     page refreshes.
//   - A page needs no Redis, and Redis away delays updates, nothing else.
package live

import (
	"context"
	"embed"

	"countersign.example/pkg/pg"
)

// Row is one thing as a list shows it, rendered for one audience: "put this right wherever it shows". ID is
// the HTML id of the row, the same in every list and for every audience.
type Row struct {
	Audience string   `json:"-"`
	List     string   `json:"list"`     // the lists it may be in: data-live-list; none for what only pages are about
	ID       string   `json:"id"`       // the HTML id, and the data-live-subject of the page, or the part of one, that is about it
	Revision int64    `json:"revision"` // grows with every change; the client drops what is not newer
	Tabs     []string `json:"tabs"`     // the tabs it is in now; none takes it out everywhere
	Sort     string   `json:"sort"`     // data-sort: read only by pages that were opened before an upgrade, which place rows by it
	HTML     string   `json:"html"`     // the whole <tr>, with id, data-revision and data-sort
}

// Fragment is a badge or a total: HTML that replaces the children of every [data-live-fragment=Name].
type Fragment struct {
	Audience string `json:"-"`
	Name     string `json:"name"`
	HTML     string `json:"html"`
}

// Renderer is what an app knows and this package does not: how its streams look, and to whom.
type Renderer interface {
	// Rows renders the current state of the streams, a row for each audience that may see it. A stream that
	// nobody sees gives none.
	Rows(ctx context.Context, streams []string) ([]Row, error)
	// Fragments queries and renders the badges and totals of an audience.
	Fragments(ctx context.Context, audience string) ([]Fragment, error)
}

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables live_head and live_stale. The list `unpushed` is the journal's.
var Migrations = pg.NewMigrations("live", files)
