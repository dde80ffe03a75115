// Package devca is a certificate authority for development and for tests. Its key lies beside its
// certificate: nobody else should trust it.
package devca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

const life = 10 * 365 * 24 * time.Hour

// Authority issues certificates into a folder.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// Open returns the authority of a folder, and makes it if there is none.
func Open(dir string) (*Authority, error) {
	a := &Authority{dir: dir}
	content, err := os.ReadFile(a.path("ca", ".key"))
	if errors.Is(err, os.ErrNotExist) {
		return a, a.create()
	}
	if err != nil {
		return nil, err
	}
	if a.key, err = parseKey(content); err != nil {
		return nil, fmt.Errorf("%s: %w", a.path("ca", ".key"), err)
	}
	if content, err = os.ReadFile(a.CertFile()); err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate in PEM", a.CertFile())
	}
	a.cert, err = x509.ParseCertificate(block.Bytes)
	return a, err
}

func parseKey(content []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("holds no key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("holds no key to sign with")
	}
	return signer, nil
}

func (a *Authority) create() error {
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Countersign development CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	_, err := a.sign("ca", template)
	return err
}

// CertFile is the authority's certificate, in PEM: what its clients trust.
func (a *Authority) CertFile() string { return a.path("ca", ".pem") }

func (a *Authority) path(name, kind string) string { return filepath.Join(a.dir, name+kind) }

// Leaf is a certificate to issue, for a server and a client alike.
type Leaf struct {
	Name  string        // its common name, and that of its files
	Hosts []string      // names and addresses of a server
	Until time.Duration // from now on; ten years if it is 0
}

// Pair are the files of a certificate and of its private key.
type Pair struct{ CertFile, KeyFile string }

// Issue writes a certificate and its key, in place of those that are there.
func (a *Authority) Issue(l Leaf) (Pair, error) {
	if l.Until == 0 {
		l.Until = life
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: l.Name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(l.Until),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range l.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.sign(l.Name, template)
}

// sign makes a key and the certificate of it; the first one is the authority's own.
func (a *Authority) sign(name string, template *x509.Certificate) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	if a.cert == nil {
		a.cert, a.key = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return Pair{}, err
	}
	if a.cert == template {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			return Pair{}, err
		}
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	pair := Pair{a.path(name, ".pem"), a.path(name, ".key")}
	return pair, errors.Join(
		os.WriteFile(pair.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
		os.WriteFile(pair.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644),
	)
}
