package browser

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/chromedp/chromedp"
)

// withoutWindows is Debian's Chromium for tests: its pages are the same, and what would draw windows around
// them is left out, which takes half of the processor's time of a test.
const withoutWindows = "chromium-headless-shell"

// start starts a Chromium, whose pages speak these languages.
func start(languages string) (ctx context.Context, stop func(), err error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.DisableGPU, chromedp.Flag("accept-lang", languages),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path, _ = exec.LookPath(withoutWindows)
	}
	if path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	if files := os.Getenv("TEST_TRUSTED_CERTS"); files != "" {
		keys, err := keysOf(files)
		if err != nil {
			return nil, func() {}, err
		}
		options = append(options, chromedp.Flag("ignore-certificate-errors-spki-list", keys))
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	if err = chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		err = fmt.Errorf("start Chromium (`make test` installs it; CHROMIUM names another): %w", err)
	}
	return ctx, func() { cancel(); release() }, err
}

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
