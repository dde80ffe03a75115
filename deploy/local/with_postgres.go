package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"countersign.example/pkg/embedded"
)

const testDatabaseVariable = "TEST_DATABASE_URL"

// withPostgres runs a command with TEST_DATABASE_URL naming a server that goes away with it, or just runs it
// when the variable names one already. With durable first in command the server keeps what it commits, as a
// real one does: what is measured on another one says nothing.
func withPostgres(ctx context.Context, command []string) (err error) {
	// Fast and forgetful, and wide enough for test packages that run side by side.
	settings := map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
	if command[0] == "--durable" {
		command, settings = command[1:], map[string]string{"max_connections": "300"}
	}
	if os.Getenv(testDatabaseVariable) != "" {
		return runCommand(ctx, command, nil)
	}
	// Not under .local: the data are worth nothing, and the server's user must reach them.
	dir, err := os.MkdirTemp("", "countersign-test-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the server's user passes through it
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	cfg := embedded.PostgresConfig{
		Dir: filepath.Join(dir, "postgres"), CacheDir: embedded.DefaultCacheDir(), Port: port, Password: "test",
		Settings: settings,
	}
	server, err := embedded.Postgres(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	return runCommand(ctx, command, []string{testDatabaseVariable + "=" + cfg.URL()})
}

// runCommand runs it in the foreground; a signal to the launcher is passed on and waited for.
func runCommand(ctx context.Context, command, environment []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd.Run()
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}
