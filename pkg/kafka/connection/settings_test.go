package connection_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/embedded/devca"
	"countersign.example/pkg/kafka/connection"
)

func authority(t *testing.T) *devca.Authority {
	t.Helper()
	ca, err := devca.Open(t.TempDir())
	require.NoError(t, err)
	return ca
}

func issue(t *testing.T, ca *devca.Authority, l devca.Leaf) devca.Pair {
	t.Helper()
	pair, err := ca.Issue(l)
	require.NoError(t, err)
	return pair
}

func TestSettingsThatMakeNoSenseAreRefusedByName(t *testing.T) {
	ca := authority(t)
	own, other := issue(t, ca, devca.Leaf{Name: "own"}), issue(t, ca, devca.Leaf{Name: "other"})
	expired := issue(t, ca, devca.Leaf{Name: "expired", Until: -time.Hour})
	missing, empty := filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	scram := func(change func(*connection.Settings)) connection.Settings {
		s := connection.Settings{KafkaSASL: connection.ScramSHA512, KafkaUsername: "contractor-ui", KafkaPassword: "hidden"}
		change(&s)
		return s
	}
	mutual := func(pair devca.Pair) connection.Settings {
		return connection.Settings{KafkaTLS: true, KafkaCAFile: ca.CertFile(), KafkaCertFile: pair.CertFile, KafkaKeyFile: pair.KeyFile}
	}

	for name, tc := range map[string]struct {
		settings connection.Settings
		want     []string // how the lines begin; there are no others
	}{
		"plaintext":                        {connection.Plaintext("kafka:9092"), nil},
		"TLS by whom the machine trusts":   {connection.Settings{KafkaTLS: true}, nil},
		"mTLS":                             {mutual(own), nil},
		"SCRAM":                            {scram(func(*connection.Settings) {}), nil},
		"PLAIN within TLS":                 {scram(func(s *connection.Settings) { s.KafkaSASL, s.KafkaTLS = connection.Plain, true }), nil},
		"an address without a port":        {connection.Plaintext("kafka"), []string{`KAFKA_BROKERS contains "kafka"`}},
		"files without TLS":                {connection.Settings{KafkaCAFile: "a", KafkaCertFile: "b", KafkaKeyFile: "c"}, []string{"KAFKA_CA_FILE is set, ", "KAFKA_CERT_FILE is set, ", "KAFKA_KEY_FILE is set, "}},
		"authorities that are not there":   {connection.Settings{KafkaTLS: true, KafkaCAFile: missing}, []string{"KAFKA_CA_FILE: open " + missing}},
		"authorities that are none":        {connection.Settings{KafkaTLS: true, KafkaCAFile: own.KeyFile}, []string{"KAFKA_CA_FILE: " + own.KeyFile + " holds no certificate"}},
		"a certificate without its key":    {mutual(devca.Pair{CertFile: own.CertFile}), []string{"KAFKA_CERT_FILE is set, and KAFKA_KEY_FILE"}},
		"a key without its certificate":    {mutual(devca.Pair{KeyFile: own.KeyFile}), []string{"KAFKA_KEY_FILE is set, and KAFKA_CERT_FILE"}},
		"a certificate with another's key": {mutual(devca.Pair{CertFile: own.CertFile, KeyFile: other.KeyFile}), []string{"KAFKA_CERT_FILE and KAFKA_KEY_FILE: "}},
		"a certificate that expired":       {mutual(expired), []string{"KAFKA_CERT_FILE and KAFKA_KEY_FILE: the certificate expired at "}},
		"a user without a way to sign in":  {connection.Settings{KafkaUsername: "u", KafkaPassword: "hidden"}, []string{"KAFKA_USERNAME is set, ", "KAFKA_PASSWORD is set, "}},
		"PLAIN without TLS":                {scram(func(s *connection.Settings) { s.KafkaSASL = connection.Plain }), []string{"KAFKA_SASL=plain sends the password as it is"}},
		"SCRAM for nobody":                 {scram(func(s *connection.Settings) { s.KafkaUsername = "" }), []string{"KAFKA_USERNAME is not set"}},
		"SCRAM without a password":         {scram(func(s *connection.Settings) { s.KafkaPassword = "" }), []string{"KAFKA_PASSWORD is not set"}},
		"two passwords":                    {scram(func(s *connection.Settings) { s.KafkaPasswordFile = own.KeyFile }), []string{"KAFKA_PASSWORD is set, and KAFKA_PASSWORD_FILE as well"}},
		"a password that is not there":     {scram(func(s *connection.Settings) { s.KafkaPassword, s.KafkaPasswordFile = "", missing }), []string{"KAFKA_PASSWORD_FILE: open " + missing}},
		"a password of nothing":            {scram(func(s *connection.Settings) { s.KafkaPassword, s.KafkaPasswordFile = "", empty }), []string{"KAFKA_PASSWORD_FILE: " + empty + " is empty"}},
		"a password that SCRAM has not":    {scram(func(s *connection.Settings) { s.KafkaPassword = "hidden\x07" }), []string{"KAFKA_USERNAME or KAFKA_PASSWORD holds characters"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.settings.Check()
			if len(tc.want) == 0 {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.NotContains(t, err.Error(), "hidden")
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(tc.want), "%v", err)
			for i, want := range tc.want {
				require.True(t, strings.HasPrefix(lines[i], want), "%q does not begin with %q", lines[i], want)
			}
		})
	}
}
