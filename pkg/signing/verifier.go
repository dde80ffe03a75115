package signing

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hdevalence/ed25519consensus"
)

// Message is an event and where a topic holds it.
type Message struct {
	Event
	Topic     string
	Partition int
	Offset    int64
	Published time.Time
}

// Signature is what proves an event's writer, as a journal keeps it.
type Signature struct {
	KeyID      string
	Value      []byte
	Extensions string // the extension attributes that it is over
}

// Restore sets the attributes of an event with which the signature came.
func (s Signature) Restore(e Event) error {
	names, err := splitExtensions(s.Extensions)
	if err != nil {
		return err
	}
	sum, err := Digest(e, names)
	if err != nil {
		return err
	}
	e.Attributes[ExtensionsAttribute] = s.Extensions
	e.Attributes[MaterialAttribute] = material(sum[:], s.KeyID, s.Value)
	return nil
}

// Covers reports whether the signature is over an attribute, or made of it.
func (s Signature) Covers(attribute string) bool {
	return attribute == MaterialAttribute || attribute == ExtensionsAttribute || slices.Contains(core[:], attribute) ||
		slices.Contains(strings.Split(s.Extensions, ","), attribute)
}

// Reasons for which an event is not believed.
const (
	ReasonUnsigned  = "unsigned"
	ReasonKey       = "key"
	ReasonSignature = "signature"
)

// RefusedError says why an event is not believed.
type RefusedError struct{ Reason, Text string }

func (e *RefusedError) Error() string { return e.Text }

// Reason is the reason of an error of Verdict.
func Reason(err error) string {
	if refused, is := errors.AsType[*RefusedError](err); is {
		return refused.Reason
	}
	return ReasonSignature
}

func refuse(reason, format string, args ...any) error {
	return &RefusedError{reason, fmt.Sprintf(format, args...)}
}

// Verdict is what is known of an event's writer. Both are nil for one without a signature that is accepted.
type Verdict struct {
	Signature *Signature
	Err       error // a *RefusedError
}

// claim is a signature that fits its event, if it is the key's.
type claim struct {
	key       Key
	digest    [sha256.Size]byte
	signature Signature
}

// signed is what the signature is over.
func (c claim) signed() []byte { return encodeForSigning(c.digest[:]) }

// holds reports whether the signature is the key's.
func (c claim) holds() bool {
	return ed25519consensus.Verify(c.key.Public, c.signed(), c.signature.Value)
}

// Verify finds out, in one pass over all, whether each message was written by its source. Unsigned ones are
// accepted up to the cut-off, and everywhere if accept says so. A signature that a Signer with these keys has
// made a moment ago is known.
//
// Whether a signature is right does not depend on what is verified beside it (ZIP 215), so that all services
// find the same.
func (k *Keys) Verify(messages []Message, accept bool) []Verdict {
	trust := k.now()
	verdicts, claims, places := make([]Verdict, len(messages)), make([]*claim, 0, len(messages)), make([]int, 0, len(messages))
	for i, m := range messages {
		c, err := trust.read(m, accept)
		if verdicts[i].Err = err; c == nil {
			continue
		}
		verdicts[i].Signature = &c.signature
		if p, ok := proofOf(c.key.ID, c.digest, c.signature.Value); !ok || !k.made.has(p) {
			claims, places = append(claims, c), append(places, i)
		}
	}
	if len(claims) > 1 && holdTogether(claims) {
		return verdicts
	}
	for n, c := range claims {
		if !c.holds() {
			verdicts[places[n]] = Verdict{Err: refuse(ReasonSignature, "its signature was not made with key %s, which it names: it is forged", c.key.ID)}
		}
	}
	return verdicts
}

// read checks everything but the signature itself. It returns neither a claim nor an error for an event that
// may be unsigned.
func (r ring) read(m Message, accept bool) (*claim, error) {
	source := m.Attributes["source"]
	if m.Attributes[MaterialAttribute] == "" {
		if accept || m.Offset >= 0 && m.Offset < r.unsignedUntil[m.Topic][m.Partition] {
			return nil, nil
		}
		return nil, refuse(ReasonUnsigned, "it has no signature: nothing proves that %.80s has written it", source)
	}
	payload, signatures, err := parseMaterial(m.Attributes[MaterialAttribute])
	if err != nil {
		return nil, refuse(ReasonSignature, "its signature cannot be read: %v", err)
	}
	list := m.Attributes[ExtensionsAttribute]
	extensions, err := splitExtensions(list)
	if err == nil {
		err = allSigned(extensions)
	}
	if err != nil {
		return nil, refuse(ReasonSignature, "the list of what is signed (%s) cannot be used: %v", ExtensionsAttribute, err)
	}
	key, signature, err := r.acceptable(signatures, source, m.Published)
	if err != nil {
		return nil, err
	}
	sum, err := Digest(m.Event, extensions)
	if err != nil {
		return nil, refuse(ReasonSignature, "it cannot have been signed: %v", err)
	}
	if !bytes.Equal(sum[:], payload) {
		return nil, refuse(ReasonSignature, "its attributes or data are not those that were signed with key %s of %s: they were changed", key.ID, key.Source)
	}
	value, err := decodeBase64(signature.Sig)
	if err != nil {
		return nil, refuse(ReasonSignature, "its signature cannot be read: it is not base64")
	}
	return &claim{key, sum, Signature{key.ID, value, list}}, nil
}

// acceptable returns the first signature whose key counts for a source at a time, or why there is none.
func (r ring) acceptable(signatures []envelopeSignature, source string, at time.Time) (key Key, s envelopeSignature, err error) {
	for _, s := range signatures {
		known, is := r.keys[s.KeyID]
		switch {
		case !is:
			err = refuse(ReasonKey, "it is signed with key %.80q, which nobody here knows", s.KeyID)
		case known.Source != source:
			err = refuse(ReasonKey, "it is signed with key %s of %s, and says that %.80s has written it", known.ID, known.Source, source)
		case !known.Valid(at):
			err = refuse(ReasonKey, "it is signed with key %s, which is valid from %s until %s, and was published at %s", known.ID,
				known.ValidFrom.Format(time.RFC3339), known.ValidUntil.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
		default:
			return known, s, nil
		}
	}
	return key, s, err
}
