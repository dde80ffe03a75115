// Package kafkatest speaks on topics as our services do, for tests.
package kafkatest

import (
	"log/slog"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/service"
	"countersign.example/pkg/signing"
)

// Services are those that write events.
var Services = []string{"contractor-ui", "manager-ui", "payments-core", "ordering-core"}

// Keys are signing keys of services, in a folder: each service's own, and the file by which all verify.
type Keys struct {
	Dir     string
	tb      testing.TB
	signers map[string]*signing.Signer // by source
}

// NewKeys makes a key for each service; without names, for each of Services.
func NewKeys(tb testing.TB, services ...string) *Keys {
	tb.Helper()
	k := &Keys{Dir: tb.TempDir(), tb: tb, signers: map[string]*signing.Signer{}}
	if len(services) == 0 {
		services = Services
	}
	for _, name := range services {
		k.Renew(name)
	}
	return k
}

// Renew gives a service a new key. Its former ones stay valid.
func (k *Keys) Renew(service string) signing.Key {
	k.tb.Helper()
	made, err := signing.Generate(k.Dir, "/"+service, time.Now().Add(-time.Hour), time.Now().AddDate(0, 1, 0))
	if err != nil {
		k.tb.Fatal(err)
	}
	keys, err := signing.OpenKeys(signing.TrustFile(k.Dir), slog.New(slog.DiscardHandler))
	if err == nil {
		k.signers["/"+service], err = signing.OpenSigner(signing.KeyFile(k.Dir, "/"+service), "/"+service, keys, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		k.tb.Fatal(err)
	}
	return made
}

// Trust is by what the keys' owners are believed.
func (k *Keys) Trust() *signing.Keys {
	k.tb.Helper()
	keys, err := signing.OpenKeys(signing.TrustFile(k.Dir), slog.New(slog.DiscardHandler))
	if err != nil {
		k.tb.Fatal(err)
	}
	return keys
}

// Signer signs as a source does; nil if it has no key.
func (k *Keys) Signer(source string) *signing.Signer { return k.signers[source] }

// Encode is an event as its source publishes it: signed, if the source has a key.
func (k *Keys) Encode(topic string, e event.Event) kafkago.Message {
	m := kafka.Encode(topic, e)
	k.Sign(&m)
	return m
}

// Sign signs any message as the source that it names would. It leaves alone what nobody can sign.
func (k *Keys) Sign(m *kafkago.Message) {
	for _, h := range m.Headers {
		if s := k.signers[string(h.Value)]; h.Key == "ce_source" && s != nil {
			_ = kafka.Sign(m, s)
			return
		}
	}
}

// Configure has a service sign with its key, and verify by all.
func (k *Keys) Configure(c *service.KafkaConfig, name string) {
	c.EventSigningKeyFile, c.EventVerifyKeysFile = signing.KeyFile(k.Dir, "/"+name), signing.TrustFile(k.Dir)
}

// Environment is Configure for a program.
func (k *Keys) Environment(name string) []string {
	return []string{"EVENT_SIGNING_KEY_FILE=" + signing.KeyFile(k.Dir, "/"+name), "EVENT_VERIFY_KEYS_FILE=" + signing.TrustFile(k.Dir)}
}
