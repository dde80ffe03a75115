package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"countersign.example/pkg/telemetry"
	"countersign.example/pkg/tracing"
)

// Role is the part of a service that a process plays.
type Role string

const (
	Web      Role = "web"      // HTTP and websockets
	Consumer Role = "consumer" // Kafka, relay and jobs; HTTP for health only
	All      Role = "all"      // both in one process
)

// Serves reports whether a process in this role plays the given one.
func (r Role) Serves(part Role) bool { return r == part || r == All }

// Runtime is what a service is built upon while it starts.
type Runtime struct {
	Name    string
	Role    Role
	Log     *slog.Logger
	Metrics *telemetry.Metrics
	Health  *Health
	*Group  // add components to it: what is needed by others first
	base    *Config
	secure  *tls.Config // of the HTTP server; nil for none
	gate    gate
	ends    []func() []Ending
}

// Serve adds the HTTP server: /livez and /readyz, and handler (may be nil) for the rest. Add it
// after what its handlers need, and what must end before it (sockets) after it.
func (rt *Runtime) Serve(handler http.Handler) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", rt.Health.livez)
	mux.HandleFunc("GET /readyz", rt.Health.readyz)
	if handler != nil {
		mux.Handle("/", rt.gate.behind(handler))
	}
	rt.Add(HTTPServer("HTTP_ADDR", rt.base.HTTPAddr, rt.base.TrustedProxies.behind(mux), rt.secure, rt.Log))
}

// ServeOthers adds a second HTTP server, for other services alone: at an address of its own, which variable
// gives, so that nobody who reaches the first one reaches it.
func (rt *Runtime) ServeOthers(variable, addr string, handler http.Handler) {
	component := HTTPServer(variable, addr, rt.gate.behind(handler), rt.secure, rt.Log)
	component.Name = "http for services"
	rt.Add(component)
}

// Program is one service's command line. C is its configuration, a struct that embeds Config.
type Program[C any] struct {
	Name     string
	Short    string
	Defaults C
	// Migrate brings the database, and the topics it owns, to the version of this binary.
	Migrate func(ctx context.Context, cfg *C, log *slog.Logger) error
	// Start opens what the role needs and adds components to rt; they run after it returns.
	Start func(ctx context.Context, cfg *C, rt *Runtime) error
	// Check looks at what the configuration names, such as files, without connecting to anything; nil for none.
	Check func(cfg *C, role Role) error
	// Commands are added to the command line, such as dead-letters.
	Commands []func(load Loader[C]) *cobra.Command
}

// Loader gives a command the configuration and a logger, when it runs.
type Loader[C any] func() (*C, *slog.Logger, error)

// UsageError is an error of the person who started the program: exit code 2.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Main runs the command line and ends the process with its exit code. A first SIGINT or SIGTERM
// stops in order, a second one at once.
func (p Program[C]) Main() {
	tuneCollector()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(p.Execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Execute is Main for tests: it returns the exit code, and ends in order when ctx does.
func (p Program[C]) Execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := p.command(stderr)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
	}
	return exitCode(err)
}

// Main runs a program that is no service until it ends or is told to, and exits.
func Main(run func(ctx context.Context, args []string, out io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(exitCode(err))
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if _, usage := errors.AsType[UsageError](err); usage {
		return 2
	}
	return 1
}

func (p Program[C]) command(logTo io.Writer) *cobra.Command {
	loadFor := func(role Role) (*C, *slog.Logger, error) {
		cfg, err := Load(p.Defaults, role)
		if err != nil {
			return nil, nil, err
		}
		base := any(cfg).(Configuration).Base()
		return cfg, telemetry.NewLogger(logTo, p.Name, base.LogFormat, base.LogLevel), nil
	}
	load := func() (*C, *slog.Logger, error) { return loadFor("") }
	run := func(role Role) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := loadFor(role)
			if err != nil {
				return err
			}
			return p.Run(cmd.Context(), cfg, role, log)
		}
	}
	noArgs := func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return UsageError{fmt.Errorf("%q is not a command; see %s --help", args[0], p.Name)}
		}
		return nil
	}
	root := &cobra.Command{
		Use: p.Name, Short: p.Short, Args: noArgs, RunE: run(All),
		Long:         p.Short + ".\n\nWithout a command it runs everything (all). Configuration comes from the environment: see the command config.",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return UsageError{err} })
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		&cobra.Command{Use: "web", Short: "Serve HTTP and websockets", Args: noArgs, RunE: run(Web)},
		&cobra.Command{Use: "consumer", Short: "Consume and publish events, and run jobs", Args: noArgs, RunE: run(Consumer)},
		&cobra.Command{Use: "all", Short: "web and consumer in one process (the default)", Args: noArgs, RunE: run(All)},
		&cobra.Command{Use: "migrate", Short: "Bring the database and the topics up to date", Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := load()
			if err != nil {
				return err
			}
			return p.Migrate(cmd.Context(), cfg, log)
		}},
		p.configCommand(noArgs, loadFor),
		&cobra.Command{Use: "healthcheck", Short: "Ask the running service whether it lives", Hidden: true, Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return healthcheck(cmd.Context(), p.httpAddr())
		}},
	)
	for _, add := range p.Commands {
		added := add(load)
		usageErrors(added)
		root.AddCommand(added)
	}
	return root
}

// configCommand tells what can be set, and with --check, what is wrong with what is set.
func (p Program[C]) configCommand(noArgs cobra.PositionalArgs, load func(Role) (*C, *slog.Logger, error)) *cobra.Command {
	check, role := false, string(All)
	command := &cobra.Command{
		Use: "config", Short: "Print every variable this service reads; with --check, say all that is wrong with them", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !check {
				return PrintVariables(cmd.OutOrStdout(), p.Defaults)
			}
			if !slices.Contains([]Role{Web, Consumer, All}, Role(role)) {
				return UsageError{fmt.Errorf("--role is %q: use web, consumer or all", role)}
			}
			cfg, _, err := load(Role(role))
			if err != nil {
				return err
			}
			if p.Check != nil {
				if err := p.Check(cfg, Role(role)); err != nil {
					return UsageError{fmt.Errorf("configuration: %w", err)}
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s can start with these settings, in %s\n", p.Name, any(cfg).(Configuration).Base().Environment)
			return nil
		},
	}
	command.Flags().BoolVar(&check, "check", false, "connect to nothing, and end with 0 if the settings are right, else with 2 and all that is wrong")
	command.Flags().StringVar(&role, "role", role, "with --check: for which process, web, consumer or all")
	return command
}

// usageErrors has wrong arguments of a command, and of those below it, end the process as every usage error
// does.
func usageErrors(command *cobra.Command) {
	if check := command.Args; check != nil {
		command.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return UsageError{err}
			}
			return nil
		}
	}
	if !command.Runnable() {
		command.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return UsageError{fmt.Errorf("%q is not a command; see %s --help", args[0], cmd.CommandPath())}
			}
			return cmd.Help()
		}
	}
	wrongFlag := command.FlagErrorFunc()
	command.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return UsageError{wrongFlag(cmd, err)} })
	for _, below := range command.Commands() {
		usageErrors(below)
	}
}

// Run starts the service in a role and returns when it has stopped.
func (p Program[C]) Run(ctx context.Context, cfg *C, role Role, log *slog.Logger) error {
	base := any(cfg).(Configuration).Base()
	secure, err := base.serverTLS(log)
	if err != nil {
		return UsageError{err}
	}
	rt := &Runtime{
		Name: p.Name, Role: role, Log: log,
		Metrics: telemetry.NewMetrics(p.Name),
		Health:  &Health{},
		Group:   NewGroup(log, base.ShutdownTimeout),
		base:    base, secure: secure,
		gate: gate{open: make(chan struct{})},
	}
	traces, err := tracing.Start(ctx, p.Name, string(role), log)
	if err != nil {
		return UsageError{fmt.Errorf("configuration: %w", err)}
	}
	rt.OnStop("traces", func(ctx context.Context) error { traces(ctx); return nil })
	rt.admin(base.AdminAddr)
	rt.certificates()
	if err := p.Start(ctx, cfg, rt); err != nil {
		return errors.Join(err, rt.Abandon())
	}
	if len(rt.gate.conditions) == 0 {
		close(rt.gate.open)
	}
	if len(rt.ends) > 0 {
		rt.Go("ends", rt.watchEnds)
	}
	delay := base.DrainDelay
	if !role.Serves(Web) {
		delay = 0 // nobody sends it anything
	}
	rt.Drain(rt.Health.Stopping, delay)
	began := time.Now()
	err = rt.Run(ctx)
	log.Info("stopped", "after", time.Since(began).Round(time.Second).String())
	return err
}

// httpAddr is read without the rest of the configuration, which a health check does not need.
func (p Program[C]) httpAddr() string {
	if addr := os.Getenv("HTTP_ADDR"); addr != "" {
		return addr
	}
	defaults := p.Defaults
	if c, ok := any(&defaults).(Configuration); ok {
		return c.Base().HTTPAddr
	}
	return ""
}

func healthcheck(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return UsageError{fmt.Errorf("HTTP_ADDR is %q: %w", addr, err)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	client, scheme := http.DefaultClient, "http://"
	if os.Getenv("TLS_CERT_FILE") != "" {
		// It asks this process' own machine, by an address that the certificate does not name.
		client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // see above
		scheme = "https://"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+net.JoinHostPort(host, port)+"/livez", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}
