// Package testsystem starts the whole system for a test: every service as the binary that would be
// deployed, on a database of its own, with a broker and a Redis.
//
// Kafka is the embedded broker, or the real one that TEST_KAFKA_BROKERS names (which must be
// empty); Redis is the embedded one, or the one of TEST_REDIS_URL.
package testsystem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/service/servicetest"
)

// The services, in the order in which they start.
const (
	Gateway    = "sandbox-gateway"
	Core       = "payments-core"
	Ordering   = "ordering-core"
	Contractor = "contractor-ui"
	Manager    = "manager-ui"
	Identity   = "identity" // of NewWithProvider
)

var services = []string{Gateway, Core, Ordering, Contractor, Manager}

// Unlimited are settings of a system whose load comes from one address and few browsers.
var Unlimited = []string{"REQUESTS_PER_SESSION=0", "REQUESTS_PER_ADDRESS=0", "SIGN_INS_PER_ADDRESS=0", "SESSIONS_PER_ADDRESS=0", "SOCKETS_PER_SESSION=0", "REQUESTS_AT_ONCE=0"}

const gatewayToken = "test-token-of-the-gateway-0123456789"

// startTimeout is generous: tests share two cores with builds.
const startTimeout = 60 * time.Second

// System is a running system.
type System struct {
	tb       testing.TB
	bin      string
	provider bool
	Parts    *Parts
	addr     map[string]string
	api      string // where contractor-ui answers other services
	admin    map[string]string
	env      map[string][]string
	Database map[string]string // URL by service, of the role that owns all
	Keys     *kafkatest.Keys   // with which the services sign, and by which they verify

	mu      sync.Mutex
	running map[string]*Process
}

// New starts everything and waits until it is ready. All of it ends with the test.
func New(tb testing.TB, extra ...string) *System {
	tb.Helper()
	return newOfThese(tb, false, extra...)
}

func newOfThese(tb testing.TB, provider bool, extra ...string) *System {
	tb.Helper()
	s := prepare(tb, provider, Own{}, extra)
	s.startAll()
	return s
}

// Prepare is New for whoever starts the services by Command.
func Prepare(tb testing.TB, own Own, extra ...string) *System {
	tb.Helper()
	return prepare(tb, false, own, extra)
}

func prepare(tb testing.TB, provider bool, own Own, extra []string) *System {
	tb.Helper()
	s := newSystem(tb, Programs(tb), provider, extra, own)
	for _, name := range services {
		s.use(name, s.migrated(name, own.Postgres[name]))
	}
	s.Restrict()
	s.createTopics()
	return s
}

// NewWithProvider is New with people who sign in with a provider.
func NewWithProvider(tb testing.TB, extra ...string) *System {
	tb.Helper()
	return newOfThese(tb, true, extra...)
}

// NewOf is New with the programs in the folder bin, of another version.
func NewOf(tb testing.TB, bin string, extra ...string) *System {
	tb.Helper()
	s := newSystem(tb, bin, false, extra, Own{})
	for _, name := range services {
		s.use(name, pgtest.NewURL(tb))
		s.Run(name, "migrate")
	}
	s.startAll()
	return s
}

func newSystem(tb testing.TB, bin string, provider bool, extra []string, own Own) *System {
	tb.Helper()
	s := &System{tb: tb, bin: bin, provider: provider, Parts: startParts(tb, own), addr: map[string]string{}, admin: map[string]string{}, env: map[string][]string{},
		Database: map[string]string{}, Keys: kafkatest.NewKeys(tb), running: map[string]*Process{}}
	for _, name := range services {
		s.addr[name] = servicetest.FreeAddr(tb)
	}
	s.addr[Identity], s.api = servicetest.FreeAddr(tb), servicetest.FreeAddr(tb)
	s.env[Identity] = []string{"HTTP_ADDR=" + s.addr[Identity], "OIDC_ISSUER=" + s.URL(Identity),
		"CONTRACTOR_UI_URL=" + s.URL(Contractor), "CONTRACTOR_UI_SECRET=" + token(Contractor, Identity),
		"MANAGER_UI_URL=" + s.URL(Manager), "MANAGER_UI_SECRET=" + token(Manager, Identity)}
	common := []string{"ENVIRONMENT=development", "LOG_LEVEL=warn", "KAFKA_BROKERS=" + s.Parts.Brokers}
	for _, name := range services {
		s.env[name] = slices.Concat(common, []string{"HTTP_ADDR=" + s.addr[name], "ADMIN_ADDR=127.0.0.1:0"}, s.Keys.Environment(name), s.settings(name), extra)
	}
	s.env[seed] = []string{"ORDERING_CORE_URL=" + s.URL(Ordering), "ORDERING_CORE_TOKEN=" + token(seed, Ordering),
		"CONTRACTOR_UI_URL=" + s.URL(Contractor), "MANAGER_UI_URL=" + s.URL(Manager)}
	return s
}

// use gives a service its database, as its owner.
func (s *System) use(name, address string) {
	s.Database[name] = address
	s.env[name] = append(s.env[name], "DATABASE_URL="+address)
}

// Move has a service that does not run work with another database, from its next start on, as one whose role
// owns nothing.
func (s *System) Move(name, address string) {
	s.tb.Helper()
	s.Database[name] = address
	s.env[name] = append(s.env[name], "DATABASE_URL="+s.Serving(name), "MIGRATE_DATABASE_URL="+address)
}

// Settings are a service's variables, as NAME=value: of two of a name, the later one counts.
func (s *System) Settings(name string) []string { return slices.Clone(s.env[name]) }

// Restrict gives the services, from their next start on, roles that own nothing; migrate goes on as the
// owner.
func (s *System) Restrict() {
	s.tb.Helper()
	for _, name := range services {
		s.env[name] = append(s.env[name], "DATABASE_URL="+s.Serving(name), "MIGRATE_DATABASE_URL="+s.Database[name])
	}
}

// Serving is the URL of a service's database for the role that Restrict gives it.
func (s *System) Serving(name string) string { return pgtest.Serving(s.tb, s.Database[name]) }

func (s *System) startAll() {
	s.tb.Helper()
	s.tb.Cleanup(s.stopAll)
	if s.provider {
		s.Start(Identity)
		s.WaitReady(Identity)
	}
	for _, name := range services {
		s.Start(name)
	}
	for _, name := range services {
		s.WaitReady(name)
	}
}

// Use takes the programs from another folder from now on.
func (s *System) Use(bin string) { s.bin = bin }

// settings returns the variables of one service.
func (s *System) settings(name string) []string {
	identity := []string{"IDENTITY=demo"}
	if s.provider {
		identity = []string{"IDENTITY=oidc", "PUBLIC_URL=" + s.URL(name), "OIDC_ISSUER=" + s.URL(Identity), "OIDC_CLIENT_ID=" + name,
			"OIDC_CLIENT_SECRET=" + token(name, Identity)}
	}
	web := append(identity, "REDIS_URL="+s.Parts.RedisURL,
		"ORDERING_CORE_URL="+s.URL(Ordering), "ORDERING_CORE_TOKEN="+token(name, Ordering))
	switch name {
	case Gateway:
		return []string{"GATEWAY_TOKEN=" + gatewayToken, "SLOW_DELAY=1s"}
	case Core:
		return []string{"GATEWAY_TOKEN=" + gatewayToken, "GATEWAY_URL=" + s.URL(Gateway), "RETRY_DELAYS=100ms,200ms,300ms", "PAYOUT_GRACE=0s",
			"SERVICE_TOKENS=" + accepted(Core, Manager)}
	case Ordering:
		return []string{"SERVICE_TOKENS=" + accepted(Ordering, Contractor, Manager, seed)}
	case Contractor:
		return append(web, "API_ADDR="+s.api, "SERVICE_TOKENS="+accepted(Contractor, Manager))
	}
	return append(web, "CONTRACTOR_UI_API_URL=http://"+s.api, "CONTRACTOR_UI_API_TOKEN="+token(Manager, Contractor), "PAYMENTS_CORE_URL="+s.URL(Core), "PAYMENTS_CORE_TOKEN="+token(Manager, Core))
}

// token returns the bearer token of a caller at a service.
func token(caller, service string) string {
	return fmt.Sprintf("test-token-of-%s-at-%s-0123456789", caller, service)
}

// accepted returns the value of a service's SERVICE_TOKENS.
func accepted(service string, callers ...string) string {
	pairs := make([]string, len(callers))
	for i, caller := range callers {
		pairs[i] = caller + "=" + token(caller, service)
	}
	return strings.Join(pairs, ",")
}

// Token returns the bearer token of a caller at a service.
func (s *System) Token(caller, service string) string { return token(caller, service) }

// Seed fills the system as make run does.
func (s *System) Seed() string { return s.Run(seed) }

// URL returns the address of a service.
func (s *System) URL(name string) string { return "http://" + s.addr[name] }

// Run runs one command of a service to its end and returns what it printed.
func (s *System) Run(name string, args ...string) string {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), startTimeout)
	defer cancel()
	out, err := s.Command(ctx, name, args...).CombinedOutput()
	if err != nil {
		s.tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Command returns one command of a service with its environment, to be started.
func (s *System) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Env = append(os.Environ(), s.env[name]...)
	return cmd
}

// Process is one running service.
type Process struct {
	cmd  *exec.Cmd
	log  *lockedBuffer
	done chan struct{}
	err  error
}

// Start starts a service that is not running.
func (s *System) Start(name string) {
	s.tb.Helper()
	role := []string{"all"}
	if name == Identity {
		role = nil
	}
	p := &Process{cmd: exec.Command(filepath.Join(s.bin, name), role...), log: &lockedBuffer{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), s.env[name]...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		s.tb.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[name] = p
}

// Kill ends a service as a crash would (SIGKILL), and waits until it is gone.
func (s *System) Kill(name string) {
	s.tb.Helper()
	p := s.process(name)
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop asks a service to stop (SIGTERM), and returns its exit error.
func (s *System) Stop(name string) error {
	s.tb.Helper()
	p := s.process(name)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return p.err
	case <-time.After(30 * time.Second):
		return errors.New("still running after 30 s")
	}
}

// Log returns what a service has printed since its last start.
func (s *System) Log(name string) string { return s.process(name).log.String() }

func (s *System) process(name string) *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[name]
}

// WaitReady waits until a service says that it is ready.
func (s *System) WaitReady(name string) {
	s.tb.Helper()
	p := s.process(name)
	deadline := time.After(startTimeout)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		response, err := http.Get(s.URL(name) + "/readyz")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-p.done:
			s.tb.Fatalf("%s ended: %v\n%s", name, p.err, p.log)
		case <-deadline:
			s.tb.Fatalf("%s is not ready: %v\n%s", name, err, p.log)
		case <-tick.C:
		}
	}
}

// stopAll stops everything, and shows what was logged when the test has failed.
func (s *System) stopAll() {
	all := append([]string{Identity}, services...)
	for _, name := range all {
		if p := s.process(name); p != nil {
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	late := time.After(15 * time.Second)
	for _, name := range all {
		p := s.process(name)
		if p == nil {
			continue
		}
		select {
		case <-p.done:
		case <-late:
			s.tb.Errorf("%s does not stop", name)
			_ = p.cmd.Process.Kill()
			<-p.done
		}
		if s.tb.Failed() {
			s.tb.Logf("---- %s ----\n%s", name, p.log)
		}
	}
}

// lockedBuffer is a buffer that one goroutine writes and others read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
