// Command sandbox-gateway is the payment gateway for trials, as a server of its own. How it
// misbehaves on request is written in package sandbox.
package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
)

// config is what the server reads from its environment.
type config struct {
	service.Config
	Token        string        `env:"GATEWAY_TOKEN,required,notEmpty" secret:"true" desc:"bearer token that callers must show"`
	HoldDuration time.Duration `env:"HOLD_DURATION" envDefault:"168h" desc:"how long a hold lasts before it lapses"`
	KeyLife      time.Duration `env:"KEY_LIFE" envDefault:"24h" desc:"how long an idempotency key is known after its answer"`
	SlowDelay    time.Duration `env:"SLOW_DELAY" envDefault:"3s" desc:"how late the slow answers are (amounts that end in 04)"`
}

// Validate reports everything that is wrong with the values.
func (c *config) Validate() error {
	errs := []error{
		c.Config.Validate(), service.Positive("HOLD_DURATION", c.HoldDuration, "168h"),
		service.Positive("KEY_LIFE", c.KeyLife, "24h"), service.Positive("SLOW_DELAY", c.SlowDelay, "3s"),
	}
	if c.Environment == service.Production {
		errs = append(errs, errors.New("ENVIRONMENT is production: the sandbox gateway moves no money"))
	}
	return errors.Join(errs...)
}

func main() { program().Main() }

func program() service.Program[config] {
	return service.Program[config]{
		Name:     "sandbox-gateway",
		Short:    "A payment gateway that moves no money and misbehaves on request",
		Defaults: config{Config: service.Config{HTTPAddr: ":5003", AdminAddr: "127.0.0.1:5103"}},
		Migrate: func(ctx context.Context, cfg *config, _ *slog.Logger) error {
			return pg.MigrateAs(ctx, cfg.MigrateDatabaseURL, cfg.DatabaseURL, sandbox.Migrations)
		},
		Start: start,
	}
}

func start(ctx context.Context, cfg *config, rt *service.Runtime) error {
	db, err := pg.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	rt.OnStop("database", db.Shutdown)
	migrated := func(ctx context.Context) error { return db.Migrated(ctx, sandbox.Migrations) }
	rt.First("database", migrated)
	rt.Health.Critical("database", migrated)
	server := sandbox.New(db, rt.Log, sandbox.Options{
		Token: cfg.Token, HoldDuration: cfg.HoldDuration, SlowDelay: cfg.SlowDelay, KeyLife: cfg.KeyLife,
	})
	rt.Serve(server)
	// Stops first: a connection that gets no answer would hold up the HTTP server.
	rt.OnStop("hanging connections", func(context.Context) error { server.Stop(); return nil })
	return nil
}
