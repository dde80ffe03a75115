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

// house is the checkout that the launcher works in.
type house struct {
	root string
	out  *output
}

// findHouse looks for go.work from the working directory upwards.
func findHouse() (*house, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return &house{root: dir, out: newOutput(os.Stdout)}, nil
		}
		if dir == filepath.Dir(dir) {
			return nil, usageError{"run this inside a checkout of Countersign (no go.work here or above)"}
		}
	}
}

func (h *house) path(parts ...string) string {
	return filepath.Join(append([]string{h.root}, parts...)...)
}

// data is .local/ or something in it.
func (h *house) data(parts ...string) string {
	return h.path(append([]string{".local"}, parts...)...)
}

// postgresDir is under .local/, unless we are root in a place that PostgreSQL's unprivileged user cannot
// enter (/root, say): then it is under /var/lib, named after the checkout.
func (h *house) postgresDir() string {
	if dir := h.data("postgres"); embedded.Reachable(dir) {
		return dir
	}
	sum := sha256.Sum256([]byte(h.root))
	return filepath.Join("/var/lib/countersign", hex.EncodeToString(sum[:6]), "postgres")
}

var errRunning = errors.New("Countersign is running from this checkout already: stop it first (Ctrl-C where it runs)") //nolint:staticcheck // a name

// own makes this process the only launcher on .local/ until it ends, however it ends.
func (h *house) own() (release func(), err error) {
	if err := os.MkdirAll(h.data(), 0o755); err != nil { //nolint:gosec // PostgreSQL's user passes through it
		return nil, err
	}
	file, err := os.OpenFile(h.data("lock"), os.O_CREATE|os.O_RDWR, 0o600)
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

// reset removes all data, and the launcher's secrets with them.
func (h *house) reset() error {
	release, err := h.own()
	if err != nil {
		return err
	}
	defer release()
	if err := embedded.StopOrphan(h.postgresDir()); err != nil {
		return err
	}
	if err := os.RemoveAll(h.postgresDir()); err != nil {
		return err
	}
	entries, err := os.ReadDir(h.data())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		// The lock goes last, with its directory: until then it keeps others out.
		if err := os.RemoveAll(h.data(entry.Name())); err != nil {
			return err
		}
	}
	h.out.say(".local/ is empty")
	return nil
}

// secret is a random word that is made once and kept under .local/secrets, readable by its owner only.
func (h *house) secret(name string) (string, error) {
	path := h.data("secrets", name)
	if content, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(content)), nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	word := rand.Text()
	if err := os.WriteFile(path, []byte(word+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the secret %s: %w", name, err)
	}
	return word, nil
}
