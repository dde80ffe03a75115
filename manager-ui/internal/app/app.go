// Package app declares manager-ui: its configuration, what it receives and shows, and its commands.
package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign.example/manager-ui/internal/admission"
	"countersign.example/manager-ui/internal/breaking"
	"countersign.example/manager-ui/internal/core"
	"countersign.example/manager-ui/internal/csvimport"
	"countersign.example/manager-ui/internal/flow"
	"countersign.example/manager-ui/internal/history"
	"countersign.example/manager-ui/internal/numbers"
	"countersign.example/manager-ui/internal/pages"
	"countersign.example/manager-ui/internal/payments"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/migrations"
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
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
	"countersign.example/pkg/vitals"
	"countersign.example/pkg/web"
	"countersign.example/pkg/webapp"
)

// Config is what manager-ui reads from its environment.
type Config struct {
	webapp.Config
	PaymentsCoreURL   string            `env:"PAYMENTS_CORE_URL,required,notEmpty" desc:"payments-core, which captures and releases money, http://host:port"`
	PaymentsCoreToken string            `env:"PAYMENTS_CORE_TOKEN,required,notEmpty" secret:"true" desc:"bearer token of this service at payments-core"`
	OrderingCoreURL   string            `env:"ORDERING_CORE_URL,required,notEmpty" desc:"ordering-core, which owns orders, products and customers, http://host:port"`
	OrderingCoreToken string            `env:"ORDERING_CORE_TOKEN,required,notEmpty" secret:"true" desc:"bearer token of this service at ordering-core"`
	ContractorUIURL   string            `env:"CONTRACTOR_UI_API_URL" desc:"contractor-ui's API_ADDR, http://host:port, which is asked how it is and for its dead letters; empty where it has none"`
	ContractorUIToken string            `env:"CONTRACTOR_UI_API_TOKEN" secret:"true" desc:"with CONTRACTOR_UI_API_URL: bearer token of this service there"`
	BreakURL          string            `env:"BREAK_URL" secret:"true" desc:"set by make run: where its page Flow has parts broken on purpose; refused in production"`
	StepUpAbove       map[string]string `env:"STEP_UP_ABOVE" envKeyValSeparator:"=" desc:"above which amounts a manager is asked again who they are before they decide, currency=amount, separated by commas, such as EUR=10000.00,JPY=1500000; other currencies always; empty for never"`
}

// Validate reports everything that is wrong with the values.
func (c *Config) Validate() error {
	_, err := c.stepUp()
	if c.ContractorUIURL != "" && c.ContractorUIToken == "" {
		err = errors.Join(err, errors.New("CONTRACTOR_UI_API_URL is set, which needs CONTRACTOR_UI_API_TOKEN: contractor-ui answers nobody without one"))
	}
	if c.BreakURL != "" && c.Environment == service.Production {
		err = errors.Join(err, errors.New("BREAK_URL is set, which breaks parts on purpose: leave it out in production"))
	}
	return errors.Join(c.Config.Validate(), err)
}

// stepUp reads STEP_UP_ABOVE.
func (c *Config) stepUp() (people.Limits, error) {
	if len(c.StepUpAbove) > 0 && c.Identity != web.OIDCIdentity {
		return nil, errors.New("STEP_UP_ABOVE is set, which needs IDENTITY=oidc: nobody else asks people again who they are")
	}
	limits := people.Limits{}
	for currency, typed := range c.StepUpAbove {
		amount, err := money.Parse(typed, currency)
		if err != nil {
			return nil, fmt.Errorf("STEP_UP_ABOVE has %s=%s: %w; use EUR=10000.00,JPY=1500000", currency, typed, err)
		}
		limits[currency] = amount.Minor
	}
	return limits, nil
}

// Program is the command line.
func Program() service.Program[Config] {
	return webapp.App[Config]{
		Service: composition.Service[Config]{
			Name:       "manager-ui",
			Short:      "The managers' web app: accept or reject payments, capture or release what is on hold, look after orders, the catalog and the customers",
			Defaults:   Config{Config: webapp.Config{Config: service.Config{HTTPAddr: ":4000", AdminAddr: "127.0.0.1:4100"}}},
			Migrations: []pg.Migrations{api.Migrations, migrations.Set},
			Receives:   []event.Topic{payment.Events, order.Events, catalog.Events, people.Events},
			Publishes:  []event.Topic{payment.Events, people.Events},
			Retentions: []pg.Retention{csvimport.UploadRetention, api.Retention},
			Copies: []journal.CopyTable{
				{Table: "payment_rows", Column: "id", Prefix: payment.Stream("")},
				{Table: "order_rows", Column: "id", Prefix: order.Stream("")},
				{Table: "products", Column: "id", Prefix: catalog.ProductStream("")},
				{Table: "customers", Column: "id", Prefix: catalog.CustomerStream("")},
				{Table: "people", Column: "id", Prefix: people.Stream("")},
				presence.Copies,
			},
			Mend: func(ctx context.Context, db *pg.DB) (int64, error) { return 0, numbers.Restart(ctx, db) },
		},
		Projectors:  []journal.Projector{readmodel.Project, readmodel.ProjectOrders, readmodel.ProjectCatalog, readmodel.ProjectPeople, presence.Project},
		Searched:    readmodel.Searched,
		Cookie:      pages.Cookie,
		People:      pages.People,
		Roles:       pages.Roles,
		NewRenderer: pages.NewRenderer,
		NewLive:     pages.NewLive,
		NewPages:    newPages,
		Jobs: func(b composition.Base, rt *service.Runtime) {
			rt.Go("event blocks", history.NewFollower(b.DB, b.Journal, rt.Log).Run)
			rt.Go("numbers", numbers.NewFollower(b.DB, b.Journal, rt.Log).Run)
		},
	}.Program()
}

func newPages(cfg *Config, b composition.Base, rt *service.Runtime, hub *live.Hub, site web.Options) (*web.Site, error) {
	paymentsCore, err := core.New(cfg.PaymentsCoreURL, cfg.PaymentsCoreToken)
	if err != nil {
		return nil, service.UsageError{Err: err}
	}
	rt.OnStop("payments-core", func(context.Context) error { paymentsCore.Close(); return nil })
	orderingCore, err := api.NewClient("ordering-core", "ORDERING_CORE_URL", cfg.OrderingCoreURL, cfg.OrderingCoreToken)
	if err != nil {
		return nil, service.UsageError{Err: err}
	}
	rt.OnStop("ordering-core", func(context.Context) error { orderingCore.Close(); return nil })
	site.Seen = presence.NewRecorder(b.DB, b.Journal, site.Sessions, time.Now, rt.Log, readmodel.ProjectPeople, presence.Project).Seen
	stepUp, err := cfg.stepUp()
	if err != nil {
		return nil, service.UsageError{Err: err}
	}
	letters := []pages.LettersOf{
		{Service: "manager-ui", Client: deadletters.Local("manager-ui", b.DB, b.Letters, rt.Log)},
		{Service: "payments-core", Client: deadletters.Client{Client: paymentsCore.Client}},
		{Service: "ordering-core", Client: deadletters.Client{Client: orderingCore}},
	}
	breaks, err := breaking.NewClient(cfg.BreakURL)
	if err != nil {
		return nil, service.UsageError{Err: err}
	}
	sources := []flow.Source{
		{Service: "manager-ui", Ask: func(ctx context.Context) (vitals.Vitals, error) { return b.Vitals.Read(ctx), nil }},
		{Service: "ordering-core", Ask: vitals.Client{Client: orderingCore}.Vitals},
		{Service: "payments-core", Ask: vitals.Client{Client: paymentsCore.Client}.Vitals},
	}
	if cfg.ContractorUIURL != "" {
		contractorUI, err := api.NewClient("contractor-ui", "CONTRACTOR_UI_API_URL", cfg.ContractorUIURL, cfg.ContractorUIToken)
		if err != nil {
			return nil, service.UsageError{Err: err}
		}
		rt.OnStop("contractor-ui", func(context.Context) error { contractorUI.Close(); return nil })
		sources = append([]flow.Source{{Service: "contractor-ui", Ask: vitals.Client{Client: contractorUI}.Vitals}}, sources...)
		letters = append(letters, pages.LettersOf{Service: "contractor-ui", Client: deadletters.Client{Client: contractorUI}})
	}
	return pages.New(pages.Options{
		StepUp:  stepUp,
		Letters: letters,
		Flow:    flow.NewWatch(sources, rt.Log, time.Now),
		Breaks:  breaks,
		Kafka:   b.Kafka,
		Options: site, DB: b.DB, Keys: b.Keys, Hub: hub, Core: paymentsCore, Ordering: orderingCore, Now: time.Now,
		Histories: readmodel.NewHistories(b.DB, b.Journal), Events: history.NewReader(b.DB, b.Journal), Payments: payments.New(b.DB, b.Journal, paymentsCore, time.Now),
		Admission: admission.New(b.DB, b.Journal, time.Now, readmodel.ProjectPeople, presence.Project),
	})
}
