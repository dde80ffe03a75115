// Package webapp puts a web app together from its declaration: a service with read models of what it
// receives, pages that show them, and live updates of those that are open.
package webapp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"countersign.example/pkg/composition"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/search"
	"countersign.example/pkg/service"
	"countersign.example/pkg/signin"
	"countersign.example/pkg/web"
)

// Config is what every web app reads from its environment. An app embeds it in its own struct.
type Config struct {
	service.Config
	service.KafkaConfig
	service.RedisConfig
	web.IdentityConfig
	web.SessionConfig
	web.LimitConfig
	OIDC signin.Config
}

// Validate reports everything that is wrong with the values.
func (c *Config) Validate() error {
	errs := []error{c.Config.Validate(), c.IdentityConfig.Check(c.Environment), c.SessionConfig.Check(), c.LimitConfig.Check()}
	if c.Identity == web.OIDCIdentity {
		errs = append(errs, c.OIDC.Check(c.Environment, c.PublicURL))
	}
	if client, err := c.connect(); err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, client.Close())
	}
	return errors.Join(errs...)
}

// connect prepares a client of Redis.
func (c *Config) connect() (*redis.Client, error) {
	trusted, err := service.ReadCAs("REDIS_CA_FILE", c.RedisCAFile)
	if err != nil {
		return nil, err
	}
	client, err := live.Connect(c.RedisURL, trusted)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return client, nil
}

func (c *Config) webapp() *Config { return c }

// App declares a web app. C is its configuration, a struct that embeds Config.
type App[C any] struct {
	composition.Service[C]
	Projectors []journal.Projector // they write the read models
	Searched   []string            // tables of search terms; see search.NewIndexer
	Cookie     string              // the session's
	People     []web.Person        // of the demo
	Roles      []rights.Role       // of which people must have one who sign in
	// NewRenderer parses the templates, NewLive renders with them what open pages are sent, and NewPages
	// returns the pages.
	NewRenderer func(*web.Assets) (*web.Renderer, error)
	NewLive     func(*pg.DB, *web.Renderer) live.Renderer
	NewPages    func(cfg *C, b composition.Base, rt *service.Runtime, hub *live.Hub, site web.Options) (*web.Site, error)
	// Jobs adds what the role consumer runs besides; may be nil.
	Jobs func(b composition.Base, rt *service.Runtime)
}

// lateAfter is how long an event may wait for Kafka before pages of a process without a consumer say that
// news is late.
const lateAfter = 15 * time.Second

// Program is the app's command line.
func (a App[C]) Program() service.Program[C] {
	s := a.Service
	s.Live = true
	s.Migrations = append([]pg.Migrations{live.Migrations, web.Migrations}, s.Migrations...)
	s.Retentions = append([]pg.Retention{web.SessionRetention, web.LogoutTokenRetention, web.SecurityLogRetention}, s.Retentions...)
	s.Parts, s.Mend = a.parts, a.mend
	return s.Program()
}

// mend puts right what the triggers keep, and what the app keeps itself.
func (a App[C]) mend(ctx context.Context, db *pg.DB) (wrong int64, err error) {
	if wrong, err = readmodel.MendSums(ctx, db); err != nil || a.Mend == nil {
		return wrong, err
	}
	own, err := a.Mend(ctx, db)
	return wrong + own, err
}

// running is what the pages and the pusher share.
type running struct {
	composition.Base
	*Config
	redis    *redis.Client
	assets   *web.Assets
	renderer *web.Renderer
}

func (a App[C]) parts(cfg *C, b composition.Base) (composition.Parts, error) {
	r := &running{Base: b, Config: any(cfg).(interface{ webapp() *Config }).webapp()}
	return composition.Parts{
		Projectors: a.Projectors,
		Start:      func(rt *service.Runtime) error { return a.start(rt, r) },
		Web: func(rt *service.Runtime, letters *inbox.DeadLetterStore) error {
			r.Letters = letters
			return a.serve(cfg, rt, r)
		},
		Jobs: func(rt *service.Runtime) error {
			if a.Jobs != nil {
				a.Jobs(b, rt)
			}
			return nil
		},
	}, nil
}

// start adds what runs in every role. Every replica is ready to push: one of them does at a time.
func (a App[C]) start(rt *service.Runtime, r *running) (err error) {
	if r.redis, err = r.connect(); err != nil {
		return service.UsageError{Err: err}
	}
	rt.OnStop("redis", func(context.Context) error { return r.redis.Close() })
	if r.assets, err = web.BuiltAssets(); err != nil {
		return err
	}
	if r.renderer, err = a.NewRenderer(r.assets); err != nil {
		return err
	}
	rt.Health.Optional("copies", r.Journal.CaughtUp)
	pusher := live.NewPusher(r.DB, r.redis, a.Name, a.NewLive(r.DB, r.renderer), rt.Log)
	rt.Metrics.MustRegister(pusher.Collectors()...)
	rt.Go("pusher", pusher.Run)
	rt.Go("sums", func(ctx context.Context) error {
		return readmodel.MergeSums(ctx, r.DB, journal.UnpushedChannel, rt.Log)
	})
	rt.Go("search", search.NewIndexer(r.DB, journal.UnpushedChannel, rt.Log, a.Searched...).Run)
	if !rt.Role.Serves(service.Consumer) {
		rt.Health.Optional("kafka", func(ctx context.Context) error { return late(ctx, r.Journal) })
	}
	return nil
}

// late is an error when the oldest event in the outbox has waited longer than lateAfter: that is how a
// process without a consumer knows that Kafka is away.
func late(ctx context.Context, j *journal.Journal) error {
	since, err := j.OutboxSince(ctx)
	if err == nil && !since.IsZero() && time.Since(since) > lateAfter {
		err = fmt.Errorf("events wait to be published, the oldest since %s", since.Format(time.RFC3339))
	}
	return err
}

// identity is how people sign in, and where they may be led to sign out.
func (a App[C]) identity(r *running, sessions *web.Sessions, rt *service.Runtime) (identity web.Identity, formOrigin string, err error) {
	if r.Identity != web.OIDCIdentity {
		identity, err = web.NewDemo(r.IdentityConfig, r.Environment, sessions, a.People...)
		return identity, "", err
	}
	identity, err = signin.New(signin.Options{Config: r.OIDC, Environment: r.Environment, PublicURL: r.PublicURL, Roles: a.Roles,
		Sessions: sessions, Log: rt.Log})
	return identity, r.OIDC.Origin(), err
}

// serve adds the pages, and what brings to the open ones what is pushed.
func (a App[C]) serve(cfg *C, rt *service.Runtime, r *running) error {
	hub := live.NewHub(r.DB, r.redis, a.Name, rt.Log)
	hub.Limit(r.SocketsPerSession, r.Sockets)
	rt.Metrics.MustRegister(hub.Collectors()...)
	rt.Health.Optional("redis", func(context.Context) error {
		if !hub.Healthy() {
			return errors.New("live updates do not come in")
		}
		return nil
	})
	sessions := web.NewSessions(r.DB, a.Cookie, r.Secure(r.Environment), r.SessionConfig, rt.Log)
	identity, formOrigin, err := a.identity(r, sessions, rt)
	if err != nil {
		return service.UsageError{Err: err}
	}
	rt.Go("live updates", hub.Run)
	rt.Go("security log", sessions.KeepSecurityLog)
	rt.Go("sockets of sessions", func(ctx context.Context) error { return hub.Watch(ctx, sessions) })
	site, err := a.NewPages(cfg, r.Base, rt, hub, web.Options{
		Renderer: r.renderer, Assets: r.assets, Sessions: sessions, Identity: identity, FormOrigin: formOrigin, Limits: r.LimitConfig, Waits: r.DB.Waits,
		Production: r.Environment == service.Production, Log: rt.Log, Metrics: rt.Metrics, LiveCursor: hub.Cursor, Away: rt.Health.Away,
	})
	if err != nil {
		return err
	}
	if err := site.Check(); err != nil {
		return err
	}
	rt.Serve(r.Addressed(site, r.Environment))
	rt.OnStop("sockets", hub.Close) // before the server, which does not see them
	return nil
}
