package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"countersign.example/manager-ui/internal/core"
	"countersign.example/manager-ui/internal/csvimport"
	"countersign.example/manager-ui/internal/pages"
	"countersign.example/manager-ui/internal/payments"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/migrations"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
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

const (
	// Name is the service's, its consumer group's and its live stream's.
	Name = "manager-ui"

	// lateAfter is how long an event may wait for Kafka before pages say that news is late.
	lateAfter = 15 * time.Second
)

// Program is the command line.
func Program() service.Program[Config] {
	return service.Program[Config]{
		Name:     Name,
		Short:    "The managers' web app: accept or reject payments, capture or release what is on hold, look after orders, the catalog and the customers",
		Defaults: Config{Config: service.Config{HTTPAddr: ":4000", AdminAddr: "127.0.0.1:4100"}},
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
		return service.UsageError{Err: fmt.Errorf("REDIS_URL: %w", err)}
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
	j := journal.New(db, payments.Source, journal.Live())
	rt.Health.Optional("copies", j.CaughtUp)
	hub := live.NewHub(db, redis, Name, rt.Log)
	// Every replica is ready to push, in whatever role: one of them does at a time.
	rt.Go("pusher", live.NewPusher(db, redis, Name, pages.NewLive(db, renderer), rt.Log).Run)
	rt.Go("search", search.NewIndexer(db, journal.UnpushedChannel, rt.Log, readmodel.Searched...).Run)

	if rt.Role.Serves(service.Consumer) {
		startConsumer(cfg, rt, db, j)
	} else {
		rt.Health.Optional("kafka", func(ctx context.Context) error { return late(ctx, j) })
	}
	if !rt.Role.Serves(service.Web) {
		rt.Serve(nil)
		return nil
	}
	rt.Go("live updates", hub.Run)
	rt.Metrics.MustRegister(hub.Collectors()...)
	rt.Health.Optional("redis", func(context.Context) error {
		if !hub.Healthy() {
			return errors.New("live updates do not come in")
		}
		return nil
	})
	return startWeb(cfg, rt, j, pages.Options{
		Options: web.Options{Renderer: renderer, Assets: assets, LiveCursor: hub.Cursor},
		DB:      db, Histories: readmodel.NewHistories(db, j), Hub: hub,
	})
}

// startConsumer adds what receives and publishes.
func startConsumer(cfg *Config, rt *service.Runtime, db *pg.DB, j *journal.Journal) {
	client := kafka.Open(Name, cfg.KafkaBrokers...)
	rt.OnStop("kafka", func(context.Context) error { client.Close(); return nil })
	relay := kafka.NewRelay(kafka.RelayConfig{
		Client: client, DB: db, Journal: j, Topics: map[string]string{payment.Stream(""): payment.Topic}, Log: rt.Log,
	})
	consumer := kafka.NewConsumer(kafka.ConsumerConfig{Config: recording(db, j, rt.Log), Client: client, Group: Name})
	rt.Go("relay", relay.Run)
	rt.Go("consumer", consumer.Run)
	rt.Go("retention", pg.ApplyRetentions(db, rt.Log, inbox.Retention, web.SessionRetention, csvimport.UploadRetention))
	rt.Metrics.MustRegister(relay.Collectors()...)
	rt.Metrics.MustRegister(consumer.Collectors()...)
	rt.Health.Optional("kafka", func(context.Context) error { return errors.Join(relay.Healthy(), consumer.Healthy()) })
}

// startWeb adds the pages. Sockets are closed before the server stops, which does not see them.
func startWeb(cfg *Config, rt *service.Runtime, j *journal.Journal, o pages.Options) error {
	client, err := core.New(cfg.PaymentsCoreURL, cfg.PaymentsCoreToken)
	if err != nil {
		return service.UsageError{Err: err}
	}
	rt.OnStop("payments-core", func(context.Context) error { client.Close(); return nil })
	ordering, err := api.NewClient("ordering-core", "ORDERING_CORE_URL", cfg.OrderingCoreURL, cfg.OrderingCoreToken)
	if err != nil {
		return service.UsageError{Err: err}
	}
	rt.OnStop("ordering-core", func(context.Context) error { ordering.Close(); return nil })
	production := cfg.Environment == service.Production
	sessions := web.NewSessions(o.DB, pages.Cookie, production, rt.Log)
	identity, err := web.NewDemo(cfg.IdentityConfig, cfg.Environment, sessions, pages.People...)
	if err != nil {
		return service.UsageError{Err: err}
	}
	rt.Go("sockets of sessions", func(ctx context.Context) error { return o.Hub.Watch(ctx, sessions) })
	o.Payments, o.Ordering = payments.New(o.DB, j, client, time.Now), ordering
	o.Sessions, o.Identity, o.Production = sessions, identity, production
	o.Log, o.Metrics, o.Away, o.Now = rt.Log, rt.Metrics, rt.Health.Away, time.Now
	site, err := pages.New(o)
	if err != nil {
		return err
	}
	rt.Serve(site.Echo)
	rt.OnStop("sockets", o.Hub.Close)
	return nil
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
		return journal.Rebuild{Journal: journal.New(db, payments.Source, journal.Live()), Projectors: projectors, Copies: []journal.CopyTable{
			{Table: "payments", Column: "id", Prefix: payment.Stream("")},
			{Table: "orders", Column: "id", Prefix: order.Stream("")},
			{Table: "products", Column: "id", Prefix: catalog.ProductStream("")},
			{Table: "customers", Column: "id", Prefix: catalog.CustomerStream("")},
		}}, db.Close, nil
	})
}

// late is how a process without a connection to Kafka knows that it is away: what was written waits.
func late(ctx context.Context, j *journal.Journal) error {
	since, err := j.OutboxSince(ctx)
	if err != nil {
		return err
	}
	if !since.IsZero() && time.Since(since) > lateAfter {
		return fmt.Errorf("events wait to be published, the oldest since %s", since.Format(time.RFC3339))
	}
	return nil
}

// deadLetters is the command dead-letters.
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
		return inbox.NewDeadLetterStore(recording(db, journal.New(db, payments.Source, journal.Live()), log)), db.Close, nil
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
		losses := kafka.NewLosses(kafka.ConsumerConfig{Config: recording(db, journal.New(db, payments.Source, journal.Live()), log), Client: client, Group: Name})
		return losses, func() { client.Close(); db.Close() }, nil
	})
}
