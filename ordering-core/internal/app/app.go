package app

import (
	"context"
	"errors"
	"log/slog"
	"time"
	_ "time/tzdata" // a container may have no time zones

	"github.com/spf13/cobra"

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
	Name   = "ordering-core"
	source = "/" + Name
)

// Program is the command line.
func Program() service.Program[Config] {
	return service.Program[Config]{
		Name:     Name,
		Short:    "Owns orders, the catalog and the customers: takes commands, confirms what is paid, expires in time",
		Defaults: Config{Config: service.Config{HTTPAddr: ":5002", AdminAddr: "127.0.0.1:5102"}},
		Migrate:  Migrate,
		Start:    Start,
		Commands: []func(service.Loader[Config]) *cobra.Command{deadLetters, acceptLoss, adopt, skip},
	}
}

// Run runs the service in one process until ctx ends.
func Run(ctx context.Context, cfg *Config, log *slog.Logger) error {
	return Program().Run(ctx, cfg, service.All, log)
}

// Migrations are all tables of the service's database, in order.
func Migrations() []pg.Migrations {
	return []pg.Migrations{journal.Migrations, inbox.Migrations, processlock.Migrations, commands.Migrations, migrations.Set}
}

// Migrate brings the database and the topics up to date.
func Migrate(ctx context.Context, cfg *Config, _ *slog.Logger) error {
	if err := pg.Migrate(ctx, cfg.DatabaseURL, Migrations()...); err != nil {
		return err
	}
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	defer client.Close()
	return client.CreateTopics(ctx,
		kafka.TopicConfig{Name: order.Topic, Partitions: order.Partitions},
		kafka.TopicConfig{Name: catalog.Topic, Partitions: catalog.Partitions},
		kafka.TopicConfig{Name: payment.Topic, Partitions: payment.Partitions},
		kafka.DeadLettersConfig())
}

// parts are what every role of the service works with.
type parts struct {
	db         *pg.DB
	journal    *journal.Journal
	catalog    *products.Service
	orders     *orders.Service
	confirming *confirming.Manager
	sweeper    *expiring.Sweeper
}

func open(ctx context.Context, cfg *Config, log *slog.Logger) (*parts, error) {
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		return nil, service.UsageError{Err: err}
	}
	db, err := pg.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return nil, err
	}
	p := &parts{db: db, journal: journal.New(db, source)}
	p.catalog = products.NewService(db, p.journal)
	p.orders = orders.NewService(db, p.journal, p.catalog, orders.Rules{
		OrderTTL: cfg.OrderTTL, DraftTTL: cfg.DraftTTL, Zone: zone, Clock: cfg.Clock,
	})
	p.confirming = confirming.New(p.journal, p.orders)
	p.sweeper = expiring.NewSweeper(db, p.orders, p.confirming, log)
	return p, nil
}

// Start composes the parts of the role. They run after it returns.
func Start(ctx context.Context, cfg *Config, rt *service.Runtime) error {
	p, err := open(ctx, cfg, rt.Log)
	if err != nil {
		return err
	}
	rt.OnStop("database", p.db.Shutdown)
	migrated := func(ctx context.Context) error { return p.db.Migrated(ctx, Migrations()...) }
	rt.First("database", migrated)
	rt.Health.Critical("database", migrated)
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	rt.OnStop("kafka", func(context.Context) error { client.Close(); return nil })
	consumerConfig := kafka.ConsumerConfig{Config: p.recording(rt.Log), Client: client, Group: Name}
	checkDB, err := pg.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	rt.OnStop("comparing", checkDB.Shutdown)
	// A process that only serves commands checks too, and so does every process whose database is replaced.
	check := kafka.NewJournalCheck(consumerConfig, checkDB)
	rt.First("journal", check.Check)
	p.db.Vet(check.Check)
	if rt.Role.Serves(service.Consumer) {
		startConsumer(rt, p, consumerConfig)
	}
	if !rt.Role.Serves(service.Web) {
		rt.Serve(nil)
		return nil
	}
	rt.Serve(api.New(p.db, p.orders, p.catalog, cfg.ServiceTokens, rt.Log, rt.Metrics))
	return nil
}

// startConsumer adds the consumer, the relay and the sweeper.
func startConsumer(rt *service.Runtime, p *parts, consumerConfig kafka.ConsumerConfig) {
	relay := kafka.NewRelay(kafka.RelayConfig{
		Client: consumerConfig.Client, DB: p.db, Journal: p.journal, Log: rt.Log,
		Topics: map[string]string{
			order.Stream(""): order.Topic, catalog.ProductStream(""): catalog.Topic, catalog.CustomerStream(""): catalog.Topic,
		},
	})
	consumer := kafka.NewConsumer(consumerConfig)

	rt.Metrics.MustRegister(append(relay.Collectors(), consumer.Collectors()...)...)
	rt.Metrics.MustRegister(p.sweeper.Collectors()...)

	rt.Go("relay", relay.Run)
	rt.Go("consumer", consumer.Run)
	rt.Go("expiry", p.sweeper.Run)
	rt.Go("retention", pg.ApplyRetentions(p.db, rt.Log, commands.Retention, inbox.Retention))
	rt.Health.Optional("kafka", func(context.Context) error { return errors.Join(relay.Healthy(), consumer.Healthy()) })
}

// recording is how received events are recorded, by the consumer and by a replay of dead letters. The journal
// is primary data: if it lacks what the service has written, it is not the journal that the service had.
func (p *parts) recording(log *slog.Logger) inbox.Config {
	return inbox.Config{
		DB: p.db, Format: kafka.CloudEvents, Journal: p.journal, Primary: true, Log: log,
		Topics:     []event.Topic{order.Events, catalog.Events, payment.Events},
		Before:     processlock.Before(confirming.Members),
		Projectors: []journal.Projector{p.confirming.Project, p.sweeper.Project},
		Restore:    p.restore,
	}
}
