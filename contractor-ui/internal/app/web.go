package app

import (
	"context"
	"errors"
	"time"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/contractor-ui/internal/pages"
	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
	"countersign.example/pkg/web"
)

// startWeb adds the pages, and what brings to the open ones what is pushed.
func startWeb(cfg *Config, rt *service.Runtime, db *pg.DB, j *journal.Journal, hub *live.Hub, assets *web.Assets, renderer *web.Renderer) error {
	production := cfg.Environment == service.Production
	sessions := web.NewSessions(db, pages.Cookie, production, rt.Log)
	identity, err := web.NewDemo(cfg.IdentityConfig, cfg.Environment, sessions, pages.People...)
	if err != nil {
		return service.UsageError{Err: err}
	}
	rt.Metrics.MustRegister(hub.Collectors()...)
	rt.Health.Optional("redis", func(context.Context) error {
		if !hub.Healthy() {
			return errors.New("live updates do not come in")
		}
		return nil
	})
	core, err := ordering.New(cfg.OrderingCoreURL, cfg.OrderingCoreToken)
	if err != nil {
		return service.UsageError{Err: err}
	}
	rt.OnStop("ordering-core", func(context.Context) error { core.Close(); return nil })
	site, err := pages.New(pages.Options{
		Options: web.Options{
			Renderer: renderer, Assets: assets, Sessions: sessions, Identity: identity, Production: production,
			Log: rt.Log, Metrics: rt.Metrics, LiveCursor: hub.Cursor, Away: rt.Health.Away,
		},
		DB: db, Histories: readmodel.NewHistories(db, j), Payments: payments.New(db, j, time.Now), Ordering: core, Hub: hub,
	})
	if err != nil {
		return err
	}

	rt.Go("live reader", hub.Run)
	rt.Go("sockets of sessions", func(ctx context.Context) error { return hub.Watch(ctx, sessions) })
	rt.Serve(site.Echo)
	rt.OnStop("sockets", hub.Close) // before the server, which does not see them
	return nil
}
