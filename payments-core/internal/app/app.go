package app

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/internal/api"
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/migrations"
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
func Program() service.Program[Config] { return declaration().Program() }

func declaration() composition.Service[Config] {
	return composition.Service[Config]{
		Name:       "payments-core",
		Short:      "Owns payments: moves their money through a gateway, durably and once",
		Defaults:   Config{Config: service.Config{HTTPAddr: ":5001", AdminAddr: "127.0.0.1:5101"}},
		Migrations: []pg.Migrations{processlock.Migrations, commands.Migrations, migrations.Set, operations.JobMigrations},
		Receives:   []event.Topic{payment.Events, order.Events},
		Publishes:  []event.Topic{payment.Events},
		Primary:    true,
		Retentions: []pg.Retention{commands.Retention},
		Parts:      parts,
		Commands:   []func(service.Loader[Config]) *cobra.Command{stuckOperations, reconcile},
	}
}

// parts are the process manager that opens operations, the calls of the gateway, and the API.
func parts(cfg *Config, b composition.Base) (composition.Parts, error) {
	ops, err := newOperations(cfg, b)
	if err != nil {
		return composition.Parts{}, err
	}
	b.Vitals.Jobs = ops.Vitals
	return composition.Parts{
		Before:     processlock.Before(releasing.Members),
		Projectors: []journal.Projector{ops.Project},
		RestoreAll: func(ctx context.Context, tx *pg.Tx, _ []string, report func(string)) error {
			moneyGateway, err := openGateway(cfg, maxGatewayTimeout)
			if err != nil {
				return err
			}
			defer moneyGateway.Close()
			return ops.Restore(ctx, tx, moneyGateway, report)
		},
		Jobs: func(rt *service.Runtime) error {
			moneyGateway, err := openGateway(cfg, cfg.GatewayTimeout)
			if err != nil {
				return err
			}
			caller := operations.NewCaller(ops, moneyGateway, cfg.GatewayKeyLife, rt.Log, rt.Metrics)
			rt.Go("gateway calls", func(ctx context.Context) error {
				defer moneyGateway.Close()
				return operations.Run(ctx, ops, caller, cfg.Jobs, rt.Log)
			})
			return nil
		},
		Web: func(rt *service.Runtime, letters *inbox.DeadLetterStore) error {
			rt.Serve(api.New(b.DB, ops, letters, b.Vitals, cfg.ServiceTokens, cfg.GateConfig, rt.Log, rt.Metrics))
			return nil
		},
	}, nil
}

func newOperations(cfg *Config, b composition.Base) (*operations.Service, error) {
	return operations.NewService(b.DB, b.Journal, operations.Rules{Grace: cfg.PayoutGrace, RetryDelays: cfg.RetryDelays}, b.Log)
}

func openGateway(cfg *Config, timeout time.Duration) (*gateway.Client, error) {
	return gateway.NewClient(gateway.ClientConfig{URL: cfg.GatewayURL, Token: cfg.GatewayToken, Timeout: timeout})
}
