package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"countersign.example/pkg/embedded/devca"
)

func authority(t *testing.T) *devca.Authority {
	t.Helper()
	ca, err := devca.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func issue(t *testing.T, ca *devca.Authority, name string) devca.Pair {
	t.Helper()
	pair, err := ca.Issue(devca.Leaf{Name: name, Hosts: []string{"localhost", "127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// shown is the certificate that a server shows to who trusts the authority.
func shown(t *testing.T, addr string, trusted *x509.CertPool) *x509.Certificate {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: trusted, ServerName: "localhost"}) //nolint:gosec // any version
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

func TestAServerSpeaksHTTPSAndShowsARenewedCertificate(t *testing.T) {
	setEnv(t)
	ca := authority(t)
	pair := issue(t, ca, "server")
	addr := freeAddr(t)
	for name, value := range map[string]string{"HTTP_ADDR": addr, "TLS_CERT_FILE": pair.CertFile, "TLS_KEY_FILE": pair.KeyFile} {
		t.Setenv(name, value)
	}
	started := make(chan struct{})
	p := program(func(_ context.Context, _ *testConfig, rt *Runtime) error {
		rt.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
		rt.Add(Component{Name: "after http", Start: func(context.Context) error { close(started); return nil }})
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() { code <- p.Execute(ctx, []string{"web"}, io.Discard, io.Discard) }()
	select {
	case <-started:
	case <-time.After(10 * time.Second):
		t.Fatal("did not start")
	}
	trusted, err := ReadCAs("HTTP_CA_FILE", ca.CertFile())
	if err != nil {
		t.Fatal(err)
	}
	first := shown(t, addr, trusted)
	if got := p.Execute(context.Background(), []string{"healthcheck"}, io.Discard, io.Discard); got != 0 {
		t.Error("healthcheck: exit code", got)
	}

	// When a renewal has only half arrived, then what was there is still shown, for as long as anybody looks.
	issue(t, ca, "other")
	other, err := os.ReadFile(strings.Replace(pair.CertFile, "server", "other", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pair.CertFile, other, 0o600); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(lookAgain + 200*time.Millisecond); time.Now().Before(until); {
		if got := shown(t, addr, trusted); !got.Equal(first) {
			t.Fatal("a certificate without its key is shown")
		}
	}
	// When it is there, then it is shown, without a restart.
	issue(t, ca, "server")
	for until := time.Now().Add(10 * time.Second); shown(t, addr, trusted).Equal(first); {
		if time.Now().After(until) {
			t.Fatal("the renewed certificate is not shown")
		}
	}
	cancel()
	if got := <-code; got != 0 {
		t.Error("exit code", got)
	}
}

func TestSettingsOfTLSAreChecked(t *testing.T) {
	ca := authority(t)
	pair := issue(t, ca, "server")
	old, err := ca.Issue(devca.Leaf{Name: "old", Hosts: []string{"localhost"}, Until: -time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Config{
		"":                                 {TLSCertFile: pair.CertFile, TLSKeyFile: pair.KeyFile, HTTPCAFile: ca.CertFile()},
		"TLS_CERT_FILE is not set":         {TLSKeyFile: pair.KeyFile},
		"TLS_KEY_FILE is not set":          {TLSCertFile: pair.CertFile},
		"TLS_CERT_FILE and TLS_KEY_FILE: ": {TLSCertFile: pair.CertFile, TLSKeyFile: old.KeyFile},
		"TLS_CERT_FILE: the certificate expired at": {TLSCertFile: old.CertFile, TLSKeyFile: old.KeyFile},
		"HTTP_CA_FILE: open /none":                  {HTTPCAFile: "/none"},
		"holds no certificate in PEM":               {HTTPCAFile: pair.KeyFile},
	} {
		if err := c.checkTLS(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

func TestClientsTrustTheGivenAuthority(t *testing.T) {
	ca := authority(t)
	pair := issue(t, ca, "server")
	secure, err := ServerTLS(pair.CertFile, pair.KeyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.Listener = tls.NewListener(server.Listener, secure)
	server.Start()
	defer server.Close()
	ask := func() error {
		// as clients of this project are made
		client := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
		defer client.CloseIdleConnections()
		response, err := client.Get(strings.Replace(server.URL, "http:", "https:", 1))
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	if ask() == nil {
		t.Fatal("a certificate is trusted whose authority is not")
	}
	transport := http.DefaultTransport.(*http.Transport)
	before := transport.TLSClientConfig
	defer func() { transport.TLSClientConfig = before }()
	if err := Trust(ca.CertFile()); err != nil {
		t.Fatal(err)
	}
	if err := ask(); err != nil {
		t.Error(err)
	}
}

func TestProxiesSayWhoAsks(t *testing.T) {
	var proxies Proxies
	if err := proxies.UnmarshalText([]byte("10.0.0.0/8, 192.0.2.1,2001:db8::/32,::ffff:192.0.2.77,::ffff:192.0.3.0/120")); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"nobody forwards", "198.51.100.7:1234", nil, "198.51.100.7:1234"},
		{"a stranger says to forward", "198.51.100.7:1234", []string{"203.0.113.9"}, "198.51.100.7:1234"},
		{"a proxy forwards", "10.1.2.3:80", []string{"203.0.113.9"}, "203.0.113.9:0"},
		{"what a client made up stands before", "10.1.2.3:80", []string{"127.0.0.1, 203.0.113.9"}, "203.0.113.9:0"},
		{"in a line of its own", "10.1.2.3:80", []string{"127.0.0.1", "203.0.113.9"}, "203.0.113.9:0"},
		{"proxies one behind the other", "10.1.2.3:80", []string{"203.0.113.9, 192.0.2.1"}, "203.0.113.9:0"},
		{"all are proxies", "10.1.2.3:80", []string{"10.9.9.9"}, "10.9.9.9:0"},
		{"rubbish", "10.1.2.3:80", []string{"203.0.113.9, <script>"}, "10.1.2.3:80"},
		{"IPv6", "[2001:db8::1]:80", []string{"2001:db9::7"}, "[2001:db9::7]:0"},
		{"IPv4 in IPv6", "[::ffff:10.1.2.3]:80", []string{"203.0.113.9"}, "203.0.113.9:0"},
		{"with ports", "10.1.2.3:80", []string{"127.0.0.1:80, 203.0.113.9:41234"}, "203.0.113.9:0"},
		{"IPv6 with a port", "10.1.2.3:80", []string{"[2001:db9::7]:41234"}, "[2001:db9::7]:0"},
		{"a proxy named as IPv4 in IPv6", "192.0.2.77:80", []string{"203.0.113.9"}, "203.0.113.9:0"},
		{"a network of them", "192.0.3.1:80", []string{"203.0.113.9"}, "203.0.113.9:0"},
	} {
		got := ""
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.RemoteAddr, request.Header["X-Forwarded-For"] = tc.peer, tc.forwarded
		proxies.behind(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), request)
		if got != tc.want {
			t.Errorf("%s: %s asks, not %s", tc.name, got, tc.want)
		}
	}
	for _, wrong := range []string{"10.0.0.0/33", "10.0.0.0/8,0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"} {
		if err := proxies.UnmarshalText([]byte(wrong)); err == nil || !strings.Contains(err.Error(), "TRUSTED_PROXIES contains") {
			t.Error(wrong, err)
		}
	}
}
