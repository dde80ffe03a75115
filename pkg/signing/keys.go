package signing

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Trust is what a file of EVENT_VERIFY_KEYS_FILE holds: whose signatures count.
type Trust struct {
	Keys []Key `json:"keys"`
	// UnsignedUntil is the cut-off: by topic and partition, the offset of the first message that must be signed.
	// What lies before was there when signing began. A topic or partition that is not listed has 0.
	UnsignedUntil map[string]map[int]int64 `json:"unsigned_until,omitempty"`
}

// Key is a public key of a source. Its id follows from the key.
type Key struct {
	Source     string    `json:"source"`
	ID         string    `json:"key_id"`
	Public     []byte    `json:"public_key"` // base64 of 32 bytes
	ValidFrom  time.Time `json:"valid_from"`
	ValidUntil time.Time `json:"valid_until"`
}

// KeyID is how a public key is named in signatures.
func KeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

// Valid reports whether the key counts for what was published at a time.
func (k Key) Valid(at time.Time) bool { return !at.Before(k.ValidFrom) && at.Before(k.ValidUntil) }

// ring is a Trust that is read and checked.
type ring struct {
	keys          map[string]Key
	unsignedUntil map[string]map[int]int64
}

// Keys are the public keys that a service trusts: those that a file holds now, or given ones.
type Keys struct {
	file  *file[ring] // nil for given ones
	given ring
	made  made // with keys that these trust
}

// OpenKeys reads the file of EVENT_VERIFY_KEYS_FILE.
func OpenKeys(path string, log *slog.Logger) (*Keys, error) {
	f, err := openFile(path, log, parseKeys)
	if err != nil {
		return nil, fmt.Errorf("read the keys by which events are verified: %w", err)
	}
	return &Keys{file: f}, nil
}

// NewKeys trusts what is given.
func NewKeys(t Trust) (*Keys, error) {
	r, err := t.check()
	return &Keys{given: r}, err
}

// Healthy returns why the file cannot be used now, if so.
func (k *Keys) Healthy() error {
	if k.file == nil {
		return nil
	}
	return k.file.healthy()
}

func (k *Keys) now() ring {
	if k.file == nil {
		return k.given
	}
	return k.file.get()
}

// Trust is whose signatures count now.
func (k *Keys) Trust() Trust {
	r := k.now()
	return Trust{slices.Collect(maps.Values(r.keys)), r.unsignedUntil}
}

// Key returns the key with an id, if it is known here.
func (k *Keys) Key(id string) (key Key, known bool) {
	key, known = k.now().keys[id]
	return key, known
}

// Until is until when the last key of each source counts.
func (k *Keys) Until() map[string]time.Time {
	until := map[string]time.Time{}
	for _, key := range k.now().keys {
		if key.ValidUntil.After(until[key.Source]) {
			until[key.Source] = key.ValidUntil
		}
	}
	return until
}

// Signs returns an error if the source has no key with which it could sign at a time. It is for processes
// that do not know which of them it uses.
func (k *Keys) Signs(source string, at time.Time) error {
	if until := k.Until()[source]; !at.Before(until) {
		return fmt.Errorf("every key of %s has ended, the last at %s: give that service another one", source, until.Format(time.RFC3339))
	}
	return nil
}

// parseKeys is parseTrust for those who verify: with no key they would refuse everything, for good.
func parseKeys(content []byte) (ring, error) {
	r, err := parseTrust(content)
	if err == nil && len(r.keys) == 0 {
		err = errors.New("it holds no key")
	}
	return r, err
}

func parseTrust(content []byte) (ring, error) {
	t, err := ParseTrust(content)
	if err != nil {
		return ring{}, err
	}
	return t.check()
}

// ParseTrust is strict: a member that nothing reads may be a limit that somebody has misspelt.
func ParseTrust(content []byte) (t Trust, err error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return Trust{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Trust{}, errors.New("there is more after its end")
	}
	return t, nil
}

func (t Trust) check() (ring, error) {
	r := ring{map[string]Key{}, t.UnsignedUntil}
	for _, k := range t.Keys {
		_, twice := r.keys[k.ID]
		switch {
		case !strings.HasPrefix(k.Source, "/"):
			return ring{}, fmt.Errorf("key %q: source is %q: use the service's, such as /manager-ui", k.ID, k.Source)
		case len(k.Public) != ed25519.PublicKeySize:
			return ring{}, fmt.Errorf("key %q of %s: public_key has %d bytes, not %d", k.ID, k.Source, len(k.Public), ed25519.PublicKeySize)
		case k.ID != KeyID(k.Public):
			return ring{}, fmt.Errorf("key %q of %s: the id of this public key is %q", k.ID, k.Source, KeyID(k.Public))
		case !k.ValidFrom.Before(k.ValidUntil):
			return ring{}, fmt.Errorf("key %q of %s: valid_from is not before valid_until", k.ID, k.Source)
		case twice:
			return ring{}, fmt.Errorf("key %q is there twice", k.ID)
		}
		r.keys[k.ID] = k
	}
	return r, nil
}
