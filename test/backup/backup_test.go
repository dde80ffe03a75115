// Package backup restores the whole system from a backup and the topics, on another server.
package backup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/service/servicetest"
	"countersign.example/test/testsystem"
)

func TestMain(m *testing.M) {
	code := m.Run()
	testsystem.Cleanup()
	os.Exit(code)
}

// tools is the folder of PostgreSQL's programs. The embedded server has no pg_dump, and one of another
// package dumps no later server than its own.
func tools(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("PG_BIN"); dir != "" {
		return dir
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	require.NoError(t, err)
	if len(found) == 0 {
		t.Skip("PostgreSQL's server and its tools are missing: install Debian's package postgresql, or name their folder in PG_BIN")
	}
	return filepath.Dir(found[len(found)-1])
}

// server is a PostgreSQL of the test's own.
type server struct {
	t               *testing.T
	bin, data, port string
	as              *syscall.SysProcAttr // it refuses to run as root
}

// newServer starts one.
func newServer(t *testing.T, bin string) server {
	t.Helper()
	s := unmade(t, bin)
	s.run("initdb", "--pgdata="+s.data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
	s.start()
	return s
}

// unmade is a server without data.
func unmade(t *testing.T, bin string) server {
	t.Helper()
	dir, err := os.MkdirTemp("", "countersign-postgres-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := server{t: t, bin: bin, data: filepath.Join(dir, "data"), as: &syscall.SysProcAttr{}}
	_, s.port, _ = strings.Cut(servicetest.FreeAddr(t), ":")
	if os.Getuid() == 0 {
		nobody, err := user.Lookup("nobody")
		require.NoError(t, err)
		uid, _ := strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		require.NoError(t, os.Chown(dir, uid, gid))
	}
	return s
}

func (s server) run(name string, args ...string) {
	s.t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.bin, name)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.SysProcAttr = filepath.Dir(s.data), s.as
	// A file, since the server goes on with what it is given, and a pipe would be waited for.
	log, err := os.CreateTemp(s.t.TempDir(), filepath.Base(name))
	require.NoError(s.t, err)
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(log.Name())
		s.t.Fatalf("%s: %v\n%s", name, err, said)
	}
}

// start starts it until the test ends.
func (s server) start() {
	s.t.Helper()
	options := "-p " + s.port + " -k " + filepath.Dir(s.data) + " -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300"
	s.run("pg_ctl", "--pgdata="+s.data, "--wait", "--options="+options, "start")
	s.t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(s.data, "postmaster.pid")); err == nil { // the test has not stopped it
			s.run("pg_ctl", "--pgdata="+s.data, "--mode=immediate", "stop")
		}
	})
}

func (s server) database(name string) string {
	return "postgres://postgres@127.0.0.1:" + s.port + "/" + name + "?sslmode=disable"
}

// exec runs statements, and returns the last one's first value, as text.
func (s server) exec(statements ...string) (value string) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.database("postgres"))
	require.NoError(s.t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(s.t.Context())) }()
	for _, statement := range statements {
		results, err := conn.PgConn().Exec(s.t.Context(), statement).ReadAll()
		require.NoError(s.t, err)
		if rows := results[len(results)-1].Rows; len(rows) > 0 {
			value = string(rows[0][0])
		}
	}
	return value
}

var (
	cores = []string{testsystem.Core, testsystem.Ordering}
	apps  = []string{testsystem.Contractor, testsystem.Manager}
	all   = append(append([]string{}, cores...), apps...)
)

func TestTheWholeSystemIsRestoredOnAnotherServer(t *testing.T) {
	// Given people at work, and a backup that was taken meanwhile.
	bin := tools(t)
	here, there := newServer(t, bin), newServer(t, bin)
	t.Setenv("TEST_DATABASE_URL", here.database("postgres"))
	t.Setenv("PG_BIN", bin)
	sys := testsystem.New(t, testsystem.Unlimited...)
	ada, mia := sys.SignIn(t, testsystem.Contractor, "Ada Nowak"), sys.SignIn(t, testsystem.Manager, "Mia Weber")
	before := pay(t, sys, ada, mia, "before the backup")
	settings, backup := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	keep(t, sys, settings)
	t.Log(script(t, "backup.sh", settings, backup))
	after := pay(t, sys, ada, mia, "after the backup")
	sys.Product(t, "CEM-25", "Cement", 7_50) // ordering-core has written something, too
	sys.Settle(t)
	asked, going := make(chan []asking, 1), make(chan struct{})
	go func() { asked <- ask(ada, 20, going) }()
	<-going

	// When all databases are lost, while somebody asks for payments, and restored on another server. The gateway
	// is somebody else's: it stays.
	lost := time.Now()
	for _, name := range all {
		sys.Kill(name)
		was := path.Base(strings.Split(sys.Database[name], "?")[0])
		here.exec("drop database " + was + " with (force)")
		here.exec("create database " + was) // which ends with the test
		database := strings.ReplaceAll(name, "-", "_")
		there.exec("create database " + database)
		sys.Move(name, there.database(database))
	}
	keep(t, sys, settings)
	t.Log(script(t, "restore.sh", settings, backup))
	for _, core := range cores {
		sys.Start(core)
		testsystem.Eventually(t, core+" holds itself back", func() error { return sys.Logged(core, "its journal lacks") })
		t.Log(sys.Run(core, "adopt", "--reason", "the server is lost", "--by", "Olga Brandt"))
		sys.WaitReady(core)
	}
	for _, app := range apps {
		sys.Start(app)
		sys.WaitReady(app)
	}

	// Then what was paid after the backup is there again, no money has moved again, and all agree.
	sys.Settle(t)
	report := sys.Reconcile(t)
	require.Empty(t, report.Differences)
	t.Logf("restored, adopted and compared in %s", time.Since(lost).Round(100*time.Millisecond))
	topic := sys.CheckInvariants(t)
	answered := <-asked
	published := 0
	for ; published < len(answered); published++ { // in the order of their answers: what is lost is the last
		if _, there := topic[answered[published].id]; !there {
			break
		}
	}
	if published < len(answered) {
		t.Logf("%d of the %d payments that were answered meanwhile are lost, those of the last %s", len(answered)-published, len(answered),
			answered[len(answered)-1].at.Sub(answered[published].at).Round(time.Millisecond))
	} else {
		t.Logf("none of the %d payments that were answered meanwhile is lost", len(answered))
	}
	if extra := len(topic) - 2 - published; extra < 0 || extra > 1 { // whose answer did not arrive
		t.Errorf("there are %d payments more than were answered one after the other", extra)
	}
	for _, id := range []string{before, after} {
		require.Equal(t, payment.MoneyCaptured, topic[id].Payment.Money)
	}
	require.Equal(t, 4, report.Compared.GatewayRecords)
	pay(t, sys, ada, mia, "on the new server")
	sys.Settle(t)
	sys.CheckInvariants(t)

	// And nothing is restored over what is there, or from what is not whole.
	out, err := command(t, "restore.sh", settings, backup).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "must be empty: nothing was restored")
	require.NoError(t, os.Truncate(filepath.Join(backup, testsystem.Core+".dump"), 100))
	out, err = command(t, "restore.sh", settings, backup).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "is not whole: nothing was restored")
}

// keep writes the services' settings as the launcher does.
func keep(t *testing.T, sys *testsystem.System, dir string) {
	t.Helper()
	for _, name := range all {
		var file strings.Builder
		for _, pair := range sys.Settings(name) {
			variable, value, _ := strings.Cut(pair, "=")
			fmt.Fprintf(&file, "export %s='%s'\n", variable, value)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".env"), []byte(file.String()), 0o600))
	}
}

func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("../../deploy/backup", name), args...)
	cmd.Env = append(os.Environ(), "BIN="+testsystem.Programs(t))
	return cmd
}

func script(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := command(t, name, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// pay has a payment requested, accepted and captured.
func pay(t *testing.T, sys *testsystem.System, ada, mia *testsystem.Client, description string) (id string) {
	t.Helper()
	form, err := ada.Open("/payments/new")
	require.NoError(t, err)
	shown, err := form.Press("Request payment", "Amount", "10.00", "Currency", "EUR", "Description", description)
	require.NoError(t, err)
	id = path.Base(shown.URL.Path)
	testsystem.Eventually(t, "it is accepted", func() error { return mia.Decide(id, "Accept", "Accepted") })
	testsystem.Eventually(t, "it is captured", func() error {
		if got := sys.Topic(t)[id].Payment.Money; got != payment.MoneyCaptured {
			return fmt.Errorf("it is %q", got)
		}
		return nil
	})
	return id
}

// asking is a payment that somebody was told is asked for, and when.
type asking struct {
	id string
	at time.Time
}

// ask asks for one payment after the other until there is no answer, and closes going after so many.
func ask(ada *testsystem.Client, so int, going chan<- struct{}) (answered []asking) {
	for {
		form, err := ada.Open("/payments/new")
		if err != nil {
			return answered
		}
		shown, err := form.Press("Request payment", "Amount", "10.00", "Currency", "EUR", "Description", "until the end")
		if err != nil {
			return answered
		}
		answered = append(answered, asking{path.Base(shown.URL.Path), time.Now()})
		if len(answered) == so {
			close(going)
		}
	}
}
