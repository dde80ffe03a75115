package app

import (
	"context"
	"time"
	_ "time/tzdata" // a container may have no time zones

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/internal/api"
	"countersign.example/ordering-core/internal/confirming"
	"countersign.example/ordering-core/internal/expiring"
	"countersign.example/ordering-core/internal/orders"
	"countersign.example/ordering-core/internal/products"
	"countersign.example/ordering-core/migrations"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	commands "countersign.example/pkg/api"
	"countersign.example/pkg/composition"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
)

// Program is the command line.
func Program() service.Program[Config] {
	return composition.Service[Config]{
		Name:       "ordering-core",
		Short:      "Owns orders, the catalog and the customers: takes commands, confirms what is paid, expires in time",
		Defaults:   Config{Config: service.Config{HTTPAddr: ":5002", AdminAddr: "127.0.0.1:5102"}},
		Migrations: []pg.Migrations{processlock.Migrations, commands.Migrations, migrations.Set},
		Receives:   []event.Topic{order.Events, catalog.Events, payment.Events},
		Publishes:  []event.Topic{order.Events, catalog.Events},
		Primary:    true,
		Retentions: []pg.Retention{commands.Retention},
		Parts:      parts,
	}.Program()
}

// parts are the process manager that confirms what is paid, the expiry of orders, and the API.
func parts(cfg *Config, b composition.Base) (composition.Parts, error) {
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		return composition.Parts{}, service.UsageError{Err: err}
	}
	productService := products.NewService(b.DB, b.Journal)
	orderService := orders.NewService(b.Journal, productService, orders.Rules{
		OrderTTL: cfg.OrderTTL, DraftTTL: cfg.DraftTTL, Zone: zone, Clock: cfg.Clock,
	})
	manager := confirming.New(b.Journal, orderService)
	sweeper := expiring.NewSweeper(b.DB, orderService, manager, b.Log)
	return composition.Parts{
		Before:     processlock.Before(confirming.Members),
		Projectors: []journal.Projector{manager.Project, sweeper.Project},
		Restore: func(ctx context.Context, tx *pg.Tx, streams []string, report func(string)) error {
			if err := orderService.Restore(ctx, tx, streams, report); err != nil {
				return err
			}
			return productService.Restore(ctx, tx, streams, report)
		},
		Reserve: orderService.Reserve,
		Jobs: func(rt *service.Runtime) error {
			rt.Metrics.MustRegister(sweeper.Collectors()...)
			rt.Go("expiry", sweeper.Run)
			return nil
		},
		Web: func(rt *service.Runtime, letters *inbox.DeadLetterStore) error {
			rt.Serve(api.New(b.DB, orderService, productService, letters, b.Vitals, cfg.ServiceTokens, cfg.GateConfig, rt.Log, rt.Metrics))
			return nil
		},
	}, nil
}
