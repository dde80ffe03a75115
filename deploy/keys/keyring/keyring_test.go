package keyring_test

import (
	"strings"
	"testing"

	"countersign.example/deploy/keys/keyring"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/signing"
)

func TestACutOffIsNotMoved(t *testing.T) {
	dir := t.TempDir()
	if err := signing.ChangeTrust(dir, func(trust *signing.Trust) {
		trust.UnsignedUntil = map[string]map[int]int64{"payments": {0: 8}}
	}); err != nil {
		t.Fatal(err)
	}
	// There are no brokers here: it is refused before anybody is asked.
	if err := keyring.CutOff(t.Context(), dir, connection.Plaintext("127.0.0.1:1")); err == nil || !strings.Contains(err.Error(), "has a cut-off") {
		t.Error(err)
	}
}
