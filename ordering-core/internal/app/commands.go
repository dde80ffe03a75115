package app

import (
	"context"

	"github.com/spf13/cobra"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/service"
)

// deadLetters is the command that lists, replays and discards messages that could not be recorded.
func deadLetters(load service.Loader[Config]) *cobra.Command {
	return kafka.DeadLettersCommand(func(ctx context.Context) (*kafka.DeadLetters, func(), error) {
		cfg, log, err := load()
		if err != nil {
			return nil, nil, err
		}
		p, err := open(ctx, cfg, log)
		if err != nil {
			return nil, nil, err
		}
		return kafka.NewDeadLetters(p.recording(log)), p.db.Close, nil
	})
}
