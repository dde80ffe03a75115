package app_test

import (
	"net/http"
	"testing"

	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/internal/app"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/service"
	"countersign.example/pkg/service/servicetest"
)

func TestSeveralMigrateAnEmptyDatabaseAtOnce(t *testing.T) {
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
