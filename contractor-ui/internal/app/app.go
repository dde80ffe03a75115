// Package app puts contractor-ui together: its configuration, its commands, and in which order its
// parts start and stop.
package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"countersign.example/contractor-ui/internal/pages"
	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/contractor-ui/migrations"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/live"
	"countersign.example/pkg/operator"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/search"
	"countersign.example/pkg/service"
	"countersign.example/pkg/web"
)

// Name is the service's, its consumer group's, and that of its stream of live updates.
const Name = "contractor-ui"

// Config is what contractor-ui reads from its environment.
type Config struct {
	service.Config
	service.KafkaConfig
	service.RedisConfig
	web.IdentityConfig
	OrderingCoreURL   string `env:"ORDERING_CORE_URL,required,notEmpty" desc:"ordering-core, which owns orders, products and customers, http://host:port"`
	OrderingCoreToken string `env:"ORDERING_CORE_TOKEN,required,notEmpty" desc:"bearer token of this service at ordering-core"`
}

// Validate reports everything that is wrong with the values.
func (c *Config) Validate() error {
	return errors.Join(c.Config.Validate(), c.Check(c.Environment))
}

// Program is the command line.
func Program() service.Program[Config] {
	return service.Program[Config]{
		Name:     Name,
		Short:    "The web app in which contractors order and ask to be paid",
		Defaults: Config{Config: service.Config{HTTPAddr: ":3000", AdminAddr: "127.0.0.1:3100"}},
		Migrate:  Migrate,
		Start:    Start,
		Commands: []func(service.Loader[Config]) *cobra.Command{deadLetters, acceptLoss, rebuild},
	}
}

// Run runs the service in one process until ctx ends.
func Run(ctx context.Context, cfg *Config, log *slog.Logger) error {
	return Program().Run(ctx, cfg, service.All, log)
}

// Migrations are all tables of the service's database, in order.
func Migrations() []pg.Migrations {
	return []pg.Migrations{journal.Migrations, inbox.Migrations, live.Migrations, web.Migrations, migrations.Set}
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
		kafka.TopicConfig{Name: catalog.Topic, Partitions: catalog.Partitions},
		kafka.DeadLettersConfig())
}

// Start puts the parts of the role together; they run after it returns.
func Start(ctx context.Context, cfg *Config, rt *service.Runtime) error {
	db, err := pg.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	rt.OnStop("database", db.Shutdown)
	migrated := func(ctx context.Context) error { return db.Migrated(ctx, Migrations()...) }
	rt.First("database", migrated)
	rt.Health.Critical("database", migrated)
	redis, err := live.Connect(cfg.RedisURL)
	if err != nil {
		return service.UsageError{Err: err}
	}
	rt.OnStop("redis", func(context.Context) error { return redis.Close() })
	assets, err := web.BuiltAssets()
	if err != nil {
		return err
	}
	renderer, err := pages.NewRenderer(assets)
	if err != nil {
		return err
	}
	j := newJournal(db)
	rt.Health.Optional("copies", j.CaughtUp)
	hub := live.NewHub(db, redis, Name, rt.Log)
	// Every replica is ready to push, in whatever role: one of them does at a time.
	rt.Go("live pusher", live.NewPusher(db, redis, Name, pages.Live{DB: db, Renderer: renderer}, rt.Log).Run)
	rt.Go("search", search.NewIndexer(db, journal.UnpushedChannel, rt.Log, readmodel.Searched...).Run)
	if rt.Role.Serves(service.Consumer) {
		startConsumer(cfg, rt, db, j)
	}
	if rt.Role.Serves(service.Web) {
		return startWeb(cfg, rt, db, j, hub, assets, renderer)
	}
	rt.Serve(nil)
	return nil
}

func newJournal(db *pg.DB) *journal.Journal {
	return journal.New(db, payments.Source, journal.Live())
}

// startConsumer adds what publishes and receives.
func startConsumer(cfg *Config, rt *service.Runtime, db *pg.DB, j *journal.Journal) {
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	rt.OnStop("kafka", func(context.Context) error { client.Close(); return nil })
	relay := kafka.NewRelay(kafka.RelayConfig{
		Client: client, DB: db, Journal: j, Topics: map[string]string{payment.Stream(""): payment.Topic}, Log: rt.Log,
	})
	consumer := kafka.NewConsumer(kafka.ConsumerConfig{Config: recording(db, j, rt.Log), Client: client, Group: Name})
	rt.Metrics.MustRegister(append(relay.Collectors(), consumer.Collectors()...)...)
	rt.Go("relay", relay.Run)
	rt.Go("consumer", consumer.Run)
	rt.Go("retention", pg.ApplyRetentions(db, rt.Log, inbox.Retention, web.SessionRetention))
	rt.Health.Optional("kafka", func(context.Context) error { return errors.Join(relay.Healthy(), consumer.Healthy()) })
}

// recording is how what is received is recorded, live and when a dead letter is replayed.
func recording(db *pg.DB, j *journal.Journal, log *slog.Logger) inbox.Config {
	return inbox.Config{
		DB: db, Format: kafka.CloudEvents, Journal: j, Log: log,
		Topics:     []event.Topic{payment.Events, order.Events, catalog.Events},
		Projectors: projectors,
	}
}

// projectors write the copies.
var projectors = []journal.Projector{readmodel.Project, readmodel.ProjectOrders, readmodel.ProjectCatalog}

// rebuild is the command that makes the read models again from the journal.
func rebuild(load service.Loader[Config]) *cobra.Command {
	return operator.RebuildCommand(func(ctx context.Context) (journal.Rebuild, func(), error) {
		cfg, _, err := load()
		if err != nil {
			return journal.Rebuild{}, nil, err
		}
		db, err := pg.Open(ctx, cfg.DatabaseURL)
		if err != nil {
			return journal.Rebuild{}, nil, err
		}
		return journal.Rebuild{Journal: newJournal(db), Projectors: projectors, Copies: []journal.CopyTable{
			{Table: "payments", Column: "id", Prefix: payment.Stream("")},
			{Table: "orders", Column: "id", Prefix: order.Stream("")},
			{Table: "products", Column: "id", Prefix: catalog.ProductStream("")},
			{Table: "customers", Column: "id", Prefix: catalog.CustomerStream("")},
		}}, db.Close, nil
	})
}

// deadLetters is the command that looks at what could not be recorded.
func deadLetters(load service.Loader[Config]) *cobra.Command {
	return operator.DeadLettersCommand(func(ctx context.Context) (*inbox.DeadLetterStore, func(), error) {
		cfg, log, err := load()
		if err != nil {
			return nil, nil, err
		}
		db, err := pg.Open(ctx, cfg.DatabaseURL)
		if err != nil {
			return nil, nil, err
		}
		return inbox.NewDeadLetterStore(recording(db, newJournal(db), log)), db.Close, nil
	})
}

// acceptLoss is the command that receives partitions again of which a part is gone without being received.
func acceptLoss(load service.Loader[Config]) *cobra.Command {
	return operator.AcceptLossCommand(func(ctx context.Context) (*kafka.Losses, func(), error) {
		cfg, log, err := load()
		if err != nil {
			return nil, nil, err
		}
		db, err := pg.Open(ctx, cfg.DatabaseURL)
		if err != nil {
			return nil, nil, err
		}
		client := kafka.Open(Name, cfg.KafkaBrokers...)
		losses := kafka.NewLosses(kafka.ConsumerConfig{Config: recording(db, newJournal(db), log), Client: client, Group: Name})
		return losses, func() { client.Close(); db.Close() }, nil
	})
}
