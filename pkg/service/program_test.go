package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

type testConfig struct {
	Config
	KafkaConfig
}

func program(start func(context.Context, *testConfig, *Runtime) error) Program[testConfig] {
	return Program[testConfig]{
		Name: "sample", Short: "A sample", Defaults: testConfig{Config: Config{HTTPAddr: "127.0.0.1:0"}},
		Migrate: func(context.Context, *testConfig, *slog.Logger) error { return errors.New("no database") },
		Start:   start,
		Commands: []func(Loader[testConfig]) *cobra.Command{func(Loader[testConfig]) *cobra.Command {
			letters := &cobra.Command{Use: "letters"}
			letters.AddCommand(&cobra.Command{Use: "list", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return nil }})
			return letters
		}},
	}
}

func setEnv(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://sample:secret@127.0.0.1:1/sample")
	t.Setenv("KAFKA_BROKERS", "127.0.0.1:9092,127.0.0.1:9093")
	t.Setenv("EVENT_VERIFY_KEYS_FILE", "/keys/verify.json")
}

func TestExitCodesAndMessages(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  map[string]string
		args []string
		code int
		want string
	}{
		{"an unknown command", nil, []string{"dance"}, 2, `"dance" is not a command`},
		{"an unknown flag", nil, []string{"--fast"}, 2, "unknown flag: --fast"},
		{"arguments that a command does not take", nil, []string{"letters", "list", "7"}, 2, "unknown command"},
		{"an unknown command below one", nil, []string{"letters", "dance"}, 2, `"dance" is not a command; see sample letters --help`},
		{"a command with others below", nil, []string{"letters"}, 0, "list"},
		{"nothing configured", map[string]string{"DATABASE_URL": "", "KAFKA_BROKERS": ""}, nil, 2, "DATABASE_URL is"},
		{"a strange environment", map[string]string{"ENVIRONMENT": "moon"}, []string{"web"}, 2, `ENVIRONMENT is "moon"`},
		{"half a verification", map[string]string{"VERIFY_EVENTS": "off"}, []string{"web"}, 2, `VERIFY_EVENTS is "off": use required or accepted`},
		{"a strange address", map[string]string{"HTTP_ADDR": "3000"}, []string{"web"}, 2, `HTTP_ADDR is "3000": use host:port or :port`},
		{"a strange address for operators", map[string]string{"ADMIN_ADDR": "3100"}, []string{"web"}, 2, `ADMIN_ADDR is "3100": use host:port or :port`},
		{"a strange pause", map[string]string{"DRAIN_DELAY": "-1s"}, []string{"web"}, 2, "DRAIN_DELAY is -1s"},
		{"a collector without a scheme", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, nil, 2, `OTEL_EXPORTER_OTLP_ENDPOINT is "collector:4318"`},
		{"traces by another protocol", map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, nil, 2, `OTEL_EXPORTER_OTLP_PROTOCOL is "grpc": use http/protobuf`},
		{"a strange sampler", map[string]string{"OTEL_TRACES_SAMPLER": "some"}, nil, 2, `OTEL_TRACES_SAMPLER is "some"`},
		{"a strange share", map[string]string{"OTEL_TRACES_SAMPLER_ARG": "NaN"}, nil, 2, `OTEL_TRACES_SAMPLER_ARG is "NaN"`},
		{"a strange level", map[string]string{"LOG_LEVEL": "loud"}, nil, 2, "LOG_LEVEL: "},
		{"a failure", nil, []string{"migrate"}, 1, "sample: no database"},
		{"help", nil, []string{"--help"}, 0, "healthcheck"[:0]},
		{"the variables", nil, []string{"config"}, 0, "KAFKA_BROKERS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			setEnv(t)
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			var out bytes.Buffer
			code := program(nil).Execute(context.Background(), append([]string{}, tc.args...), &out, &out)
			if code != tc.code || !strings.Contains(out.String(), tc.want) {
				t.Errorf("code %d, want %d; %q not in:\n%s", code, tc.code, tc.want, &out)
			}
			if strings.Contains(out.String(), "secret") {
				t.Error("a password is shown")
			}
		})
	}
}

func TestAServiceIsReadyDegradedOrUnavailable(t *testing.T) {
	setEnv(t)
	addr, admin := freeAddr(t), freeAddr(t)
	t.Setenv("HTTP_ADDR", addr)
	t.Setenv("ADMIN_ADDR", admin)
	var redis, postgres error
	started := make(chan *Runtime, 1)
	p := program(func(_ context.Context, _ *testConfig, rt *Runtime) error {
		rt.Health.Critical("postgres", func(context.Context) error { return postgres })
		rt.Health.Optional("redis", func(context.Context) error { return redis })
		rt.Serve(nil)
		rt.Add(Component{Name: "after http", Start: func(context.Context) error { started <- rt; return nil }})
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() { code <- p.Execute(ctx, []string{"web"}, io.Discard, io.Discard) }()
	var rt *Runtime
	select {
	case rt = <-started:
	case <-time.After(10 * time.Second):
		t.Fatal("did not start")
	}
	for _, tc := range []struct {
		redis, postgres error
		status          int
		want            Status
	}{
		{nil, nil, 200, Ready},
		{errors.New("away"), nil, 200, Degraded},
		{errors.New("away"), errors.New("away"), 503, Unavailable},
	} {
		rt.Health.mu.Lock()
		redis, postgres, rt.Health.at = tc.redis, tc.postgres, time.Time{}
		rt.Health.mu.Unlock()
		// The public listener says the word alone, the operators' what is wrong.
		if code, word := get(t, "http://"+addr+"/readyz"); code != tc.status || word != string(tc.want)+"\n" {
			t.Errorf("got %d %q, want %d %s", code, word, tc.status, tc.want)
		}
		code, details := get(t, "http://"+admin+"/readyz")
		var report Report
		if err := json.Unmarshal([]byte(details), &report); err != nil || code != tc.status || report.Status != tc.want || len(report.Checks) != 2 {
			t.Errorf("got %d %s, want %d %s", code, details, tc.status, tc.want)
		}
	}
	for path, want := range map[string]string{"/metrics": "go_goroutines", "/debug/pprof/goroutine?debug=1": "goroutine profile", "/livez": "alive"} {
		if code, text := get(t, "http://"+admin+path); code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("the operators' %s answers %d %.100q", path, code, text)
		}
		if path == "/livez" {
			continue
		}
		if code, _ := get(t, "http://"+addr+path); code != http.StatusNotFound {
			t.Errorf("%s is public: %d", path, code)
		}
	}
	if got := p.Execute(context.Background(), []string{"healthcheck"}, io.Discard, io.Discard); got != 0 {
		t.Error("healthcheck: exit code", got)
	}
	cancel()
	if got := <-code; got != 0 {
		t.Error("exit code", got)
	}
}

// late is what a check says to people.
type late struct{}

func (late) Error() string  { return "catching up" }
func (late) Notice() string { return "Catching up: 43%." }

func TestPagesAreToldWhatIsAway(t *testing.T) {
	h := &Health{}
	h.Critical("database", func(context.Context) error { return nil })
	h.Optional("redis", func(context.Context) error { return errors.New("refused") })
	h.Optional("kafka", func(context.Context) error { return nil })
	h.Optional("copies", func(context.Context) error { return fmt.Errorf("look: %w", late{}) })
	if got := h.Away(t.Context()); !slices.Equal(got, []string{"redis", "Catching up: 43%."}) {
		t.Errorf("told %q", got)
	}
}

func TestATakenPortNamesTheVariable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Listen(context.Background(), "ADMIN_ADDR", l.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "set ADMIN_ADDR to another") {
		t.Error(err)
	}
}

func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func get(t *testing.T, url string) (code int, text string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
