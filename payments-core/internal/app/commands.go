package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/internal/reconciling"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/operator"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
)

// openService opens the database, which the caller closes, with the payments in it.
func openService(ctx context.Context, cfg *Config, log *slog.Logger) (*pg.DB, *journal.Journal, *operations.Service, error) {
	db, err := pg.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return nil, nil, nil, err
	}
	j := journal.New(db, source)
	ops, err := operations.NewService(db, j, operations.Rules{Grace: cfg.PayoutGrace, RetryDelays: cfg.RetryDelays}, log)
	if err != nil {
		db.Close()
		return nil, nil, nil, err
	}
	return db, j, ops, nil
}

// checkBeforeChange returns an error unless the database has what the core has written, as it has to before
// the core runs.
func checkBeforeChange(ctx context.Context, cfg *Config, r inbox.Config) error {
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	defer client.Close()
	return kafka.CheckBeforeChange(ctx, kafka.ConsumerConfig{Config: r, Client: client, Group: Name})
}

// deadLetters is the command that lists, replays and discards messages that could not be recorded.
func deadLetters(load service.Loader[Config]) *cobra.Command {
	return operator.DeadLettersCommand(func(ctx context.Context) (*inbox.DeadLetterStore, func(), error) {
		cfg, log, err := load()
		if err != nil {
			return nil, nil, err
		}
		db, j, ops, err := openService(ctx, cfg, log)
		if err != nil {
			return nil, nil, err
		}
		r := recording(db, j, ops, log)
		store := inbox.NewDeadLetterStore(r)
		store.Check = func(ctx context.Context) error { return checkBeforeChange(ctx, cfg, r) }
		return store, db.Close, nil
	})
}

// reconcile is the command that compares our record with the topic's and the gateway's.
func reconcile(load service.Loader[Config]) *cobra.Command {
	return &cobra.Command{
		Use:   "reconcile",
		Short: "Compare the record of payments with the topic's and the gateway's, and print every difference",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := load()
			if err != nil {
				return err
			}
			differences := 0
			report := func(difference string) {
				differences++
				fmt.Fprintln(cmd.OutOrStdout(), difference)
			}
			err = Reconcile(cmd.Context(), cfg, report, func(how string) { fmt.Fprintln(cmd.ErrOrStderr(), how) })
			if err != nil {
				return err
			}
			if differences > 0 {
				return fmt.Errorf("%d differences", differences)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "no differences")
			return nil
		},
	}
}

// Reconcile reports every difference between our record and the topic's and the gateway's, and calls progress
// (may be nil) how far it is.
func Reconcile(ctx context.Context, cfg *Config, report, progress func(string)) error {
	db, err := pg.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	moneyGateway, err := gateway.NewClient(gateway.ClientConfig{URL: cfg.GatewayURL, Token: cfg.GatewayToken, Timeout: maxGatewayTimeout})
	if err != nil {
		return service.UsageError{Err: err}
	}
	defer moneyGateway.Close()
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	defer client.Close()
	r := reconciling.Reconciler{
		DB: db, Journal: journal.New(db, source), Kafka: client, Gateway: moneyGateway, Report: report, Progress: progress,
		Patience: cfg.ReconcilePatience,
	}
	return r.Run(ctx)
}
