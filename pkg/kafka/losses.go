package kafka

import (
	"context"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
)

// Losses are the partitions that a service no longer consumes, since the messages that were to come next are
// gone.
type Losses struct{ cfg ConsumerConfig }

// NewLosses returns the losses of the service with this configuration.
func NewLosses(cfg ConsumerConfig) *Losses { return &Losses{cfg} }

// List returns what is lost now.
func (l *Losses) List(ctx context.Context) ([]journal.Lost, error) {
	extents, err := l.cfg.extents(ctx)
	if err != nil {
		return nil, err
	}
	_, lost, err := l.cfg.Journal.Positions(ctx, extents)
	return lost, err
}

// Accept restarts lost partitions at their oldest message, and keeps on record who decided that. It accepts
// all or none. A running service goes on by itself.
func (l *Losses) Accept(ctx context.Context, places []journal.TopicPartition, d inbox.Decision) (accepted []journal.Lost, err error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	extents, err := l.cfg.extents(ctx)
	if err != nil {
		return nil, err
	}
	err = l.cfg.DB.InTx(ctx, func(tx *pg.Tx) error {
		accepted = nil
		for _, tp := range places {
			recreated, err := l.cfg.Journal.Recreated(ctx, tx, tp, extents[tp])
			if err != nil {
				return err
			}
			lost, err := l.cfg.Journal.AcceptLoss(ctx, tx, tp, extents)
			if err != nil {
				return err
			}
			if recreated {
				if err := inbox.FreeOffsets(ctx, tx, tp); err != nil {
					return err
				}
			}
			first := extents[tp].First
			if err := d.Record(ctx, tx, "accept-loss", &tp, &first, lost.Missing); err != nil {
				return err
			}
			accepted = append(accepted, lost)
		}
		return nil
	})
	return accepted, err
}
