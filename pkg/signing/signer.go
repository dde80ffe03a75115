package signing

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// signingKey is a private key whose public half is trusted.
type signingKey struct {
	private ed25519.PrivateKey
	id      string
}

// Signer signs a service's events.
type Signer struct {
	source string
	keys   *Keys
	file   *file[signingKey]
}

// OpenSigner reads the file of EVENT_SIGNING_KEY_FILE: an Ed25519 key as PKCS#8 in PEM. The key must be one
// of the source's in keys, since nobody would believe another. One that has ended is opened, too: it signs
// nothing, and its service does everything else until there is another one.
func OpenSigner(path, source string, keys *Keys, log *slog.Logger) (*Signer, error) {
	s := &Signer{source: source, keys: keys}
	var err error
	if s.file, err = openFile(path, log, s.parse); err != nil {
		return nil, fmt.Errorf("read the key with which events are signed: %w", err)
	}
	return s, nil
}

// publishedWithin is how long a key must count on when it signs. A message has the time at which it is sent,
// and a sending that fails is repeated: whoever receives it asks whether the key was valid then.
const publishedWithin = time.Minute

// Healthy returns why no events can be signed, or the file not be used, if so.
func (s *Signer) Healthy() error {
	_, err := s.key(time.Now())
	return errors.Join(err, s.file.healthy())
}

// ValidUntil is until when the key counts that is used now.
func (s *Signer) ValidUntil() time.Time { return s.keys.now().keys[s.file.get().id].ValidUntil }

func (s *Signer) parse(content []byte) (signingKey, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		return signingKey{}, errors.New("it is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, is := parsed.(ed25519.PrivateKey)
	if err != nil || !is {
		return signingKey{}, errors.New("it is not an Ed25519 key as PKCS#8")
	}
	k := signingKey{private, KeyID(private.Public().(ed25519.PublicKey))}
	if s.file == nil { // it is being opened
		_, err = s.own(k.id)
		return k, err
	}
	return k, s.trusted(k.id, time.Now())
}

// own returns the key as others know it; an error unless they know it as the source's.
func (s *Signer) own(id string) (Key, error) {
	known, is := s.keys.now().keys[id]
	switch {
	case !is:
		return known, fmt.Errorf("key %s is not among those of EVENT_VERIFY_KEYS_FILE: nobody would believe it", id)
	case known.Source != s.source:
		return known, fmt.Errorf("key %s is one of %s, and this is %s", id, known.Source, s.source)
	}
	return known, nil
}

// trusted returns an error unless others believe the key for what is signed at a time.
func (s *Signer) trusted(id string, at time.Time) error {
	known, err := s.own(id)
	switch {
	case err != nil:
		return err
	case !known.Valid(at) || !known.Valid(at.Add(publishedWithin)):
		return fmt.Errorf("key %s is valid from %s until %s: give this service another one", id,
			known.ValidFrom.Format(time.RFC3339), known.ValidUntil.Format(time.RFC3339))
	}
	return nil
}

func (s *Signer) key(at time.Time) (signingKey, error) {
	k := s.file.get()
	return k, s.trusted(k.id, at)
}

// Sign sets the attributes that prove that the source has written an event, which is published now.
func (s *Signer) Sign(e Event) error {
	k, err := s.key(time.Now())
	if err != nil {
		return fmt.Errorf("sign an event: %w", err)
	}
	sum, err := Digest(e, Extensions)
	if err != nil {
		return fmt.Errorf("sign an event: %w", err)
	}
	signature := ed25519.Sign(k.private, encodeForSigning(sum[:]))
	s.keys.made.add(proof{k.id, sum, [ed25519.SignatureSize]byte(signature)})
	e.Attributes[ExtensionsAttribute] = extensionsList
	e.Attributes[MaterialAttribute] = material(sum[:], k.id, signature)
	return nil
}
