// Package app declares contractor-ui: its configuration, what it receives and shows, and its commands.
package app

import (
	"context"
	"errors"
	"time"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/contractor-ui/internal/pages"
	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/contractor-ui/internal/references"
	"countersign.example/contractor-ui/migrations"
	"countersign.example/manager-ui/people"
	"countersign.example/manager-ui/presence"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/composition"
	"countersign.example/pkg/deadletters"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
	"countersign.example/pkg/vitals"
	"countersign.example/pkg/web"
	"countersign.example/pkg/webapp"
)

// Config is what contractor-ui reads from its environment.
type Config struct {
	webapp.Config
	OrderingCoreURL   string `env:"ORDERING_CORE_URL,required,notEmpty" desc:"ordering-core, which owns orders, products and customers, http://host:port"`
	OrderingCoreToken string `env:"ORDERING_CORE_TOKEN,required,notEmpty" secret:"true" desc:"bearer token of this service at ordering-core"`

	APIAddr       string     `env:"API_ADDR" desc:"address for other services alone, host:port or :port, where manager-ui asks how it is and for its dead letters; never one that browsers reach; empty for none"`
	ServiceTokens api.Tokens `env:"SERVICE_TOKENS" secret:"true" desc:"with API_ADDR: who may ask there, service=token"`
}

// Validate reports everything that is wrong with the values.
func (c *Config) Validate() error {
	err := c.Config.Validate()
	if (c.APIAddr == "") != (len(c.ServiceTokens) == 0) {
		err = errors.Join(err, errors.New("API_ADDR and SERVICE_TOKENS go together: set both, or none"))
	}
	return err
}

// Program is the command line.
func Program() service.Program[Config] {
	return webapp.App[Config]{
		Service: composition.Service[Config]{
			Name:       "contractor-ui",
			Short:      "The web app in which contractors order and ask to be paid",
			Defaults:   Config{Config: webapp.Config{Config: service.Config{HTTPAddr: ":3000", AdminAddr: "127.0.0.1:3100"}}},
			Migrations: []pg.Migrations{api.Migrations, migrations.Set},
			Retentions: []pg.Retention{api.Retention},
			Receives:   []event.Topic{payment.Events, order.Events, catalog.Events, people.Events},
			Publishes:  []event.Topic{payment.Events, people.Events},
			Copies: []journal.CopyTable{
				{Table: "payment_rows", Column: "id", Prefix: payment.Stream("")},
				{Table: "order_rows", Column: "id", Prefix: order.Stream("")},
				{Table: "products", Column: "id", Prefix: catalog.ProductStream("")},
				{Table: "customers", Column: "id", Prefix: catalog.CustomerStream("")},
				presence.Copies,
			},
		},
		Projectors:  []journal.Projector{readmodel.Project, readmodel.ProjectOrders, readmodel.ProjectCatalog, presence.Project},
		Searched:    readmodel.Searched,
		Cookie:      pages.Cookie,
		People:      pages.People,
		Roles:       pages.Roles,
		NewRenderer: pages.NewRenderer,
		NewLive:     pages.NewLive,
		NewPages:    newPages,
	}.Program()
}

func newPages(cfg *Config, b composition.Base, rt *service.Runtime, hub *live.Hub, site web.Options) (*web.Site, error) {
	core, err := ordering.New(cfg.OrderingCoreURL, cfg.OrderingCoreToken)
	if err != nil {
		return nil, service.UsageError{Err: err}
	}
	rt.OnStop("ordering-core", func(context.Context) error { core.Close(); return nil })
	numbers := references.New(b.DB, b.HoldsOwn, time.Now, rt.Log)
	rt.Go("references", numbers.Run)
	site.Seen = presence.NewRecorder(b.DB, b.Journal, site.Sessions, time.Now, rt.Log, presence.Project).Seen
	if cfg.APIAddr != "" {
		others := deadletters.NewServer(b.DB, b.Letters, "manager-ui", cfg.ServiceTokens, rt.Log)
		vitals.Register(others, b.Vitals)
		rt.ServeOthers("API_ADDR", cfg.APIAddr, others)
	}
	return pages.New(pages.Options{
		Options: site, DB: b.DB, Hub: hub, Ordering: core,
		Histories: readmodel.NewHistories(b.DB, b.Journal), Payments: payments.New(b.DB, b.Journal, numbers, time.Now),
	})
}
