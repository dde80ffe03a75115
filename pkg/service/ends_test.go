package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign.example/pkg/embedded/devca"
)

// What a service shows to others ends by time. It says so two weeks before, and counts on a metric; what
// lasts is not mentioned.
func TestCertificatesThatEndSoonAreSaid(t *testing.T) {
	setEnv(t)
	ca := authority(t)
	issueFor := func(name string, days int) devca.Pair {
		pair, err := ca.Issue(devca.Leaf{Name: name, Hosts: []string{"localhost", "127.0.0.1"}, Until: time.Duration(days)*24*time.Hour + time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	server, client := issueFor("server", 30), issueFor("client", 10)
	addr, admin := freeAddr(t), freeAddr(t)
	database := "postgres://app@localhost/app?" + url.Values{
		"sslmode": {"verify-full"}, "sslrootcert": {ca.CertFile()}, "sslcert": {client.CertFile}, "sslkey": {client.KeyFile},
	}.Encode()
	for name, value := range map[string]string{
		"HTTP_ADDR": addr, "ADMIN_ADDR": admin, "TLS_CERT_FILE": server.CertFile, "TLS_KEY_FILE": server.KeyFile, "DATABASE_URL": database,
	} {
		t.Setenv(name, value)
	}
	started := make(chan *Runtime, 1)
	p := program(func(_ context.Context, _ *testConfig, rt *Runtime) error {
		rt.Serve(nil)
		rt.Add(Component{Name: "after http", Start: func(context.Context) error { started <- rt; return nil }})
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() { code <- p.Execute(ctx, []string{"web"}, io.Discard, io.Discard) }()
	defer func() { cancel(); <-code }()
	var rt *Runtime
	select {
	case rt = <-started:
	case <-time.After(10 * time.Second):
		t.Fatal("did not start")
	}

	response, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	for of, days := range map[string]int{"http": 30, "postgres": 10} {
		var until float64
		for line := range strings.Lines(string(body)) {
			if strings.HasPrefix(line, "certificate_valid_until_seconds{") && strings.Contains(line, `of="`+of+`"`) {
				_, _ = fmt.Sscan(line[strings.LastIndex(line, " "):], &until)
			}
		}
		if left := time.Until(time.Unix(int64(until), 0)); left < time.Duration(days)*24*time.Hour || left > time.Duration(days+1)*24*time.Hour {
			t.Errorf("%s: %v", of, until)
		}
	}

	said := func(now time.Time) string {
		var log bytes.Buffer
		quiet := &Runtime{Log: slog.New(slog.NewTextHandler(&log, nil)), ends: rt.ends}
		quiet.warnOfEnds(now)
		return log.String()
	}
	if log := said(time.Now()); !strings.Contains(log, "sslcert") || !strings.Contains(log, "days=10") || strings.Contains(log, "TLS_CERT_FILE") {
		t.Error(log)
	}
	if log := said(time.Now().AddDate(0, 0, 20)); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "it has ended") || !strings.Contains(log, "TLS_CERT_FILE") {
		t.Error(log)
	}
}
