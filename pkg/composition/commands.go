package composition

import (
	"context"

	"github.com/spf13/cobra"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/operator"
	"countersign.example/pkg/service"
)

// commands are the operators' that follow from the declaration, and then the service's own.
func (s Service[C]) commands() []func(service.Loader[C]) *cobra.Command {
	type load = service.Loader[C]
	commands := []func(load) *cobra.Command{
		func(l load) *cobra.Command { return operator.DeadLettersCommand(opened(s, l, s.deadLetters)) },
		func(l load) *cobra.Command { return operator.AcceptLossCommand(opened(s, l, s.losses)) },
		func(load) *cobra.Command { return operator.ACLsCommand(kafka.Rights(s.Name, s.Receives, s.Publishes)) },
	}
	if s.Primary {
		commands = append(commands,
			func(l load) *cobra.Command { return operator.AdoptCommand(opened(s, l, s.adoption)) },
			func(l load) *cobra.Command { return operator.SkipCommand(opened(s, l, s.adoption)) })
	}
	if s.Copies != nil {
		commands = append(commands, func(l load) *cobra.Command { return operator.RebuildCommand(opened(s, l, s.rebuild)) })
	}
	return append(commands, s.Commands...)
}

// opened returns what opens the service when a command runs, and makes of it what the command works with.
func opened[C, T any](s Service[C], load service.Loader[C], from func(Base, Parts) T) operator.Open[T] {
	return func(ctx context.Context) (t T, closeAll func(), err error) {
		cfg, log, err := load()
		if err != nil {
			return t, nil, err
		}
		b, err := s.Open(ctx, cfg, log)
		if err != nil {
			return t, nil, err
		}
		parts, err := s.Parts(cfg, b)
		if err != nil {
			b.Close()
			return t, nil, err
		}
		return from(b, parts), b.Close, nil
	}
}

func (s Service[C]) deadLetters(b Base, p Parts) *inbox.DeadLetterStore {
	store := inbox.NewDeadLetterStore(s.consumer(b, p).Config)
	if s.Primary {
		store.Check = func(ctx context.Context) error { return s.CheckBeforeChange(ctx, b) }
	}
	return store
}

// CheckBeforeChange is for a command that changes the database of a service with primary data; see
// kafka.CheckBeforeChange.
func (s Service[C]) CheckBeforeChange(ctx context.Context, b Base) error {
	return kafka.CheckBeforeChange(ctx, s.consumer(b, Parts{}))
}

func (s Service[C]) losses(b Base, p Parts) *kafka.Losses { return kafka.NewLosses(s.consumer(b, p)) }

func (s Service[C]) adoption(b Base, p Parts) *kafka.Adoption {
	a := &kafka.Adoption{ConsumerConfig: s.consumer(b, p), Restore: p.Restore, Reserve: p.Reserve}
	if p.RestoreAll != nil {
		a.Restore = p.RestoreAll
	}
	return a
}

func (s Service[C]) rebuild(b Base, p Parts) journal.Rebuild {
	r := journal.Rebuild{Journal: b.Journal, Projectors: p.Projectors, Copies: s.Copies}
	if s.Mend != nil {
		r.Mend = func(ctx context.Context) (int64, error) { return s.Mend(ctx, b.DB) }
	}
	return r
}
