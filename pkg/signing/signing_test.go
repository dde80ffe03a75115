package signing_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/signing"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	now   = time.Now().UTC()
)

// owner makes keys for tests in a folder.
type owner struct {
	testing.TB
	dir string
}

func newOwner(tb testing.TB, sources ...string) *owner {
	tb.Helper()
	o := &owner{tb, tb.TempDir()}
	for _, source := range sources {
		o.renew(source, now.Add(-time.Hour), now.Add(time.Hour))
	}
	return o
}

func (o *owner) renew(source string, from, until time.Time) signing.Key {
	o.Helper()
	k, err := signing.Generate(o.dir, source, from, until)
	require.NoError(o, err)
	return k
}

func (o *owner) keys() *signing.Keys {
	o.Helper()
	keys, err := signing.OpenKeys(signing.TrustFile(o.dir), quiet)
	require.NoError(o, err)
	return keys
}

// signer signs in a process of its own: none of its signatures is known to whoever verifies.
func (o *owner) signer(source string) *signing.Signer {
	o.Helper()
	return o.signerIn(source, o.keys())
}

// signerIn signs in the process that verifies by keys.
func (o *owner) signerIn(source string, keys *signing.Keys) *signing.Signer {
	o.Helper()
	s, err := signing.OpenSigner(signing.KeyFile(o.dir, source), source, keys, quiet)
	require.NoError(o, err)
	return s
}

// accepted is an event such as a manager's.
func accepted() signing.Message {
	return signing.Message{Topic: "payments", Offset: 7, Published: now, Event: signing.Event{
		Attributes: map[string]string{
			"specversion": "1.0", "id": "0193f3a0-0000-7000-8000-000000000001", "source": "/manager-ui", "type": "payment_accepted",
			"subject": "0193f3a0-0000-7000-8000-000000000002", "time": "2026-11-30T12:00:00.123456Z", "datacontenttype": "application/json",
			"dataschema": "urn:payment_accepted", "actor": "mia-weber", "actorname": "Mia Weber", "correlationid": "c",
		},
		Data: []byte(`{"note": "thanks"}`),
	}}
}

func copied(m signing.Message) signing.Message {
	m.Attributes, m.Data = maps.Clone(m.Attributes), bytes.Clone(m.Data)
	return m
}

func sign(tb testing.TB, s *signing.Signer, m signing.Message) signing.Message {
	tb.Helper()
	m = copied(m)
	require.NoError(tb, s.Sign(m.Event))
	return m
}

func verdict(keys *signing.Keys, m signing.Message) signing.Verdict {
	return keys.Verify([]signing.Message{m}, false)[0]
}

func requireRefused(tb testing.TB, v signing.Verdict, reason, words string) {
	tb.Helper()
	var refused *signing.RefusedError
	require.ErrorAs(tb, v.Err, &refused)
	require.Equal(tb, reason, refused.Reason, v.Err)
	require.ErrorContains(tb, v.Err, words)
	require.Nil(tb, v.Signature)
}

func TestASignedEventIsItsWritersAndNothingOfItCanBeChanged(t *testing.T) {
	o := newOwner(t, "/manager-ui", "/payments-core")
	keys := o.keys()
	signed := sign(t, o.signer("/manager-ui"), accepted())
	v := verdict(keys, signed)
	require.NoError(t, v.Err)
	require.Len(t, v.Signature.Value, ed25519.SignatureSize)
	redelivered := copied(signed)
	redelivered.Offset++
	require.NoError(t, verdict(keys, redelivered).Err)

	for name := range signed.Attributes {
		if name == signing.MaterialAttribute || name == signing.ExtensionsAttribute || name == "source" {
			continue
		}
		for what, value := range map[string]string{"changed": "2" + signed.Attributes[name][1:], "taken away": ""} {
			m := copied(signed)
			if m.Attributes[name] = value; name == "time" && value != "" {
				m.Attributes[name] = "2026-11-30T12:00:00.123457Z"
			}
			if value == "" {
				delete(m.Attributes, name)
			}
			t.Run(name+" "+what, func(t *testing.T) { requireRefused(t, verdict(keys, m), signing.ReasonSignature, "they were changed") })
		}
	}
	for name, change := range map[string]struct {
		do            func(m *signing.Message)
		reason, words string
	}{
		"another source":     {func(m *signing.Message) { m.Attributes["source"] = "/payments-core" }, signing.ReasonKey, "of /manager-ui, and says that /payments-core has written it"},
		"a byte of the data": {func(m *signing.Message) { m.Data[3] ^= 1 }, signing.ReasonSignature, "they were changed"},
		"an attribute added": {func(m *signing.Message) { m.Attributes["sequence"] = "3" }, signing.ReasonSignature, "they were changed"},
		"a cause added":      {func(m *signing.Message) { m.Attributes["causationid"] = "x" }, signing.ReasonSignature, "they were changed"},
		"signature stripped": {func(m *signing.Message) { delete(m.Attributes, signing.MaterialAttribute) }, signing.ReasonUnsigned, "no signature"},
		"list stripped":      {func(m *signing.Message) { delete(m.Attributes, signing.ExtensionsAttribute) }, signing.ReasonSignature, "sequence is not signed"},
		"list cut": {func(m *signing.Message) {
			m.Attributes[signing.ExtensionsAttribute] = "sequence,correlationid,causationid,actorname"
		}, signing.ReasonSignature, "actor is not signed"},
		"list with a space":      {func(m *signing.Message) { m.Attributes[signing.ExtensionsAttribute] += ", extb" }, signing.ReasonSignature, "not an attribute's name"},
		"list with a core one":   {func(m *signing.Message) { m.Attributes[signing.ExtensionsAttribute] += ",subject" }, signing.ReasonSignature, "must not be listed"},
		"list with one twice":    {func(m *signing.Message) { m.Attributes[signing.ExtensionsAttribute] += ",actor" }, signing.ReasonSignature, "listed twice"},
		"not base64":             {func(m *signing.Message) { m.Attributes[signing.MaterialAttribute] = "?" }, signing.ReasonSignature, "not base64"},
		"not JSON":               {func(m *signing.Message) { m.Attributes[signing.MaterialAttribute] = "AAAA" }, signing.ReasonSignature, "not an envelope"},
		"another payload type":   {func(m *signing.Message) { rewrite(t, m, "/v0.1", "/v0.2") }, signing.ReasonSignature, "payload type"},
		"a bit of the signature": {func(m *signing.Message) { flipSignature(t, m) }, signing.ReasonSignature, "it is forged"},
		"no signatures":          {func(m *signing.Message) { rewrite(t, m, `"signatures":[{`, `"signatures":[],"x":[{`) }, signing.ReasonSignature, "holds no signature"},
	} {
		t.Run(name, func(t *testing.T) {
			m := copied(signed)
			change.do(&m)
			requireRefused(t, verdict(keys, m), change.reason, change.words)
			requireRefused(t, keys.Verify([]signing.Message{signed, m, signed}, false)[1], change.reason, change.words)
			if change.reason != signing.ReasonUnsigned {
				require.Error(t, keys.Verify([]signing.Message{m}, true)[0].Err, "what is wrong is refused even while unsigned events pass")
			}
		})
	}
}

func envelopeOf(t *testing.T, m *signing.Message) []byte {
	t.Helper()
	envelope, err := base64.StdEncoding.DecodeString(m.Attributes[signing.MaterialAttribute])
	require.NoError(t, err)
	return envelope
}

func rewrite(t *testing.T, m *signing.Message, old, new string) {
	t.Helper()
	envelope := string(envelopeOf(t, m))
	require.Contains(t, envelope, old)
	m.Attributes[signing.MaterialAttribute] = base64.StdEncoding.EncodeToString([]byte(strings.Replace(envelope, old, new, 1)))
}

func flipSignature(t *testing.T, m *signing.Message) {
	t.Helper()
	var e struct{ Signatures []struct{ Sig string } }
	require.NoError(t, json.Unmarshal(envelopeOf(t, m), &e))
	sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	require.NoError(t, err)
	sig[10] ^= 1
	rewrite(t, m, e.Signatures[0].Sig, base64.StdEncoding.EncodeToString(sig))
}

func TestAForgedSignatureAmongManyIsTheOnlyOneRefused(t *testing.T) {
	o := newOwner(t, "/manager-ui")
	keys := o.keys()
	s := o.signer("/manager-ui")
	messages := make([]signing.Message, 50)
	for i := range messages {
		m := accepted()
		m.Attributes["id"] = fmt.Sprint(i)
		messages[i] = sign(t, s, m)
	}
	flipSignature(t, &messages[17])
	for i, v := range keys.Verify(messages, false) {
		require.Equal(t, i == 17, v.Err != nil, i)
	}
}

func TestWhatAProcessHasSignedItselfIsKnownAndNothingElse(t *testing.T) {
	o := newOwner(t, "/manager-ui")
	keys := o.keys()
	signed := sign(t, o.signerIn("/manager-ui", keys), accepted())
	require.NoError(t, verdict(keys, signed).Err)
	require.Equal(t, verdict(o.keys(), signed), verdict(keys, signed))

	forged, changed, late := copied(signed), copied(signed), copied(signed)
	flipSignature(t, &forged)
	changed.Data = []byte("{}")
	late.Published = now.Add(2 * time.Hour)
	for i, v := range keys.Verify([]signing.Message{signed, forged, changed, late, signed}, false) {
		require.Equal(t, i > 0 && i < 4, v.Err != nil, i)
	}
}

func TestAKeyCountsForItsSourceAndItsTime(t *testing.T) {
	o := newOwner(t, "/manager-ui", "/payments-core")
	keys := o.keys()
	signed := sign(t, o.signer("/manager-ui"), accepted())
	for name, c := range map[string]struct {
		at    time.Time
		words string
	}{
		"before": {now.Add(-time.Hour - time.Second), "was published at"}, "at the end": {now.Add(time.Hour), "valid from"}, "long after": {now.AddDate(9, 0, 0), "valid from"},
	} {
		t.Run(name, func(t *testing.T) {
			m := copied(signed)
			m.Published = c.at
			requireRefused(t, verdict(keys, m), signing.ReasonKey, c.words)
		})
	}

	// a key that nobody here knows
	elsewhere := newOwner(t, "/manager-ui")
	requireRefused(t, verdict(keys, sign(t, elsewhere.signer("/manager-ui"), accepted())), signing.ReasonKey, "which nobody here knows")

	// another service's key: payments-core signs what it says that manager-ui has written
	forged := accepted()
	requireRefused(t, verdict(keys, sign(t, o.signer("/payments-core"), forged)), signing.ReasonKey, "of /payments-core, and says that /manager-ui")

	// and that key's id on it does not help
	m := sign(t, o.signer("/payments-core"), forged)
	rewrite(t, &m, keyID(t, &m), keyID(t, &signed))
	requireRefused(t, verdict(keys, m), signing.ReasonSignature, "it is forged")
}

func keyID(t *testing.T, m *signing.Message) string {
	t.Helper()
	var e struct{ Signatures []struct{ KeyID string } }
	require.NoError(t, json.Unmarshal(envelopeOf(t, m), &e))
	return e.Signatures[0].KeyID
}

func TestUnsignedEventsPassUpToTheCutOff(t *testing.T) {
	o := newOwner(t, "/manager-ui")
	keys := o.keys()
	unsigned := accepted()
	requireRefused(t, verdict(keys, unsigned), signing.ReasonUnsigned, "nothing proves that /manager-ui has written it")

	require.NoError(t, signing.ChangeTrust(o.dir, func(trust *signing.Trust) {
		trust.UnsignedUntil = map[string]map[int]int64{"payments": {0: 8}}
	}))
	require.Equal(t, signing.Verdict{}, verdict(keys, unsigned))
	for _, place := range []signing.Message{{Topic: "payments", Offset: 8}, {Topic: "payments", Partition: 1, Offset: 7}, {Topic: "orders", Offset: 7}, {Topic: "payments", Offset: -3}} {
		m := copied(unsigned)
		m.Topic, m.Partition, m.Offset = place.Topic, place.Partition, place.Offset
		requireRefused(t, verdict(keys, m), signing.ReasonUnsigned, "no signature")
	}
	require.Equal(t, signing.Verdict{}, keys.Verify([]signing.Message{{Topic: "orders", Offset: 7, Event: unsigned.Event}}, true)[0])
	changed := sign(t, o.signer("/manager-ui"), unsigned)
	changed.Data = []byte(`{}`)
	requireRefused(t, verdict(keys, changed), signing.ReasonSignature, "they were changed")
}

func TestKeysAreRenewedWithoutAStop(t *testing.T) {
	// given a service that signs, and one that verifies
	o := newOwner(t, "/manager-ui")
	writer, reader := o.keys(), o.keys()
	s := o.signerIn("/manager-ui", writer)
	before := sign(t, s, accepted())

	// when it is given a new key
	made := o.renew("/manager-ui", now.Add(-time.Minute), now.Add(2*time.Hour))

	// then it signs with that, and both count, in one pass
	after := sign(t, s, accepted())
	require.Equal(t, made.ID, keyID(t, &after))
	require.NotEqual(t, made.ID, keyID(t, &before))
	for _, v := range reader.Verify([]signing.Message{before, after}, false) {
		require.NoError(t, v.Err)
	}
	require.Equal(t, made.ValidUntil, s.ValidUntil())

	// and when the former is withdrawn, it does not count any more
	require.NoError(t, signing.ChangeTrust(o.dir, func(trust *signing.Trust) { trust.Keys = trust.Keys[1:] }))
	requireRefused(t, verdict(reader, before), signing.ReasonKey, "nobody here knows")
	require.NoError(t, verdict(reader, after).Err)
}

func TestAFileThatCannotBeUsedTakesNothingAway(t *testing.T) {
	o := newOwner(t, "/manager-ui")
	keys := o.keys()
	s := o.signer("/manager-ui")
	signed := sign(t, s, accepted())
	good, err := os.ReadFile(signing.TrustFile(o.dir))
	require.NoError(t, err)

	for _, bad := range []string{"", "{", "{}", `{"keys": []}`, `{"keys": [], "unsigned_before": {}}`, string(good) + "{}", strings.Replace(string(good), "valid_until", "valid_to", 1)} {
		require.NoError(t, os.WriteFile(signing.TrustFile(o.dir), []byte(bad), 0o600))
		require.NoError(t, verdict(keys, signed).Err, bad)
		require.ErrorContains(t, keys.Healthy(), signing.TrustFile(o.dir))
		_, err := signing.OpenKeys(signing.TrustFile(o.dir), quiet)
		require.Error(t, err, bad)
	}
	require.NoError(t, os.Remove(signing.TrustFile(o.dir)))
	require.NoError(t, verdict(keys, signed).Err)
	require.NoError(t, os.WriteFile(signing.TrustFile(o.dir), good, 0o600))
	require.NoError(t, keys.Healthy())

	// a private key whose public one nobody has yet is not taken
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	require.NoError(t, signing.WriteKey(signing.KeyFile(o.dir, "/manager-ui"), private))
	require.Equal(t, keyID(t, &signed), func() string { m := sign(t, s, accepted()); return keyID(t, &m) }())
	require.ErrorContains(t, s.Healthy(), "nobody would believe it")
	_, err = signing.OpenSigner(signing.KeyFile(o.dir, "/manager-ui"), "/manager-ui", keys, quiet)
	require.ErrorContains(t, err, "nobody would believe it")
	_, err = signing.OpenSigner(filepath.Join(o.dir, "nothing.pem"), "/manager-ui", keys, quiet)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestNothingIsSignedWithAKeyThatHasEnded(t *testing.T) {
	o := newOwner(t, "/manager-ui")
	keys := o.keys()
	s := o.signer("/manager-ui")
	require.NoError(t, signing.ChangeTrust(o.dir, func(trust *signing.Trust) { trust.Keys[0].ValidUntil = now.Add(-time.Second) }))

	require.ErrorContains(t, s.Sign(accepted().Event), "give this service another one")
	require.ErrorContains(t, s.Healthy(), "give this service another one")

	require.ErrorContains(t, keys.Signs("/manager-ui", time.Now()), "every key of /manager-ui has ended")

	// a process that starts then does everything else, and signs again once it is given another key
	s = o.signer("/manager-ui")
	require.ErrorContains(t, s.Sign(accepted().Event), "give this service another one")
	require.ErrorContains(t, s.Healthy(), "give this service another one")
	made := o.renew("/manager-ui", now.Add(-time.Minute), now.Add(2*time.Hour))
	signed := sign(t, s, accepted())
	require.Equal(t, made.ID, keyID(t, &signed))
	require.NoError(t, s.Healthy())
	require.NoError(t, keys.Signs("/manager-ui", time.Now()))
	require.Equal(t, map[string]time.Time{"/manager-ui": made.ValidUntil}, keys.Until())
}

// A message has the time at which it is sent, and a sending that fails is repeated: what is signed in a key's
// last seconds would be refused by all, and nobody would publish it again.
func TestNothingIsSignedThatMayBePublishedAfterItsKeyHasEnded(t *testing.T) {
	o := newOwner(t, "/manager-ui")
	keys := o.keys()
	s := o.signer("/manager-ui")
	until := func(left time.Duration) {
		require.NoError(t, signing.ChangeTrust(o.dir, func(trust *signing.Trust) { trust.Keys[0].ValidUntil = time.Now().Add(left) }))
	}
	until(2 * time.Minute)
	signed := sign(t, s, accepted())
	until(50 * time.Second)
	require.ErrorContains(t, s.Sign(accepted().Event), "give this service another one")
	require.ErrorContains(t, s.Healthy(), "give this service another one")
	require.NoError(t, verdict(keys, signed).Err, "what was signed before counts to the end")
}
