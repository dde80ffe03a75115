// Package composition puts a service together from its declaration: which tables and topics it has, what must
// be right before it begins, in which order its parts start and stop, how its health is checked, and which
// commands an operator has for it.
//
// Invariants:
//   - Nothing begins before the database is migrated. A service with primary data also waits until its journal
//     holds every event that it has published; commands that change its database check that too.
//   - Messages are recorded in one way: by the consumer, by a replay of dead letters and by an adoption.
//   - Parts start in this order, and stop in the reverse one: the database, what runs in every role, relay,
//     consumer and jobs, the HTTP server.
package composition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
	"countersign.example/pkg/signing"
	"countersign.example/pkg/telemetry"
	"countersign.example/pkg/vitals"
)

// Service declares a service. C is its configuration, a struct that embeds service.Config and
// service.KafkaConfig.
type Service[C any] struct {
	Name     string // also its consumer group's and its live stream's; "/" and Name is the source of its events
	Short    string
	Defaults C
	// Migrations are its own tables, in order. Those of journal and inbox come first.
	Migrations []pg.Migrations
	// Receives are the topics that it consumes, and that migrate creates; Publishes are those it writes to.
	Receives, Publishes []event.Topic
	// Primary is for a service whose journal is primary data, which no topic can bring back; see inbox.Config.
	// If an event that it has published is missing from the journal, the database is not the one that it had,
	// and the service does not begin.
	Primary bool
	Live    bool // see journal.Live
	// Copies are the tables that the command rebuild makes again; without any there is no such command.
	Copies []journal.CopyTable
	// Mend is that of journal.Rebuild, which the command ends with.
	Mend       func(ctx context.Context, db *pg.DB) (wrong int64, err error)
	Retentions []pg.Retention // besides that of the inbox
	Parts      func(cfg *C, b Base) (Parts, error)
	Commands   []func(service.Loader[C]) *cobra.Command // besides those that follow from the rest
}

// Base is what every part of a service works with.
type Base struct {
	DB      *pg.DB
	Journal *journal.Journal
	Kafka   *kafka.Client
	Keys    *signing.Keys // by which events are verified
	Log     *slog.Logger
	Letters *inbox.DeadLetterStore // for the pages of a web app
	Vitals  *vitals.Reader         // how the service is; parts may set its Jobs
	// HoldsOwn returns nil once the journal has what this service has written to the topics.
	HoldsOwn func(ctx context.Context) error

	verifier kafka.Verifier
}

// Parts are what a service adds. They are made for commands, too, and open nothing. All are optional, but for
// Web.
type Parts struct {
	// Before and Projectors are those of inbox.Config, and Restore that of inbox.Config and kafka.Adoption.
	Before     func(ctx context.Context, tx *pg.Tx, received []journal.Received) error
	Projectors []journal.Projector
	// Restore is for tables that follow from the journal alone, stream by stream, as ordering-core's do: also
	// whenever an adopted event is recorded later.
	Restore Restore
	// RestoreAll takes the place of Restore at the end of an adoption, and is for nothing else: payments-core
	// reads the gateway's whole record, which is too much for one stream.
	RestoreAll Restore
	// Reserve is that of kafka.Adoption.
	Reserve func(ctx context.Context, tx *pg.Tx, waiting []event.Event, report func(string)) error

	// These add what runs: Start in every role, Jobs in the role consumer, Web, which calls rt.Serve, in the
	// role web.
	Start, Jobs func(rt *service.Runtime) error
	Web         func(rt *service.Runtime, letters *inbox.DeadLetterStore) error
}

// Restore brings a service's other tables up to date with streams of its journal.
type Restore = func(ctx context.Context, tx *pg.Tx, streams []string, report func(string)) error

// Program is the service's command line.
func (s Service[C]) Program() service.Program[C] {
	return service.Program[C]{
		Name: s.Name, Short: s.Short, Defaults: s.Defaults, Migrate: s.migrate, Start: s.start, Check: s.check, Commands: s.commands(),
	}
}

// Open opens what parts work with. The caller closes it.
func (s Service[C]) Open(ctx context.Context, cfg *C, log *slog.Logger) (Base, error) {
	settings := kafkaConfig(cfg)
	keys, err := openKeys(cfg, log)
	if err != nil {
		return Base{}, err
	}
	db, err := pg.Open(ctx, databaseURL(cfg))
	if err != nil {
		return Base{}, err
	}
	var options []journal.Option
	if s.Live {
		options = append(options, journal.Live())
	}
	b := Base{DB: db, Journal: journal.New(db, s.source(), options...), Kafka: s.kafka(cfg), Keys: keys, Log: log,
		verifier: kafka.Verifier{Keys: keys, AcceptUnsigned: settings.VerifyEvents == service.VerificationAccepted}}
	b.Vitals = &vitals.Reader{Service: s.Name, DB: db, Journal: b.Journal, Publishes: kafka.Names(s.Publishes)}
	b.HoldsOwn = func(ctx context.Context) error { return kafka.HoldsOwn(ctx, s.consumer(b, Parts{})) }
	return b, nil
}

// Close closes what Open has opened.
func (b Base) Close() {
	b.Kafka.Close()
	b.DB.Close()
}

func databaseURL[C any](cfg *C) string { return any(cfg).(service.Configuration).Base().DatabaseURL }

func kafkaConfig[C any](cfg *C) *service.KafkaConfig {
	return any(cfg).(interface{ Kafka() *service.KafkaConfig }).Kafka()
}

func (s Service[C]) kafka(cfg *C) *kafka.Client {
	return kafka.Open(s.Name, kafkaConfig(cfg).Settings)
}

// source is what its events carry.
func (s Service[C]) source() string { return "/" + s.Name }

func (s Service[C]) migrations() []pg.Migrations {
	return append([]pg.Migrations{journal.Migrations, inbox.Migrations, vitals.Migrations}, s.Migrations...)
}

// migrate brings the database and the topics up to date.
func (s Service[C]) migrate(ctx context.Context, cfg *C, _ *slog.Logger) error {
	if err := pg.MigrateAs(ctx, any(cfg).(service.Configuration).Base().MigrateDatabaseURL, databaseURL(cfg), s.migrations()...); err != nil {
		return err
	}
	client := s.kafka(cfg)
	defer client.Close()
	topics := []kafka.TopicConfig{kafka.DeadLettersConfig()}
	for _, t := range s.Receives {
		topics = append(topics, kafka.TopicConfig{Name: t.Name, Partitions: t.Partitions})
	}
	return client.CreateTopics(ctx, topics...)
}

// check reads the files of keys.
func (s Service[C]) check(cfg *C, role service.Role) error {
	log := slog.New(slog.DiscardHandler)
	keys, err := openKeys(cfg, log)
	if err != nil || !role.Serves(service.Consumer) {
		return err
	}
	signer, err := s.signer(cfg, Base{Keys: keys, Log: log})
	if err != nil {
		return err
	}
	if err := signer.Healthy(); err != nil {
		return fmt.Errorf("EVENT_SIGNING_KEY_FILE: %w", err)
	}
	return nil
}

func openKeys[C any](cfg *C, log *slog.Logger) (*signing.Keys, error) {
	keys, err := signing.OpenKeys(kafkaConfig(cfg).EventVerifyKeysFile, log)
	if err != nil {
		return nil, service.UsageError{Err: fmt.Errorf("EVENT_VERIFY_KEYS_FILE: %w", err)}
	}
	return keys, nil
}

// consumer is how received messages are recorded.
func (s Service[C]) consumer(b Base, p Parts) kafka.ConsumerConfig {
	return kafka.ConsumerConfig{Client: b.Kafka, Group: s.Name, Config: inbox.Config{
		DB: b.DB, Journal: b.Journal, Format: kafka.CloudEvents, Verifier: b.verifier, Log: b.Log, Topics: s.Receives, Primary: s.Primary,
		Before: p.Before, Projectors: p.Projectors, Restore: p.Restore,
	}}
}

// start adds the parts of the role. They run after it returns.
func (s Service[C]) start(ctx context.Context, cfg *C, rt *service.Runtime) error {
	b, err := s.Open(ctx, cfg, rt.Log)
	if err != nil {
		return err
	}
	rt.OnStop("database", b.DB.Shutdown)
	migrated := func(ctx context.Context) error { return b.DB.Migrated(ctx, s.migrations()...) }
	rt.First("database", migrated)
	rt.Health.Critical("database", migrated)
	rt.First("role", s.restricted(cfg, b))
	rt.OnStop("kafka", func(context.Context) error { b.Kafka.Close(); return nil })
	parts, err := s.Parts(cfg, b)
	if err != nil {
		return err
	}
	rt.Health.Optional("keys", func(context.Context) error { return b.Keys.Healthy() })
	s.ends(cfg, rt, b)
	if b.verifier.AcceptUnsigned {
		rt.Log.Warn("VERIFY_EVENTS is accepted: an event without a signature may be anybody's; set it to required when every service signs")
	}
	consumer := s.consumer(b, parts)
	if s.Primary {
		if err := compare(ctx, cfg, rt, consumer); err != nil {
			return err
		}
	}
	if parts.Start != nil {
		if err := parts.Start(rt); err != nil {
			return err
		}
	}
	letters := inbox.NewDeadLetterStore(consumer.Config)
	says := &vitals.Recorder{DB: b.DB, Role: string(rt.Role), Log: rt.Log, Problems: rt.Health.Problems}
	b.Vitals.Letters, b.Vitals.Self = letters, says.Self
	if rt.Role.Serves(service.Consumer) {
		signer, err := s.signer(cfg, b)
		if err != nil {
			return err
		}
		s.startConsumer(rt, consumer, signer, says)
		rt.Go("dead-letter tasks", letters.Work)
		if parts.Jobs != nil {
			if err := parts.Jobs(rt); err != nil {
				return err
			}
		}
	}
	rt.Go("vitals", says.Run)
	if rt.Role.Serves(service.Web) {
		return parts.Web(rt, letters)
	}
	rt.Serve(nil)
	return nil
}

// retired is how long after its last key has ended a source counts as one that is no more: what it has signed
// must be verified for ever, so that its keys stay in the file.
const retired = 14 * 24 * time.Hour

// ends are the keys and the certificate for Kafka, which end by time.
func (s Service[C]) ends(cfg *C, rt *service.Runtime, b Base) {
	if settings := kafkaConfig(cfg).Settings; settings.KafkaCertFile != "" {
		rt.Certificate("kafka", "KAFKA_CERT_FILE", "Kafka lets this service in no more", settings.CertificateUntil)
	}
	rt.Metrics.MustRegister(telemetry.Gauges{
		Descriptions: []*prometheus.Desc{telemetry.Description("verifying_key_valid_until_seconds",
			"When the last key of a source ends to be valid, as Unix time: its events are refused from then on.", "source")},
		Read: func(_ context.Context, emit func(int, float64, ...string)) {
			for source, until := range b.Keys.Until() {
				emit(0, float64(until.Unix()), source)
			}
		},
	})
	rt.Ends(func() (keys []service.Ending) {
		for source, until := range b.Keys.Until() {
			if time.Since(until) > retired {
				continue
			}
			keys = append(keys, service.Ending{What: "the last key of " + source, Until: until, Then: "its events wait in its outbox, until it has another key"})
		}
		return keys
	})
	if rt.Role.Serves(service.Consumer) {
		return // the signer knows better
	}
	rt.Health.Optional("signing", func(context.Context) error { return b.Keys.Signs(s.source(), time.Now()) })
}

// restricted has a service begin under a role that may only add to its journal. In development it says what
// is amiss, and goes on.
func (s Service[C]) restricted(cfg *C, b Base) service.Check {
	production := any(cfg).(service.Configuration).Base().Environment == service.Production && !kafkaConfig(cfg).AllowOwnerRole
	return func(ctx context.Context) error {
		err := b.DB.Restricted(ctx, s.migrations()...)
		if !errors.Is(err, pg.ErrMayChange) {
			return err
		}
		err = fmt.Errorf("%w; let the role of MIGRATE_DATABASE_URL own the database and its tables, and give DATABASE_URL one of its own", err)
		if production {
			return fmt.Errorf("%w, or set ALLOW_OWNER_ROLE=true", err)
		}
		b.Log.WarnContext(ctx, "the journal proves less than it could", "error", err)
		return nil
	}
}

// compare has the journal checked before anything else works with it, in every role, and again whenever the
// database is replaced.
func compare[C any](ctx context.Context, cfg *C, rt *service.Runtime, consumer kafka.ConsumerConfig) error {
	db, err := pg.Open(ctx, databaseURL(cfg))
	if err != nil {
		return err
	}
	rt.OnStop("comparing", db.Shutdown)
	check := kafka.NewJournalCheck(consumer, db)
	rt.First("journal", check.Check)
	consumer.DB.Vet(check.Check)
	return nil
}

// signer signs what the relay publishes. No other part holds the private key.
func (s Service[C]) signer(cfg *C, b Base) (*signing.Signer, error) {
	path := kafkaConfig(cfg).EventSigningKeyFile
	if path == "" {
		return nil, service.UsageError{Err: errors.New("EVENT_SIGNING_KEY_FILE is not set: nobody would believe an event of this service's")}
	}
	signer, err := signing.OpenSigner(path, s.source(), b.Keys, b.Log)
	if err != nil {
		return nil, service.UsageError{Err: fmt.Errorf("EVENT_SIGNING_KEY_FILE: %w", err)}
	}
	return signer, nil
}

// startConsumer adds what publishes and receives, and what deletes what is old.
func (s Service[C]) startConsumer(rt *service.Runtime, cfg kafka.ConsumerConfig, signer *signing.Signer, says *vitals.Recorder) {
	relay := kafka.NewRelay(kafka.RelayConfig{
		Client: cfg.Client, DB: cfg.DB, Journal: cfg.Journal, Topics: s.Publishes, Signer: signer, Log: rt.Log,
	})
	consumer := kafka.NewConsumer(cfg)
	says.Published, says.Standing = relay.Published, consumer.Standing
	rt.Metrics.MustRegister(append(relay.Collectors(), consumer.Collectors()...)...)
	rt.Go("relay", relay.Run)
	rt.Go("consumer", consumer.Run)
	rt.Go("retention", pg.ApplyRetentions(cfg.DB, rt.Log, append([]pg.Retention{inbox.Retention}, s.Retentions...)...))
	rt.Health.Optional("signing", func(context.Context) error { return signer.Healthy() })
	rt.Metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "signing_key_valid_until_seconds", Help: "When the key that signs events ends to be valid, as Unix time: nothing is published from a minute before that on.",
	}, func() float64 { return float64(signer.ValidUntil().Unix()) }))
	rt.Health.Optional("kafka", func(context.Context) error { return errors.Join(relay.Healthy(), consumer.Healthy()) })
}
