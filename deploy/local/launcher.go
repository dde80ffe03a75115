package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"countersign.example/pkg/embedded"
)

// launcher works in one checkout.
type launcher struct {
	root    string
	out     *output
	folder  string   // of its data, below .local; "" is .local itself
	command []string // what runs once everything is ready, and ends it; none: it runs until it is stopped
}

// findLauncher looks for go.work from the working directory upwards.
func findLauncher() (*launcher, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return &launcher{root: dir, out: newOutput(os.Stdout)}, nil
		}
		if dir == filepath.Dir(dir) {
			return nil, usageError{"run this inside a checkout of Countersign (no go.work here or above)"}
		}
	}
}

func (l *launcher) path(parts ...string) string {
	return filepath.Join(append([]string{l.root}, parts...)...)
}

// data returns the path of .local/, or of something in it.
func (l *launcher) data(parts ...string) string {
	return l.path(append([]string{".local", l.folder}, parts...)...)
}

// postgresDir returns a folder under .local/, unless we are root in a place that PostgreSQL's unprivileged
// user cannot enter (/root, for example): then it is under /var/lib, named after the checkout.
func (l *launcher) postgresDir() string {
	if dir := l.data("postgres"); embedded.Reachable(dir) {
		return dir
	}
	sum := sha256.Sum256([]byte(l.root))
	return filepath.Join("/var/lib/countersign", hex.EncodeToString(sum[:6]), l.folder, "postgres")
}

var errRunning = errors.New("Countersign is running from this checkout already: stop it first (Ctrl-C where it runs)") //nolint:staticcheck // a name

// own makes this process the only launcher on .local/ until it ends, however it ends.
func (l *launcher) own() (release func(), err error) {
	if err := os.MkdirAll(l.data(), 0o755); err != nil { //nolint:gosec // PostgreSQL's user passes through it
		return nil, err
	}
	file, err := os.OpenFile(l.data("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errRunning
		}
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}

// reset removes all data, and the launcher's secrets with them; those of production-like, too.
func (l *launcher) reset() error {
	if _, err := os.Stat(l.data(productionLikeFolder)); err == nil && l.folder == "" {
		if err := (&launcher{root: l.root, out: l.out, folder: productionLikeFolder}).reset(); err != nil {
			return err
		}
	}
	release, err := l.own()
	if err != nil {
		return err
	}
	defer release()
	if err := embedded.StopOrphan(l.postgresDir()); err != nil {
		return err
	}
	if err := os.RemoveAll(l.postgresDir()); err != nil {
		return err
	}
	entries, err := os.ReadDir(l.data())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		// The lock goes last, with its directory: until then it keeps others out.
		if err := os.RemoveAll(l.data(entry.Name())); err != nil {
			return err
		}
	}
	l.out.print("%s is empty", filepath.Join(".local", l.folder))
	return nil
}

// secret returns a random text that is made once and kept under .local/secrets, readable by its owner only.
func (l *launcher) secret(name string) (string, error) {
	path := l.data("secrets", name)
	if content, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(content)), nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	text := rand.Text()
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the secret %s: %w", name, err)
	}
	return text, nil
}
