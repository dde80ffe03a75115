package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"countersign.example/payments-core/internal/reconciling"
	"countersign.example/pkg/service"
)

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
	b, err := declaration().Open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer b.Close()
	moneyGateway, err := openGateway(cfg, maxGatewayTimeout)
	if err != nil {
		return err
	}
	defer moneyGateway.Close()
	r := reconciling.Reconciler{
		DB: b.DB, Journal: b.Journal, Kafka: b.Kafka, Gateway: moneyGateway, Report: report, Progress: progress,
		Patience: cfg.ReconcilePatience,
	}
	return r.Run(ctx)
}
