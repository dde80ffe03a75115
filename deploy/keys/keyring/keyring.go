// Package keyring makes the keys with which services sign their events, in a folder: <service>.pem is the
// private key of each, and verify.json says whom all believe.
package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/signing"
)

// Services are those that write events.
var Services = []string{"contractor-ui", "manager-ui", "payments-core", "ordering-core"}

// Topics are those that hold events.
var Topics = []string{"payments", "orders", "catalog", "people"}

// DevelopmentLife is for how long a key of development is valid: nobody renews it.
const DevelopmentLife = 10 * 365 * 24 * time.Hour

// Prepare makes what is missing in a folder. When it makes the first keys, it notes the topics' ends as the
// cut-off: what they hold was written before anybody signed.
func Prepare(ctx context.Context, dir string, kafkaSettings connection.Settings) error {
	if _, err := os.Stat(signing.TrustFile(dir)); errors.Is(err, os.ErrNotExist) {
		if err := CutOff(ctx, dir, kafkaSettings); err != nil {
			return err
		}
	}
	for _, service := range Services {
		if _, err := os.Stat(signing.KeyFile(dir, "/"+service)); errors.Is(err, os.ErrNotExist) {
			if _, err := Renew(dir, service, DevelopmentLife); err != nil {
				return err
			}
		}
	}
	return nil
}

// Renew gives a service a new key, valid from the beginning of this day. Its former keys stay valid.
func Renew(dir, service string, life time.Duration) (signing.Key, error) {
	if !slices.Contains(Services, service) {
		return signing.Key{}, fmt.Errorf("%q writes no events; those that do are %s", service, strings.Join(Services, ", "))
	}
	from := time.Now().UTC().Truncate(24 * time.Hour)
	return signing.Generate(dir, "/"+service, from, from.Add(life))
}

// CutOff notes where the topics end now: messages before that need no signature. A cut-off that is there is not
// moved: what was refused since would count wherever a copy is made again.
func CutOff(ctx context.Context, dir string, kafkaSettings connection.Settings) error {
	var trust signing.Trust
	content, err := os.ReadFile(signing.TrustFile(dir))
	if err == nil {
		err = json.Unmarshal(content, &trust)
	}
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s: %w", signing.TrustFile(dir), err)
	case len(trust.UnsignedUntil) > 0:
		return fmt.Errorf("%s has a cut-off, which is not moved; if nobody has verified by it yet, take unsigned_until out of the file first", signing.TrustFile(dir))
	}
	client := kafka.Open("keys", kafkaSettings)
	defer client.Close()
	ends, err := client.Ends(ctx, Topics...)
	if err != nil {
		return fmt.Errorf("look where the topics end: %w", err)
	}
	return signing.ChangeTrust(dir, func(t *signing.Trust) { t.UnsignedUntil = ends })
}
