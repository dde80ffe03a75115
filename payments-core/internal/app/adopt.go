package app

import (
	"context"

	"github.com/spf13/cobra"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/operator"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
)

// acceptLoss is the command that consumes partitions again from which unread messages are gone.
func acceptLoss(load service.Loader[Config]) *cobra.Command {
	return operator.AcceptLossCommand(func(ctx context.Context) (*kafka.Losses, func(), error) {
		a, closeAll, err := adoption(ctx, load)
		if err != nil {
			return nil, nil, err
		}
		return kafka.NewLosses(a.ConsumerConfig), closeAll, nil
	})
}

// adopt is the command that records what a restored database lacks of what the core has written, and of what
// it has asked of the gateway.
func adopt(load service.Loader[Config]) *cobra.Command {
	return operator.AdoptCommand(func(ctx context.Context) (*kafka.Adoption, func(), error) { return adoption(ctx, load) })
}

// skip is the command that never records an event which the core has not written.
func skip(load service.Loader[Config]) *cobra.Command {
	return operator.SkipCommand(func(ctx context.Context) (*kafka.Adoption, func(), error) { return adoption(ctx, load) })
}

func adoption(ctx context.Context, load service.Loader[Config]) (*kafka.Adoption, func(), error) {
	cfg, log, err := load()
	if err != nil {
		return nil, nil, err
	}
	moneyGateway, err := gateway.NewClient(gateway.ClientConfig{URL: cfg.GatewayURL, Token: cfg.GatewayToken, Timeout: maxGatewayTimeout})
	if err != nil {
		return nil, nil, service.UsageError{Err: err}
	}
	db, j, ops, err := openService(ctx, cfg, log)
	if err != nil {
		moneyGateway.Close()
		return nil, nil, err
	}
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	a := &kafka.Adoption{
		ConsumerConfig: kafka.ConsumerConfig{Config: recording(db, j, ops, log), Client: client, Group: Name},
		Restore: func(ctx context.Context, tx *pg.Tx, _ []string, report func(string)) error {
			return ops.Restore(ctx, tx, moneyGateway, report)
		},
	}
	return a, func() { client.Close(); db.Close(); moneyGateway.Close() }, nil
}
