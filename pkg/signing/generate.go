package signing

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// KeyFile and TrustFile are where Generate puts a source's private key, and all public ones.
func KeyFile(dir, source string) string {
	return filepath.Join(dir, strings.TrimPrefix(source, "/")+".pem")
}

func TrustFile(dir string) string { return filepath.Join(dir, "verify.json") }

// Generate makes a new key for a source: it adds the public one to the folder's TrustFile, and then puts the
// private one into its KeyFile in place of a former one, whose public key stays. A service that runs goes
// over to it.
func Generate(dir, source string, from, until time.Time) (Key, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, err
	}
	k := Key{source, KeyID(public), public, from.UTC(), until.UTC()}
	err = ChangeTrust(dir, func(t *Trust) { t.Keys = append(t.Keys, k) })
	if err != nil {
		return Key{}, err
	}
	return k, WriteKey(KeyFile(dir, source), private)
}

// WriteKey puts a private key into a file, whole or not at all.
func WriteKey(path string, private ed25519.PrivateKey) error {
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return replace(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), 0o600)
}

// ChangeTrust changes the folder's TrustFile, which it makes if there is none.
func ChangeTrust(dir string, change func(t *Trust)) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var t Trust
	content, err := os.ReadFile(TrustFile(dir))
	if err == nil {
		err = json.Unmarshal(content, &t)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w", TrustFile(dir), err)
	}
	change(&t)
	if content, err = json.MarshalIndent(t, "", "  "); err != nil {
		return err
	}
	if _, err := parseTrust(content); err != nil {
		return err
	}
	return replace(TrustFile(dir), append(content, '\n'), 0o644)
}

// replace writes a file whole or not at all: whoever reads it meanwhile has the former one.
func replace(path string, content []byte, mode os.FileMode) error {
	next := path + ".new"
	if err := os.WriteFile(next, content, mode); err != nil {
		return err
	}
	return os.Rename(next, path)
}
