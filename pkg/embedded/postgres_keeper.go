package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

const (
	keeperVariable = "COUNTERSIGN_POSTGRES_KEEPER"
	keeperReady    = "ready"
)

// PostgresKeeper does nothing in an ordinary process. In the copy of the program that Postgres
// starts, it runs the server until its standard input closes, and ends the process.
func PostgresKeeper() {
	encoded := os.Getenv(keeperVariable)
	if encoded == "" {
		return
	}
	// A terminal's Ctrl-C is for whoever started us: it decides when the database stops.
	signal.Ignore(os.Interrupt)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := keep(ctx, encoded); err != nil {
		fmt.Println("failed: " + strings.ReplaceAll(err.Error(), "\n", "\\n"))
		os.Exit(1) //nolint:gocritic // the process is over; nothing deferred matters
	}
	os.Exit(0)
}

func keep(ctx context.Context, encoded string) error {
	var cfg PostgresConfig
	if err := json.Unmarshal([]byte(encoded), &cfg); err != nil {
		return err
	}
	data := filepath.Join(cfg.Dir, "data")
	binaries := filepath.Join(cfg.CacheDir, string(embeddedpostgres.V18))
	if err := StopOrphan(cfg.Dir); err != nil {
		return err
	}
	if err := removeHalfInitialised(data); err != nil {
		return err
	}
	// Local connections only, and only by TCP: a socket file would need a directory of its own.
	settings := map[string]string{"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
	for name, value := range cfg.Settings {
		settings[name] = value
	}
	log, err := os.OpenFile(filepath.Join(cfg.Dir, "postgres.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	server := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(embeddedpostgres.V18).
		Port(uint32(cfg.Port)). //nolint:gosec // a port
		Password(cfg.Password).
		CachePath(cfg.CacheDir).
		BinariesPath(binaries). // unpacked once; without it 60 MB at each start
		RuntimePath(filepath.Join(cfg.Dir, "runtime")).
		DataPath(data).
		Locale("C").Encoding("UTF8").
		StartParameters(settings).
		StartTimeout(time.Minute).
		Logger(log))

	// One process at a time fetches and unpacks; the others then find it done.
	unlock, err := lock(filepath.Join(cfg.CacheDir, "lock"))
	if err != nil {
		return err
	}
	err = server.Start()
	unlock()
	if err != nil {
		return err
	}
	fmt.Println(keeperReady)
	<-ctx.Done()
	return server.Stop()
}

// removeHalfInitialised clears a data directory whose creation was cut short: initdb writes
// PG_VERSION first and global/pg_control late, and the library looks only at PG_VERSION.
func removeHalfInitialised(data string) error {
	if _, err := os.Stat(filepath.Join(data, "global", "pg_control")); err == nil {
		return nil
	}
	return os.RemoveAll(data)
}

func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}
