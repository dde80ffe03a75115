package connection_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"countersign.example/pkg/embedded/devca"
	"countersign.example/pkg/kafka/connection"
)

// broker starts one on 127.0.0.1.
func broker(t *testing.T, options ...kfake.Opt) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cluster, err := kfake.NewCluster(append(options, kfake.NumBrokers(1),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }))...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	return listener.Addr().String()
}

func serves(t *testing.T, pair devca.Pair, clients *devca.Authority) kfake.Opt {
	t.Helper()
	own, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	require.NoError(t, err)
	config := &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		pem, err := os.ReadFile(clients.CertFile())
		require.NoError(t, err)
		config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		require.True(t, config.ClientCAs.AppendCertsFromPEM(pem))
	}
	return kfake.TLS(config)
}

// ask connects and asks for the topics.
func ask(t *testing.T, addr string, s connection.Settings) error {
	t.Helper()
	conn, err := s.NewDialer("test", 3*time.Second).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
	request := kmsg.NewPtrMetadataRequest()
	request.Version = 10
	_, err = connection.Ask(conn, "test", request)
	return err
}

// kfake closes connections where Kafka answers why: deploy/kafka tests what Kafka does.
func TestConnectionsAreMadeAsTheSettingsSay(t *testing.T) {
	ca, foreign := authority(t), authority(t)
	server := issue(t, ca, devca.Leaf{Name: "kafka", Hosts: []string{"127.0.0.1"}})
	own, stranger := issue(t, ca, devca.Leaf{Name: "contractor-ui"}), issue(t, foreign, devca.Leaf{Name: "contractor-ui"})
	users := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ada", "right")}
	plain := broker(t)
	encrypted := broker(t, serves(t, server, nil))
	mutual := broker(t, serves(t, server, ca))
	signedIn := broker(t, append(users, serves(t, server, nil))...)
	signedInPlaintext := broker(t, users...)
	byPlain := broker(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "ada", "right"), serves(t, server, nil))
	elsewhere := broker(t, serves(t, issue(t, ca, devca.Leaf{Name: "elsewhere", Hosts: []string{"kafka.example", "10.0.0.7"}}), nil))
	stale := broker(t, serves(t, issue(t, ca, devca.Leaf{Name: "stale", Hosts: []string{"127.0.0.1"}, Until: -time.Hour}), nil))

	trust := connection.Settings{KafkaTLS: true, KafkaCAFile: ca.CertFile()}
	with := func(pair devca.Pair) connection.Settings {
		return connection.Settings{KafkaTLS: true, KafkaCAFile: ca.CertFile(), KafkaCertFile: pair.CertFile, KafkaKeyFile: pair.KeyFile}
	}
	as := func(s connection.Settings, way connection.SASL, password string) connection.Settings {
		s.KafkaSASL, s.KafkaUsername, s.KafkaPassword = way, "ada", password
		return s
	}
	for name, tc := range map[string]struct {
		addr     string
		settings connection.Settings
		want     string // of an *Error, or of another that begins with "~"; nothing is wrong without
	}{
		"plaintext":                          {plain, connection.Settings{}, ""},
		"TLS":                                {encrypted, trust, ""},
		"mTLS":                               {mutual, with(own), ""},
		"SCRAM within TLS":                   {signedIn, as(trust, connection.ScramSHA512, "right"), ""},
		"SCRAM in plaintext":                 {signedInPlaintext, as(connection.Settings{}, connection.ScramSHA512, "right"), ""},
		"PLAIN within TLS":                   {byPlain, as(trust, connection.Plain, "right"), ""},
		"a wrong password":                   {signedIn, as(trust, connection.ScramSHA512, "wrong"), "~a broker that only closes the connection may not accept KAFKA_PASSWORD"},
		"a wrong password, as it is":         {byPlain, as(trust, connection.Plain, "wrong"), "~a broker that only closes the connection may not accept KAFKA_PASSWORD"},
		"another way to sign in":             {signedIn, as(trust, connection.Plain, "right"), "~by KAFKA_SASL=plain"},
		"an authority that nobody knows":     {encrypted, connection.Settings{KafkaTLS: true}, "name the authority's certificate in KAFKA_CA_FILE"},
		"another authority":                  {encrypted, connection.Settings{KafkaTLS: true, KafkaCAFile: foreign.CertFile()}, "none of KAFKA_CA_FILE (" + foreign.CertFile() + ") has signed its certificate"},
		"another host's certificate":         {elsewhere, trust, "its certificate is for kafka.example, 10.0.0.7, and not for 127.0.0.1: let KAFKA_BROKERS"},
		"the broker's certificate expired":   {stale, trust, "its certificate is valid from "},
		"plaintext to TLS":                   {encrypted, connection.Settings{}, "~if it wants TLS, set KAFKA_TLS=true"},
		"no certificate where one is wanted": {mutual, trust, "set KAFKA_CERT_FILE and KAFKA_KEY_FILE"},
		"a stranger's certificate":           {mutual, with(stranger), "it does not accept the certificate of KAFKA_CERT_FILE (" + stranger.CertFile + ")"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ask(t, tc.addr, tc.settings)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			want, mayPass := strings.CutPrefix(tc.want, "~")
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "Kafka at "+tc.addr)
			_, ok := errors.AsType[*connection.Error](err)
			require.Equal(t, !mayPass, ok, "%v", err)
		})
	}
}

func TestWhatReplacesAFileCountsForTheNextConnection(t *testing.T) {
	ca := authority(t)
	addr := broker(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ada", "second"),
		serves(t, issue(t, ca, devca.Leaf{Name: "kafka", Hosts: []string{"127.0.0.1"}}), ca))
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte("first\n"), 0o600))
	own := issue(t, ca, devca.Leaf{Name: "ada", Until: -time.Hour})
	s := connection.Settings{KafkaTLS: true, KafkaCAFile: ca.CertFile(), KafkaCertFile: own.CertFile, KafkaKeyFile: own.KeyFile,
		KafkaSASL: connection.ScramSHA512, KafkaUsername: "ada", KafkaPasswordFile: password}

	require.ErrorContains(t, ask(t, addr, s), "the certificate expired at ")
	issue(t, ca, devca.Leaf{Name: "ada"})
	require.ErrorContains(t, ask(t, addr, s), "may not accept KAFKA_PASSWORD")
	require.NoError(t, os.WriteFile(password, []byte("second\n"), 0o600))
	require.NoError(t, ask(t, addr, s))
}

func TestABrokerThatSaysNothingIsGivenUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	for name, s := range map[string]connection.Settings{
		"TLS":   {KafkaTLS: true},
		"SCRAM": {KafkaSASL: connection.ScramSHA512, KafkaUsername: "ada", KafkaPassword: "right"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.NewDialer("test", 100*time.Millisecond).DialContext(t.Context(), "tcp", listener.Addr().String())
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.True(t, strings.Contains(err.Error(), listener.Addr().String()), err.Error())
		})
	}
}
