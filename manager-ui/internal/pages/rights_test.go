package pages_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/pkg/live"
	"countersign.example/pkg/rights/rightstest"
)

func TestTheTableOfRights(t *testing.T) {
	client, err := live.Connect("redis://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	o := openWith(t, nowhere, func(o *pages.Options) {
		o.Identity = rightstest.Identity(t, o.Sessions, pages.Roles)
		o.Hub = live.NewHub(o.DB, client, "manager-ui", slog.New(slog.DiscardHandler))
	})
	table := rightstest.Documented(t, "../../../docs/security.md", "manager-ui", pages.Roles, o.site.Routes())

	waiting, product, customer := requested(ada, 125000, "Kitchen", 0), added("T-1", "Tiles", 100), customerAdded(uuid.NewString(), "Hofmann", "h@example.com")
	o.receive(waiting, product, customer)
	held := o.hold()
	draft, submitted := o.begin(ada, 1).fill("Nails", 250), o.begin(ada, 2).fill("Screws", 300).submit("2026/11/000009")
	there := map[string][]string{
		"/payments/": {waiting.Subject, held}, "/orders/": {draft.id, submitted.id}, "/catalog/": {product.Subject}, "/customers/": {customer.Subject},
	}
	rightstest.App{Site: o.site, Sessions: o.sessions, DB: o.db, Roles: pages.Roles, Fill: func(path string) (addresses []string) {
		for prefix, ids := range there {
			for _, id := range ids {
				if strings.HasPrefix(path, prefix) && strings.Contains(path, ":id") {
					addresses = append(addresses, strings.Replace(path, ":id", id, 1))
				}
			}
		}
		if addresses == nil {
			addresses = []string{strings.Replace(path, ":id", uuid.NewString(), 1)}
		}
		if path == "/payments" || path == "/orders" || path == "/catalog" || path == "/customers" {
			addresses = append(addresses, path+"?tab=all")
		}
		return addresses
	}}.Walk(t, table)
}
