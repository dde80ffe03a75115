package pages_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"

	"countersign.example/contractor-ui/internal/pages"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/rights/rightstest"
	"countersign.example/pkg/web"
)

func TestTheTableOfRights(t *testing.T) {
	client, err := live.Connect("redis://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	d := newTestSiteFor(t, func(db *pg.DB) *live.Hub {
		return live.NewHub(db, client, "contractor-ui", slog.New(slog.DiscardHandler))
	}, func(sessions *web.Sessions) (web.Identity, error) {
		return rightstest.Identity(t, sessions, pages.Roles), nil
	})
	table := rightstest.Documented(t, "../../../docs/security.md", "contractor-ui", pages.Roles, d.site.Routes())
	rightstest.App{Site: d.site, Sessions: d.sessions, DB: d.db, Roles: pages.Roles, Fill: func(path string) []string {
		return []string{strings.NewReplacer(":id", uuid.NewString(), ":product", uuid.NewString(), ":change", "add").Replace(path)}
	}}.Walk(t, table)
}
