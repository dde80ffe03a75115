package browser

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
)

// keysOf are the keys of certificates, in files with commas between them, as Chromium is told to trust them:
// of all others it warns as ever.
func keysOf(files string) (string, error) {
	var keys []string
	for file := range strings.SplitSeq(files, ",") {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		block, _ := pem.Decode(content)
		if block == nil {
			return "", fmt.Errorf("%s holds no certificate in PEM", file)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
		keys = append(keys, base64.StdEncoding.EncodeToString(sum[:]))
	}
	return strings.Join(keys, ","), nil
}
