// Package connection connects to Kafka's brokers: in plaintext or by TLS, with a certificate of one's own,
// signed in or not. Every program takes its settings and its connections from here.
//
// Invariants:
//   - A connection that DialContext returns is encrypted and signed in as the settings say.
//   - Certificates, keys and password files are read again for each connection: what replaces them counts
//     without a restart, and a connection that is there lives on.
//   - What no repetition mends is an *Error, which names the broker and the setting.
package connection

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Settings say where the brokers are and how to connect. The zero value but for KafkaBrokers is plaintext.
type Settings struct {
	KafkaBrokers      []string `env:"KAFKA_BROKERS,required,notEmpty" desc:"Kafka's addresses, host:port, separated by commas"`
	KafkaTLS          bool     `env:"KAFKA_TLS" envDefault:"false" desc:"true: connections to Kafka are encrypted, and its certificate is verified"`
	KafkaCAFile       string   `env:"KAFKA_CA_FILE" desc:"whom to trust for Kafka's certificate, in PEM; without it, whom this machine trusts"`
	KafkaCertFile     string   `env:"KAFKA_CERT_FILE" desc:"this service's certificate for Kafka (mTLS), in PEM; read again for each connection"`
	KafkaKeyFile      string   `env:"KAFKA_KEY_FILE" desc:"the private key of KAFKA_CERT_FILE, in PEM"`
	KafkaSASL         SASL     `env:"KAFKA_SASL" desc:"how to sign in at Kafka: scram-sha-512, or plain, which needs KAFKA_TLS; empty for not, or by certificate alone"`
	KafkaUsername     string   `env:"KAFKA_USERNAME" desc:"with KAFKA_SASL: the name to sign in by"`
	KafkaPassword     string   `env:"KAFKA_PASSWORD" desc:"with KAFKA_SASL: its password"`
	KafkaPasswordFile string   `env:"KAFKA_PASSWORD_FILE" desc:"a file with the password, instead of KAFKA_PASSWORD; read again for each connection"`
}

// Plaintext are the settings of brokers that ask for nothing.
func Plaintext(brokers ...string) Settings { return Settings{KafkaBrokers: brokers} }

// SASL is a way to sign in.
type SASL string

const (
	ScramSHA512 SASL = "scram-sha-512"
	Plain       SASL = "plain"
)

// UnmarshalText takes the ways that are known.
func (s *SASL) UnmarshalText(text []byte) error {
	switch *s = SASL(text); *s {
	case "", ScramSHA512, Plain:
		return nil
	}
	return fmt.Errorf("KAFKA_SASL is %q: use scram-sha-512 or plain", text)
}

// Check returns everything that is wrong with the settings and with the files that they name. It asks no
// broker.
func (s Settings) Check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, broker := range s.KafkaBrokers {
		if host, port, err := net.SplitHostPort(broker); err != nil || host == "" || port == "" {
			wrong("KAFKA_BROKERS contains %q: use host:port", broker)
		}
	}
	if !s.KafkaTLS {
		for _, file := range []struct{ name, value string }{
			{"KAFKA_CA_FILE", s.KafkaCAFile}, {"KAFKA_CERT_FILE", s.KafkaCertFile}, {"KAFKA_KEY_FILE", s.KafkaKeyFile},
		} {
			if file.value != "" {
				wrong("%s is set, and means nothing without KAFKA_TLS=true", file.name)
			}
		}
	} else if _, err := s.tlsConfig(); err != nil {
		errs = append(errs, err)
	}
	if s.KafkaSASL == "" {
		for _, value := range []struct{ name, value string }{
			{"KAFKA_USERNAME", s.KafkaUsername}, {"KAFKA_PASSWORD", s.KafkaPassword}, {"KAFKA_PASSWORD_FILE", s.KafkaPasswordFile},
		} {
			if value.value != "" {
				wrong("%s is set, and means nothing without KAFKA_SASL", value.name)
			}
		}
		return errors.Join(errs...)
	}
	if s.KafkaSASL == Plain && !s.KafkaTLS {
		wrong("KAFKA_SASL=plain sends the password as it is, for everybody on the way to read: set KAFKA_TLS=true, or use scram-sha-512")
	}
	if s.KafkaUsername == "" {
		wrong("KAFKA_USERNAME is not set: KAFKA_SASL=%s needs a name to sign in by", s.KafkaSASL)
	}
	if _, err := s.mechanism(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// tlsConfig reads the files. The server's name is not in it.
func (s Settings) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	var errs []error
	if s.KafkaCAFile != "" {
		pem, err := os.ReadFile(s.KafkaCAFile)
		switch config.RootCAs = x509.NewCertPool(); {
		case err != nil:
			errs = append(errs, fmt.Errorf("KAFKA_CA_FILE: %w", err))
		case !config.RootCAs.AppendCertsFromPEM(pem):
			errs = append(errs, fmt.Errorf("KAFKA_CA_FILE: %s holds no certificate in PEM", s.KafkaCAFile))
		}
	}
	switch {
	case s.KafkaCertFile == "" && s.KafkaKeyFile == "":
	case s.KafkaKeyFile == "":
		errs = append(errs, errors.New("KAFKA_CERT_FILE is set, and KAFKA_KEY_FILE, its private key, is not"))
	case s.KafkaCertFile == "":
		errs = append(errs, errors.New("KAFKA_KEY_FILE is set, and KAFKA_CERT_FILE, the certificate of that key, is not"))
	default:
		own, err := tls.LoadX509KeyPair(s.KafkaCertFile, s.KafkaKeyFile)
		if err == nil {
			err = validNow(own.Leaf)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("KAFKA_CERT_FILE and KAFKA_KEY_FILE: %w", err))
		}
		// Not Certificates, of which Go sends none unless the broker names its authority.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
	}
	return config, errors.Join(errs...)
}

// CertificateUntil is until when this service's certificate for the brokers is valid, as its file is now.
func (s Settings) CertificateUntil() (time.Time, error) {
	own, err := tls.LoadX509KeyPair(s.KafkaCertFile, s.KafkaKeyFile)
	if err != nil {
		return time.Time{}, fmt.Errorf("KAFKA_CERT_FILE and KAFKA_KEY_FILE: %w", err)
	}
	return own.Leaf.NotAfter, nil
}

func validNow(c *x509.Certificate) error {
	switch now := time.Now(); {
	case now.After(c.NotAfter):
		return fmt.Errorf("the certificate expired at %s: renew it", c.NotAfter.Format(time.RFC3339))
	case now.Before(c.NotBefore):
		return fmt.Errorf("the certificate is valid from %s on only: look at the clock", c.NotBefore.Format(time.RFC3339))
	}
	return nil
}

// password returns the password as it is now.
func (s Settings) password() (string, error) {
	switch {
	case s.KafkaPassword != "" && s.KafkaPasswordFile != "":
		return "", errors.New("KAFKA_PASSWORD is set, and KAFKA_PASSWORD_FILE as well: use one of them")
	case s.KafkaPassword != "":
		return s.KafkaPassword, nil
	case s.KafkaPasswordFile == "":
		return "", fmt.Errorf("KAFKA_PASSWORD is not set, nor is KAFKA_PASSWORD_FILE: KAFKA_SASL=%s needs the password", s.KafkaSASL)
	}
	content, err := os.ReadFile(s.KafkaPasswordFile)
	if err != nil {
		return "", fmt.Errorf("KAFKA_PASSWORD_FILE: %w", err)
	}
	password := strings.TrimRight(string(content), "\r\n")
	if password == "" {
		return "", fmt.Errorf("KAFKA_PASSWORD_FILE: %s is empty", s.KafkaPasswordFile)
	}
	return password, nil
}
