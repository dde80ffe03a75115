package signing_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/signing"
)

var update = flag.Bool("update", false, "write the golden event again")

// The extension's test vector whose data are given as bytes. Its key is of another kind, so that it holds the
// digest only.
func TestTheDigestIsThatOfTheExtension(t *testing.T) {
	sum, err := signing.Digest(signing.Event{Data: []byte{0xf0, 0x9f, 0xa4, 0xa1}, Attributes: map[string]string{
		"specversion": "1.0", "id": "1", "source": "example/uri", "type": "example.type.binary", "datacontenttype": "application/octet-stream",
	}}, nil)
	require.NoError(t, err)
	require.Equal(t, "qCSeiZkS+hH9WiClfq6plfqYNVy2kvxWRfoBrLEzoDk=", base64.StdEncoding.EncodeToString(sum[:]))
}

func TestTimesCountAsMoments(t *testing.T) {
	o := newOwner(t, "/manager-ui")
	keys := o.keys()
	signed := sign(t, o.signer("/manager-ui"), accepted())
	signed.Attributes["time"] = "2026-11-30T13:00:00.123456000+01:00"
	require.NoError(t, verdict(keys, signed).Err)
}

// goldenEvent is an event as verify.py reads it.
type goldenEvent struct {
	Attributes map[string]string `json:"attributes"`
	Data       []byte            `json:"data"`
	PublicKey  string            `json:"public_key"`
}

func TestAnotherImplementationAgrees(t *testing.T) {
	// given an event signed with a fixed key, as it stands in the repository
	o := newOwner(t)
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public := private.Public().(ed25519.PublicKey)
	require.NoError(t, signing.ChangeTrust(o.dir, func(trust *signing.Trust) {
		trust.Keys = []signing.Key{{Source: "/manager-ui", ID: signing.KeyID(public), Public: public, ValidFrom: now.Add(-time.Hour), ValidUntil: now.Add(time.Hour)}}
	}))
	require.NoError(t, signing.WriteKey(signing.KeyFile(o.dir, "/manager-ui"), private))
	signed := sign(t, o.signer("/manager-ui"), accepted())
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	e := goldenEvent{signed.Attributes, signed.Data, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
	content, err := json.MarshalIndent(e, "", "  ")
	require.NoError(t, err)
	content = append(content, '\n')
	golden := filepath.Join("testdata", "event.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, content, 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(content), "what is signed has changed: nobody can verify what was signed before")

	// then a few lines of Python find the same, and find what was changed
	python(t, content, "verified")
	e.Data = []byte(`{"note": "thankz"}`)
	changed, err := json.Marshal(e)
	require.NoError(t, err)
	python(t, changed, "changed")
	e.Data = signed.Data
	m := copied(signed)
	flipSignature(t, &m)
	e.Attributes = m.Attributes
	forged, err := json.Marshal(e)
	require.NoError(t, err)
	python(t, forged, "forged")
}

func python(t *testing.T, event []byte, want string) {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	cmd := exec.Command("python3", filepath.Join("testdata", "verify.py"))
	cmd.Stdin = bytes.NewReader(event)
	out, _ := cmd.CombinedOutput()
	if strings.TrimSpace(string(out)) == "no openssl" {
		t.Log("there is no openssl: the digest alone was compared")
		return
	}
	require.Equal(t, want, strings.TrimSpace(string(out)))
}

func BenchmarkSign(b *testing.B) {
	o := newOwner(b, "/manager-ui")
	s := o.signer("/manager-ui")
	e := accepted().Event
	for b.Loop() {
		require.NoError(b, s.Sign(e))
	}
}

// One operation is one event, in a pass over so many.
func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{1, 10, 100, 500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			o := newOwner(b, "/manager-ui")
			keys := o.keys()
			s := o.signer("/manager-ui")
			messages := make([]signing.Message, size)
			for i := range messages {
				messages[i] = sign(b, s, accepted())
			}
			b.ResetTimer()
			for n := 0; n < b.N; n += size {
				for _, v := range keys.Verify(messages, false) {
					if v.Err != nil {
						b.Fatal(v.Err)
					}
				}
			}
		})
	}
}
