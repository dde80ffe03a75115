package signing

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is read without JSON is what JSON reads.
func FuzzOurEnvelopesAreReadAsJSONReadsThem(f *testing.F) {
	written, err := base64.StdEncoding.DecodeString(material(make([]byte, 32), "0123456789abcdef", make([]byte, 64)))
	require.NoError(f, err)
	f.Add(string(written))
	f.Add(string(written) + " ")
	f.Add(beforePayload + "AA==" + beforeKeyID + beforeSignature + afterSignature)
	f.Add(beforePayload + `A\u0041` + beforeKeyID + "a" + beforeSignature + "b" + afterSignature)
	f.Add(beforePayload + "A" + beforeKeyID + "a" + beforeSignature + `b"},{"keyid":"c","sig":"d` + afterSignature)
	f.Fuzz(func(t *testing.T, encoded string) {
		ours, is := parseOurs(encoded)
		if !is {
			return
		}
		var byJSON envelope
		require.NoError(t, json.Unmarshal([]byte(encoded), &byJSON))
		require.Equal(t, byJSON, ours)
	})
}

func TestAnEnvelopeIsReadWithoutJSON(t *testing.T) {
	written := material([]byte("12345678901234567890123456789012"), "0123456789abcdef", []byte("signature"))
	encoded, err := base64.StdEncoding.DecodeString(written)
	require.NoError(t, err)
	_, ours := parseOurs(string(encoded))
	require.True(t, ours)

	payload, signatures, err := parseMaterial(written)
	require.NoError(t, err)
	require.Equal(t, "12345678901234567890123456789012", string(payload))
	require.Equal(t, []envelopeSignature{{"0123456789abcdef", base64.StdEncoding.EncodeToString([]byte("signature"))}}, signatures)
}
