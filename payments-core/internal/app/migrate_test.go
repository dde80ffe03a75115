package app_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/internal/app"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/service"
	"countersign.example/pkg/service/servicetest"
)

func TestSeveralMigrateAnEmptyDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, sandbox.Options{})
	cfg := h.cfg
	cfg.DatabaseURL = pgtest.NewURL(t)
	const n = 3
	failures := make(chan error, n)
	for range n {
		go func() { failures <- app.Program().Migrate(t.Context(), &cfg, servicetest.Log()) }()
	}
	for range n {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
}

func TestACoreWaitsForItsDatabaseToBeMigrated(t *testing.T) {
	t.Parallel()
	// given a database that lacks the newest of our migrations and of River's
	h := newHarness(t, sandbox.Options{})
	for _, statement := range []string{"delete from river_migration where version = (select max(version) from river_migration)",
		"update goose_app set is_applied = false"} {
		if _, err := h.db.Pool().Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	h.stop = servicetest.Run(app.Program(), h.cfg, service.All)
	status := func(path string) int { return servicetest.Status("http://" + h.cfg.HTTPAddr + path) }
	h.eventually("alive", func() bool { return status("/livez") == http.StatusOK })
	id, events := accepted(10_00, payment.Automatic)
	h.publish(events...)
	if got := status("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d", got)
	}
	if got := status("/payments/" + id); got != http.StatusServiceUnavailable {
		t.Errorf("a request is answered with %d", got)
	}
	var recorded int
	if err := h.db.Pool().QueryRow(t.Context(), "select count(*) from journal").Scan(&recorded); err != nil || recorded != 0 {
		t.Errorf("%d events are recorded, %v", recorded, err)
	}

	// when it is, then it begins by itself
	if _, err := h.db.Pool().Exec(t.Context(), "update goose_app set is_applied = true"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.db.Pool().Exec(t.Context(), `insert into river_migration (line, version) select 'main', max(version) + 1 from river_migration where line = 'main'`); err != nil {
		t.Fatal(err)
	}
	h.story(id, captured)
}

func TestACoreDoesNotBeginInProductionUnderARoleThatMayChangeItsJournal(t *testing.T) {
	h := newHarness(t, sandbox.Options{})
	owner := h.cfg.DatabaseURL
	h.cfg.Environment, h.cfg.DatabaseURL = service.Production, pgtest.Serving(t, owner)
	begins := func(because string, cfg app.Config) {
		t.Helper()
		stop := servicetest.Run(app.Program(), cfg, service.All)
		defer stop()
		h.eventually(because, func() bool { return servicetest.Status("http://"+cfg.HTTPAddr+"/readyz") == http.StatusOK })
	}

	// given a core whose role owns its tables
	owning := h.cfg
	owning.DatabaseURL = owner
	stop := servicetest.Run(app.Program(), owning, service.All)
	h.eventually("alive", func() bool { return servicetest.Status("http://"+owning.HTTPAddr+"/livez") == http.StatusOK })
	if got := servicetest.Status("http://" + owning.HTTPAddr + "/payments/" + uuid.NewString()); got != http.StatusServiceUnavailable {
		t.Errorf("it serves: %d", got)
	}
	stop()

	// when it is told so, or has a role of its own, then it begins
	owning.AllowOwnerRole = true
	begins("it is allowed", owning)
	h.cfg.MigrateDatabaseURL = owner
	if err := app.Program().Migrate(t.Context(), &h.cfg, servicetest.Log()); err != nil {
		t.Fatal(err)
	}
	begins("its role may only add", h.cfg)
}
