package operations

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"countersign.example/pkg/pg"
)

func TestAnOutageIsTwoLines(t *testing.T) {
	// given River's log
	var said bytes.Buffer
	away := &outage{log: slog.New(slog.NewTextHandler(&said, nil))}
	river := riverLog(away).With("client", "1")
	lines := func() (lines []string) {
		defer said.Reset()
		return strings.Split(strings.TrimSpace(said.String()), "\n")
	}

	// when the database stops, and each of its services says so, again and again
	for range 3 {
		river.Error("Producer: Error fetching jobs", "err", "FATAL: terminating connection due to administrator command (SQLSTATE 57P01)")
		river.Error("Elector: Error attempting reelection", "err", &pgconn.PgError{Code: "57P03"})
		river.Error("Notifier: Error running listener", slog.String("err", "failed to connect to `host=127.0.0.1`: connection refused"))
		river.Error("Completer error", "err", "context deadline exceeded")
		river.Error("Producer: Error fetching jobs", "err", fmt.Errorf("begin: %w: 3 events are missing", pg.ErrReplaced).Error())
	}
	// then that is one warning
	if got := lines(); len(got) != 1 || !strings.Contains(got[0], "level=WARN") || !strings.Contains(got[0], "the database is away") {
		t.Errorf("said %q", got)
	}

	// when it answers again, then that is one more
	away.over()
	away.over()
	if got := lines(); len(got) != 1 || !strings.Contains(got[0], "the database is back") {
		t.Errorf("said %q", got)
	}

	// and whatever else goes wrong is an error as ever
	river.Info("JobScheduler: Run loop started")
	river.Error("Error completing job", "err", errors.New("no such table (SQLSTATE 42P01)"))
	river.Error("Completer error", "err", "context deadline exceeded")
	if got := lines(); len(got) != 2 || !strings.Contains(got[0], "level=ERROR") {
		t.Errorf("said %q", got)
	}
}
