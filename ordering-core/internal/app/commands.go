package app

import (
	"context"

	"github.com/spf13/cobra"

	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/operator"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
)

// deadLetters is the command that lists, replays and discards messages that could not be recorded.
func deadLetters(load service.Loader[Config]) *cobra.Command {
	return operator.DeadLettersCommand(func(ctx context.Context) (*inbox.DeadLetterStore, func(), error) {
		_, cfg, closeAll, err := openConsumer(ctx, load)
		if err != nil {
			return nil, nil, err
		}
		store := inbox.NewDeadLetterStore(cfg.Config)
		store.Check = func(ctx context.Context) error { return kafka.CheckBeforeChange(ctx, cfg) }
		return store, closeAll, nil
	})
}

// openConsumer opens what a command needs to record events like the consumer. The function that it returns
// closes all of it.
func openConsumer(ctx context.Context, load service.Loader[Config]) (*parts, kafka.ConsumerConfig, func(), error) {
	cfg, log, err := load()
	if err != nil {
		return nil, kafka.ConsumerConfig{}, nil, err
	}
	p, err := open(ctx, cfg, log)
	if err != nil {
		return nil, kafka.ConsumerConfig{}, nil, err
	}
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	return p, kafka.ConsumerConfig{Config: p.recording(log), Client: client, Group: Name}, func() { client.Close(); p.db.Close() }, nil
}

// acceptLoss is the command that consumes partitions again from which unread messages are gone.
func acceptLoss(load service.Loader[Config]) *cobra.Command {
	return operator.AcceptLossCommand(func(ctx context.Context) (*kafka.Losses, func(), error) {
		_, cfg, closeAll, err := openConsumer(ctx, load)
		return kafka.NewLosses(cfg), closeAll, err
	})
}

// adopt is the command that records what a restored database lacks of what the core has written.
func adopt(load service.Loader[Config]) *cobra.Command {
	return operator.AdoptCommand(func(ctx context.Context) (*kafka.Adoption, func(), error) { return adoption(ctx, load) })
}

// skip is the command that never records an event which the core has not written.
func skip(load service.Loader[Config]) *cobra.Command {
	return operator.SkipCommand(func(ctx context.Context) (*kafka.Adoption, func(), error) { return adoption(ctx, load) })
}

func adoption(ctx context.Context, load service.Loader[Config]) (*kafka.Adoption, func(), error) {
	p, cfg, closeAll, err := openConsumer(ctx, load)
	if err != nil {
		return nil, nil, err
	}
	return &kafka.Adoption{ConsumerConfig: cfg, Restore: p.restore, Reserve: p.orders.Reserve}, closeAll, nil
}

// restore brings numbers, deadlines and the catalog up to date with adopted streams.
func (p *parts) restore(ctx context.Context, tx *pg.Tx, streams []string, report func(string)) error {
	if err := p.orders.Restore(ctx, tx, streams, report); err != nil {
		return err
	}
	return p.catalog.Restore(ctx, tx, streams, report)
}
