package embedded_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign.example/pkg/embedded"
	"countersign.example/pkg/embedded/devca"
	"countersign.example/pkg/pg"
)

func TestPostgresIsVerified(t *testing.T) {
	dir, err := os.MkdirTemp("", "countersign-tls-") // which the server's user can enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	authority := func(name string) *devca.Authority {
		ca, err := devca.Open(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		return ca
	}
	ca, other := authority("ca"), authority("other")
	pair, err := ca.Issue(devca.Leaf{Name: "postgres", Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := embedded.PostgresConfig{
		Dir: filepath.Join(dir, "postgres"), CacheDir: embedded.DefaultCacheDir(), Port: freePort(t), Password: "secret",
		CertFile: pair.CertFile, KeyFile: pair.KeyFile,
	}
	server, err := embedded.Postgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	admin, err := pg.Open(t.Context(), cfg.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Pool().Exec(t.Context(), "create role service login password 'kept'"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, host, query, refused string }{
		{"the right server", "127.0.0.1", "sslmode=verify-full&sslrootcert=" + url.QueryEscape(ca.CertFile()), ""},
		{"a server of another authority", "127.0.0.1", "sslmode=verify-full&sslrootcert=" + url.QueryEscape(other.CertFile()), "unknown authority"},
		{"a server of another name", "localhost", "sslmode=verify-full&sslrootcert=" + url.QueryEscape(ca.CertFile()), "to match localhost"},
		{"plaintext", "127.0.0.1", "sslmode=disable", "no encryption"},
	} {
		db, err := pg.Open(t.Context(), fmt.Sprintf("postgres://service:kept@%s:%d/postgres?%s", tc.host, cfg.Port, tc.query))
		if err != nil {
			t.Fatal(err)
		}
		err = db.Ping(t.Context())
		db.Close()
		if tc.refused == "" && err != nil || tc.refused != "" && (err == nil || !strings.Contains(err.Error(), tc.refused)) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
