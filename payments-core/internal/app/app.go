package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/internal/api"
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/migrations"
	"countersign.example/payments-core/payment"
	commands "countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
)

const (
	// Name is the service's, and its consumer group's.
	Name   = "payments-core"
	source = "/" + Name
)

// Program is the command line.
func Program() service.Program[Config] {
	return service.Program[Config]{
		Name:     Name,
		Short:    "Owns payments: moves their money through a gateway, durably and once",
		Defaults: Config{Config: service.Config{HTTPAddr: ":5001", AdminAddr: "127.0.0.1:5101"}},
		Migrate:  Migrate,
		Start:    Start,
		Commands: []func(service.Loader[Config]) *cobra.Command{deadLetters, acceptLoss, adopt, skip, stuckOperations, reconcile},
	}
}

// Run runs the service in one process until ctx ends.
func Run(ctx context.Context, cfg *Config, log *slog.Logger) error {
	return Program().Run(ctx, cfg, service.All, log)
}

// Migrations are all tables of the service's database, in order.
func Migrations() []pg.Migrations {
	return []pg.Migrations{journal.Migrations, inbox.Migrations, processlock.Migrations, commands.Migrations, migrations.Set, operations.JobMigrations}
}

// Migrate brings the database and the topics up to date.
func Migrate(ctx context.Context, cfg *Config, _ *slog.Logger) error {
	if err := pg.Migrate(ctx, cfg.DatabaseURL, Migrations()...); err != nil {
		return err
	}
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	defer client.Close()
	return client.CreateTopics(ctx,
		kafka.TopicConfig{Name: payment.Topic, Partitions: payment.Partitions},
		kafka.TopicConfig{Name: order.Topic, Partitions: order.Partitions},
		kafka.DeadLettersConfig())
}

// Start composes the parts of the role. They run after it returns.
func Start(ctx context.Context, cfg *Config, rt *service.Runtime) error {
	db, err := pg.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	rt.OnStop("database", db.Shutdown)
	migrated := func(ctx context.Context) error { return db.Migrated(ctx, Migrations()...) }
	rt.First("database", migrated)
	rt.Health.Critical("database", migrated)
	j := journal.New(db, source)
	ops, err := operations.NewService(db, j, operations.Rules{Grace: cfg.PayoutGrace, RetryDelays: cfg.RetryDelays}, rt.Log)
	if err != nil {
		return err
	}
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	rt.OnStop("kafka", func(context.Context) error { client.Close(); return nil })
	consumerConfig := kafka.ConsumerConfig{Config: recording(db, j, ops, rt.Log), Client: client, Group: Name}
	checkDB, err := pg.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	rt.OnStop("comparing", checkDB.Shutdown)
	// A process that only serves commands checks too, and so does every process whose database is replaced.
	check := kafka.NewJournalCheck(consumerConfig, checkDB)
	rt.First("journal", check.Check)
	db.Vet(check.Check)
	if rt.Role.Serves(service.Consumer) {
		if err := startConsumer(cfg, rt, consumerConfig, ops); err != nil {
			return err
		}
	}
	if !rt.Role.Serves(service.Web) {
		rt.Serve(nil)
		return nil
	}
	rt.Serve(api.New(db, ops, cfg.ServiceTokens, rt.Log, rt.Metrics))
	return nil
}

// startConsumer adds the consumer, the relay and the calls of the gateway.
func startConsumer(cfg *Config, rt *service.Runtime, consumerConfig kafka.ConsumerConfig, ops *operations.Service) error {
	moneyGateway, err := gateway.NewClient(gateway.ClientConfig{URL: cfg.GatewayURL, Token: cfg.GatewayToken, Timeout: cfg.GatewayTimeout})
	if err != nil {
		return service.UsageError{Err: err}
	}
	rt.OnStop("gateway", func(context.Context) error { moneyGateway.Close(); return nil })

	relay := kafka.NewRelay(kafka.RelayConfig{
		Client: consumerConfig.Client, DB: consumerConfig.DB, Journal: consumerConfig.Journal, Log: rt.Log,
		Topics: map[string]string{payment.Stream(""): payment.Topic},
	})
	consumer := kafka.NewConsumer(consumerConfig)
	caller := operations.NewCaller(ops, moneyGateway, cfg.GatewayKeyLife, rt.Log, rt.Metrics)

	rt.Metrics.MustRegister(append(relay.Collectors(), consumer.Collectors()...)...)

	rt.Go("relay", relay.Run)
	rt.Go("consumer", consumer.Run)
	rt.Go("retention", pg.ApplyRetentions(consumerConfig.DB, rt.Log, commands.Retention, inbox.Retention))
	rt.Go("gateway calls", func(ctx context.Context) error {
		return operations.Run(ctx, ops, caller, cfg.Jobs, rt.Log)
	})
	rt.Health.Optional("kafka", func(context.Context) error { return errors.Join(relay.Healthy(), consumer.Healthy()) })
	return nil
}

// recording is how received events are recorded, by the consumer and by a replay of dead letters. The journal
// is primary data: if it lacks what the service has written, it is not the journal that the service had.
func recording(db *pg.DB, j *journal.Journal, ops *operations.Service, log *slog.Logger) inbox.Config {
	return inbox.Config{
		DB: db, Format: kafka.CloudEvents, Journal: j, Primary: true, Log: log,
		Topics:     []event.Topic{payment.Events, order.Events},
		Before:     processlock.Before(releasing.Members),
		Projectors: []journal.Projector{ops.Project},
	}
}
