package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/embedded"
	"countersign.example/pkg/kafka/connection"
)

// A copy of the test binary plays the programs that the launcher starts, chosen by this variable.
const fakeVariable = "LOCAL_TEST_FAKE"

func TestMain(m *testing.M) {
	embedded.PostgresKeeper()
	switch os.Getenv(fakeVariable) {
	case "":
		os.Exit(m.Run())
	case "service":
		fakeService()
	case "dying":
		fmt.Println("about to fail")
		os.Exit(3)
	case "launcher":
		fakeLauncher()
	case "query":
		fakeQuery()
	}
}

// fakeService is ready at once and stops on SIGTERM, saying so.
func fakeService() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", os.Getenv("HTTP_ADDR"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = server.Serve(listener) }()
	<-ctx.Done()
	fmt.Println(os.Getenv("NAME"), "stopped")
}

// fakeLauncher starts a service and waits to be killed.
func fakeLauncher() {
	l := &launcher{root: os.TempDir(), out: newOutput(os.Stdout)}
	child, err := l.start("service", 0, append(os.Environ(), fakeVariable+"=service"), self())
	if err != nil {
		panic(err)
	}
	if err := child.ready(context.Background(), "http://"+os.Getenv("HTTP_ADDR"), 10*time.Second); err != nil {
		panic(err)
	}
	fmt.Println("up")
	<-child.ended
}

func fakeQuery() {
	conn, err := pgx.Connect(context.Background(), os.Getenv(testDatabaseVariable))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var fsync string
	if err := conn.QueryRow(context.Background(), "show fsync").Scan(&fsync); err != nil || fsync != "off" {
		os.Exit(1)
	}
	os.Exit(42)
}

func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

func testLauncher(t *testing.T) (*launcher, *bytes.Buffer) {
	t.Helper()
	var printed bytes.Buffer
	return &launcher{root: t.TempDir(), out: &output{to: &printed}}, &printed
}

func freeAddr(t *testing.T) string {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

func startFake(t *testing.T, l *launcher, name string) (*process, string) {
	t.Helper()
	addr := freeAddr(t)
	p, err := l.start(name, 0, append(os.Environ(), fakeVariable+"=service", "HTTP_ADDR="+addr, "NAME="+name), self())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.ready(t.Context(), "http://"+addr+"/readyz", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	return p, addr
}

func TestThingsStopInReverseOrder(t *testing.T) {
	l, printed := testLauncher(t)
	running := &stack{}
	for _, name := range []string{"first", "second", "third"} {
		p, _ := startFake(t, l, name)
		running.pushProcess(p)
	}

	running.stop()

	text := printed.String()
	third, second, first := strings.Index(text, "third stopped"), strings.Index(text, "second stopped"), strings.Index(text, "first stopped")
	if third < 0 || second < third || first < second {
		t.Errorf("stopped in another order:\n%s", text)
	}
}

func TestADeathIsNamedWithItsLastLines(t *testing.T) {
	l, _ := testLauncher(t)
	running := &stack{}
	defer running.stop()
	healthy, _ := startFake(t, l, "healthy")
	running.pushProcess(healthy)

	dying, err := l.start("dying", 0, append(os.Environ(), fakeVariable+"=dying"), self())
	if err != nil {
		t.Fatal(err)
	}
	running.pushProcess(dying)

	if name := <-running.died(); name != "dying" {
		t.Errorf("died: %s", name)
	}
	err = dying.ready(t.Context(), "http://127.0.0.1:1/", time.Minute)
	if err == nil || err.Error() != "dying ended by itself (exit status 3)" {
		t.Errorf("the last line is %v", err)
	}
	if died, is := errors.AsType[*deathError](err); !is || died.tail != "about to fail" {
		t.Errorf("its last lines are missing: %v", err)
	}
}

func TestAKilledServiceIsNamedInOneLine(t *testing.T) {
	// given a service
	l, _ := testLauncher(t)
	p, _ := startFake(t, l, "payments-core")
	// when it is killed
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	// then the line says which it was, and how it ended
	if got := p.death().Error(); got != "payments-core ended by itself (signal: killed)" {
		t.Errorf("said %q", got)
	}
}

func TestAServiceThatWasKilledIsStartedAgain(t *testing.T) {
	for _, signal := range []os.Signal{os.Kill, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			// given two services that are kept
			l, printed := testLauncher(t)
			running := &stack{}
			killed, _ := startFake(t, l, "payments-core")
			other, _ := startFake(t, l, "manager-ui")
			running.pushProcess(other)
			running.pushProcess(killed)
			restart := func(_ context.Context, name string) (*process, error) {
				p, _ := startFake(t, l, name)
				return p, nil
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			kept := make(chan error, 1)
			go func() { kept <- l.keep(ctx, running, restart) }()

			// when one of them is ended by somebody else, then it comes back, and again the next time
			for range 2 {
				before := running.process("payments-core")
				if err := before.cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				eventually(t, "it runs again", func() bool { return running.process("payments-core") != before })
			}
			if running.process("manager-ui") != other {
				t.Error("the other one was started again, too")
			}

			// and all of it ends when it should
			stop()
			if err := <-kept; err != nil {
				t.Error(err)
			}
			running.stop()
			text := printed.String()
			if !strings.Contains(text, "payments-core ended by itself (") || strings.Count(text, "payments-core is ready again") != 2 {
				t.Errorf("printed:\n%s", text)
			}
		})
	}
}

func TestAServiceThatFailsIsNotStartedAgain(t *testing.T) {
	broken := func(t *testing.T, l *launcher) (*process, error) {
		t.Helper()
		p, err := l.start("payments-core", 0, append(os.Environ(), fakeVariable+"=dying"), self())
		if err != nil {
			t.Fatal(err)
		}
		return p, p.ready(t.Context(), "http://127.0.0.1:1/", time.Minute)
	}
	const says = "payments-core ended by itself (exit status 3)"
	t.Run("by itself", func(t *testing.T) {
		l, _ := testLauncher(t)
		running := &stack{}
		defer running.stop()
		p, _ := broken(t, l)
		running.pushProcess(p)
		err := l.keep(t.Context(), running, func(context.Context, string) (*process, error) {
			t.Error("it was started again")
			return broken(t, l)
		})
		if err == nil || err.Error() != says {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("when it is started again", func(t *testing.T) {
		l, _ := testLauncher(t)
		running := &stack{}
		defer running.stop()
		p, _ := startFake(t, l, "payments-core")
		running.pushProcess(p)
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		times := 0
		err := l.keep(t.Context(), running, func(context.Context, string) (*process, error) {
			times++
			return broken(t, l)
		})
		if err == nil || err.Error() != says || times != 1 {
			t.Errorf("ended with %v after %d starts", err, times)
		}
	})
}

func TestServicesDieWithAKilledLauncher(t *testing.T) {
	addr := freeAddr(t)
	launcher := exec.Command(self())
	launcher.Env = append(os.Environ(), fakeVariable+"=launcher", "HTTP_ADDR="+addr)
	out, err := launcher.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := launcher.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}

	if err := launcher.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = launcher.Wait()

	eventually(t, "the service is gone", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("not so after 20 s: %s", what)
		case <-tick.C:
		}
	}
}

func TestATakenPortNamesItsVariable(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := freeAddr(t)

	for name, c := range map[string]struct {
		claims []claim
		want   []string
	}{
		"all free":   {[]claim{{"a", free, "A"}}, nil},
		"taken":      {[]claim{{"contractor-ui", taken.Addr().String(), "CONTRACTOR_UI_ADDR"}}, []string{"taken", "CONTRACTOR_UI_ADDR"}},
		"one twice":  {[]claim{{"a", free, "A"}, {"b", free, "B"}}, []string{"A", "B"}},
		"no address": {[]claim{{"a", "3000", "A_ADDR"}}, []string{"A_ADDR", "host:port"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkPorts(c.claims)
			if c.want == nil && err != nil {
				t.Fatal(err)
			}
			for _, word := range c.want {
				if err == nil || !strings.Contains(err.Error(), word) {
					t.Errorf("%v does not say %s", err, word)
				}
			}
			if c.want != nil && exitCode(err) != 2 {
				t.Error("a taken port is a matter of configuration: exit code 2")
			}
		})
	}
}

func TestAServiceGetsNoOtherServicesSecrets(t *testing.T) {
	t.Setenv("DATABASE_URL_PAYMENTS_CORE", "postgres://elsewhere")
	p := parts{kafka: connection.Plaintext("k:1"), redis: "r", databases: map[string]database{}, tokens: map[call]string{}}
	for _, s := range services {
		p.databases[s.name] = database{serving: "database-of-" + s.name, owner: "owner-of-" + s.name}
	}
	for _, c := range calls {
		p.tokens[c] = "token-" + c.String()
	}
	for _, s := range services {
		for _, pair := range s.environment(p) {
			if strings.Contains(pair, "elsewhere") || strings.Contains(pair, "owner-of-") || strings.Contains(pair, "database-of-") && pair != "DATABASE_URL=database-of-"+s.name {
				t.Errorf("%s is told %s", s.name, pair)
			}
			for _, c := range calls {
				concerned := c.from == s.name || c.to == s.name || c == paymentsToGateway && s.name == sandboxGateway.name
				if strings.Contains(pair, p.tokens[c]) && !concerned {
					t.Errorf("%s is told the token of %s: %s", s.name, c, pair)
				}
			}
		}
	}
	for s, want := range map[service][]string{
		contractorUI: {"IDENTITY=demo", "ORDERING_CORE_TOKEN=token-contractor-ui-to-ordering-core"},
		managerUI:    {"PAYMENTS_CORE_TOKEN=token-manager-ui-to-payments-core", "ORDERING_CORE_TOKEN=token-manager-ui-to-ordering-core"},
		paymentsCore: {"SERVICE_TOKENS=manager-ui=token-manager-ui-to-payments-core", "GATEWAY_TOKEN=token-payments-core-to-gateway"},
		orderingCore: {"SERVICE_TOKENS=contractor-ui=token-contractor-ui-to-ordering-core," +
			"manager-ui=token-manager-ui-to-ordering-core,seed=token-seed-to-ordering-core"},
	} {
		for _, pair := range want {
			if !slices.Contains(s.environment(p), pair) {
				t.Errorf("%s is not told %s", s.name, pair)
			}
		}
	}
}

func TestProductionsSettingsHoldNoSecret(t *testing.T) {
	x := &secured{secrets: t.TempDir(), redis: map[string]string{contractorUI.name: "rediss://hidden", managerUI.name: "rediss://hidden"}}
	p := parts{secured: x, databases: map[string]database{}, tokens: map[call]string{}}
	for _, s := range services {
		p.databases[s.name] = database{serving: "serving-hidden", owner: "owner-hidden"}
	}
	for _, c := range calls {
		p.tokens[c] = "hidden"
	}
	for _, s := range services {
		if err := x.keep(s, s.plain(p)); err != nil {
			t.Fatal(err)
		}
		list := append(s.settings(p), s.migration(p)...)
		for _, pair := range list {
			if strings.Contains(pair, "hidden") {
				t.Errorf("%s is told %s", s.name, pair)
			}
		}
		file := "DATABASE_URL_FILE=" + filepath.Join(x.secrets, s.name, "DATABASE_URL")
		if content, err := os.ReadFile(strings.TrimPrefix(file, "DATABASE_URL_FILE=")); err != nil || string(content) != "serving-hidden\n" || !slices.Contains(list, file) {
			t.Errorf("%s finds %q (%v)", s.name, content, err)
		}
		if want := s != sandboxGateway; slices.Contains(list, "ENVIRONMENT=production") != want {
			t.Errorf("%s is in production: %v", s.name, !want)
		}
	}
}

func TestAShellReadsAServicesSettings(t *testing.T) {
	l, _ := testLauncher(t)
	if err := os.MkdirAll(l.data(), 0o755); err != nil {
		t.Fatal(err)
	}
	const address = "postgres://role:it's $HOME@127.0.0.1/name"
	if err := l.writeSettings(parts{databases: map[string]database{managerUI.name: {serving: address}}}); err != nil {
		t.Fatal(err)
	}
	path := l.data("manager-ui.env")
	got, err := exec.Command("sh", "-c", `. "$1" && sh -c 'printf %s "$DATABASE_URL"'`, "sh", path).Output()
	if err != nil || string(got) != address {
		t.Errorf("a shell reads %q (%v)", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the settings: %v, %v", info.Mode(), err)
	}
}

func TestOnlyOneLauncherAndNoResetMeanwhile(t *testing.T) {
	l, _ := testLauncher(t)
	release, err := l.own()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.reset(); !errors.Is(err, errRunning) {
		t.Errorf("reset while running: %v", err)
	}
	release()

	before, err := l.secret("word")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := l.secret("word"); again != before {
		t.Error("a secret changed by being read")
	}
	if err := l.reset(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(l.data()); len(entries) != 0 {
		t.Errorf(".local/ still has %v", entries)
	}
}

func TestAssetsAreStaleWhenTheirSourcesChange(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	digest := func() string {
		t.Helper()
		s, err := sum(dir, filepath.Join(dir, "absent"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write("app.js", "1")
	first := digest()
	write("dist/app-abc.js", "product")
	write("node_modules/turbo/index.js", "product")
	if digest() != first {
		t.Error("a product counts as a source")
	}
	write("app.js", "2")
	if digest() == first {
		t.Error("a change goes unnoticed")
	}
}

func TestWithPostgresPassesTheServerAndTheExitCode(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a PostgreSQL")
	}
	t.Setenv(testDatabaseVariable, "")
	t.Setenv(fakeVariable, "query")
	err := withPostgres(t.Context(), []string{self()})
	if code := exitCode(err); code != 42 {
		t.Errorf("exit code %d (%v), want the command's own 42", code, err)
	}
}

func TestRolesCannotEnterEachOthersDatabases(t *testing.T) {
	admin := os.Getenv(testDatabaseVariable)
	if admin == "" {
		t.Skip("needs a PostgreSQL of its own: make test")
	}
	l, _ := testLauncher(t)
	cfg, err := pgx.ParseConfig(admin)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second start finds everything there
		urls, err := l.createDatabases(t.Context(), admin, int(cfg.Port), services, "sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		own, err := pgx.Connect(t.Context(), urls[contractorUI.name].owner)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := own.Exec(t.Context(), "create table if not exists mine (id int)"); err != nil {
			t.Error(err)
		}
		_ = own.Close(t.Context())
		for _, database := range []string{managerUI.database, paymentsCore.database, orderingCore.database, "postgres"} {
			stranger := strings.Replace(urls[contractorUI.name].owner, "/contractor_ui?", "/"+database+"?", 1)
			if conn, err := pgx.Connect(t.Context(), stranger); err == nil {
				_ = conn.Close(t.Context())
				t.Errorf("contractor_ui may enter %s", database)
			}
		}
	}
}
