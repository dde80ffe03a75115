package service

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// lookAgain is how often at most a certificate's files are looked at.
const lookAgain = time.Second

// certificate is what a server shows: what its files hold now. Files that cannot be used leave the one
// before.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	looked time.Time
	stamp  string
	pair   *tls.Certificate
}

// ServerTLS returns how a server with a certificate speaks: nil without one. It reads the files again when
// they change.
func ServerTLS(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	if certFile == "" && keyFile == "" {
		return nil, nil
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.read(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < lookAgain {
		return c.pair, nil
	}
	if before := c.stamp; before != c.look() {
		if err := c.read(); err != nil { // said once for each change: whoever renews writes two files
			c.log.Error("the new certificate cannot be used; the one before is still shown", "error", err)
		} else {
			c.log.Info("the certificate has been renewed", "until", c.pair.Leaf.NotAfter.Format(time.RFC3339))
		}
	}
	return c.pair, nil
}

// look notes how the files are.
func (c *certificate) look() string {
	c.looked, c.stamp = time.Now(), ""
	for _, file := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(file); err == nil {
			c.stamp += fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), " ")
		}
	}
	return c.stamp
}

func (c *certificate) read() error {
	c.look()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("TLS_CERT_FILE and TLS_KEY_FILE: %w", err)
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return fmt.Errorf("TLS_CERT_FILE: the certificate expired at %s: renew it", pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	c.pair = &pair
	return nil
}

// checkTLS returns what is wrong with the settings of TLS and their files.
func (c *Config) checkTLS() error {
	_, err := c.serverTLS(slog.New(slog.DiscardHandler))
	_, ca := ReadCAs("HTTP_CA_FILE", c.HTTPCAFile)
	return errors.Join(err, ca)
}

func (c *Config) serverTLS(log *slog.Logger) (*tls.Config, error) {
	switch {
	case c.TLSCertFile == "" && c.TLSKeyFile != "":
		return nil, errors.New("TLS_CERT_FILE is not set, and TLS_KEY_FILE, the key of it, is")
	case c.TLSCertFile != "" && c.TLSKeyFile == "":
		return nil, errors.New("TLS_KEY_FILE is not set, and TLS_CERT_FILE, the certificate of it, is")
	}
	return ServerTLS(c.TLSCertFile, c.TLSKeyFile, log)
}

// ReadCAs returns whom a file trusts, which a variable names; nil, which is whom the machine trusts, without
// a file.
func ReadCAs(variable, path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s: %s holds no certificate in PEM", variable, path)
	}
	return pool, nil
}

// Trust has the HTTP clients of this process, which are all made of the default one, trust whom a file names.
func Trust(path string) error {
	pool, err := ReadCAs("HTTP_CA_FILE", path)
	if err == nil && pool != nil {
		http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return err
}
