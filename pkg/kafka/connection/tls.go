package connection

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// Error says that a broker and this program do not agree on how to connect. No repetition mends it.
type Error struct {
	Broker string
	Hint   string // what is wrong, and what to do
	Err    error  // may be nil
}

func (e *Error) Error() string {
	said := "Kafka at " + e.Broker + ": " + e.Hint
	if e.Err != nil {
		said += " (" + e.Err.Error() + ")"
	}
	return said
}

func (e *Error) Unwrap() error { return e.Err }

func (s Settings) encrypt(ctx context.Context, raw net.Conn, addr string) (net.Conn, error) {
	config, err := s.tlsConfig()
	if err != nil {
		return nil, &Error{Broker: addr, Hint: "the files for TLS cannot be used", Err: err}
	}
	if config.ServerName, _, err = net.SplitHostPort(addr); err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		if hint := s.handshakeHint(config.ServerName, err); hint != "" {
			return nil, &Error{Broker: addr, Hint: hint, Err: err}
		}
		return nil, fmt.Errorf("connect to Kafka at %s by TLS: %w", addr, err)
	}
	return conn, nil
}

// handshakeHint says what to do, where something can be said. A broker that stops may close a connection as
// one does that knows no TLS: that is no error for ever.
func (s Settings) handshakeHint(host string, err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if s.KafkaCAFile == "" {
			return "this machine does not trust whoever has signed its certificate: name the authority's certificate in KAFKA_CA_FILE"
		}
		return "none of KAFKA_CA_FILE (" + s.KafkaCAFile + ") has signed its certificate"
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		names := append([]string(nil), wrong.Certificate.DNSNames...)
		for _, ip := range wrong.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		return fmt.Sprintf("its certificate is for %s, and not for %s: let KAFKA_BROKERS and the brokers' advertised.listeners have a name of the certificate's, or renew that",
			strings.Join(names, ", "), host)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return fmt.Sprintf("its certificate is valid from %s to %s: renew it, or look at the clock",
				invalid.Cert.NotBefore.Format(time.RFC3339), invalid.Cert.NotAfter.Format(time.RFC3339))
		}
		return "its certificate is not one for a broker"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it speaks no TLS at this port: use the port of a listener with SSL or SASL_SSL, or set KAFKA_TLS=false"
	}
	if ended(err) {
		return ""
	}
	return s.refusedHint(err)
}

// refusedHint is for what the broker says of us.
func (s Settings) refusedHint(err error) string {
	wrong, ok := errors.AsType[*net.OpError](err)
	if !ok || wrong.Op != "remote error" {
		return ""
	}
	if s.KafkaCertFile == "" {
		return "it asks for a certificate of this service, or refuses the connection for another reason: set KAFKA_CERT_FILE and KAFKA_KEY_FILE if it wants one"
	}
	return "it does not accept the certificate of KAFKA_CERT_FILE (" + s.KafkaCertFile + "), or refuses the connection for another reason"
}

// tlsAlert begins what a broker that speaks TLS says to one who does not. As the size of an answer it would
// be 352 MB.
const tlsAlert = 0x15

// unanswered explains the first that comes back on a connection; nil where nothing is wrong.
func (s Settings) unanswered(addr string, answer []byte, err error) error {
	switch {
	case len(answer) > 0 && answer[0] == tlsAlert && !s.KafkaTLS:
		return &Error{Broker: addr, Hint: "it speaks TLS at this port: set KAFKA_TLS=true"}
	case err == nil || len(answer) > 0:
		return nil
	case ended(err) && !s.KafkaTLS:
		return fmt.Errorf("the Kafka at %s has closed the connection without an answer; if it wants TLS, set KAFKA_TLS=true: %w", addr, err)
	}
	if hint := s.refusedHint(err); hint != "" {
		return &Error{Broker: addr, Hint: hint, Err: err}
	}
	return nil
}

func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
