// Local runs the whole of Countersign on one machine, from a checkout and without containers.
//
//	local [run]                  everything: embedded parts, build, migrations, services, seeds
//	local reset                  forget all data of `run`
//	local build                  build assets and binaries
//	local assets                 build the web assets
//	local production-like [-- cmd]
//	                             everything with production's settings, and real parts by TLS; with cmd until it ends
//	local with-postgres -- cmd   run cmd with a throwaway PostgreSQL in TEST_DATABASE_URL
//
// An embedded part starts only where its variable is unset: KAFKA_BROKERS, REDIS_URL,
// DATABASE_URL_CONTRACTOR_UI, DATABASE_URL_MANAGER_UI, DATABASE_URL_PAYMENTS_CORE,
// DATABASE_URL_ORDERING_CORE, DATABASE_URL_SANDBOX_GATEWAY.
//
// Invariants:
//   - What is under .local/ survives a restart; two launchers never share one .local/.
//   - Each thing starts when what it needs is ready, and stops before what it needs does.
//   - When one thing fails, everything stops, and the launcher says which it was. A service that was killed
//     is started again.
//   - Nothing is left running, even after kill -9 of the launcher.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"countersign.example/pkg/embedded"
)

const usage = `usage: local [run | reset | build | assets | production-like [-- command ...] | with-postgres -- command ...]`

func main() {
	embedded.PostgresKeeper()
	// The first signal stops in order; a second one ends the launcher at once, and what it started with it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	os.Exit(exitCode(dispatch(ctx, os.Args[1:])))
}

func dispatch(ctx context.Context, args []string) error {
	command, production := "run", []string(nil)
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	if command == "with-postgres" {
		if len(args) > 0 && args[0] == "--" {
			args = args[1:]
		}
		if len(args) == 0 {
			return usageError{usage}
		}
		return withPostgres(ctx, args)
	}
	if command == "production-like" && len(args) > 1 && args[0] == "--" {
		production, args = args[1:], nil
	}
	if len(args) > 0 {
		return usageError{usage}
	}
	launcher, err := findLauncher()
	if err != nil {
		return err
	}
	switch command {
	case "run":
		return launcher.run(ctx)
	case "production-like":
		return launcher.productionLike(ctx, production)
	case "reset":
		return launcher.reset()
	case "build":
		return launcher.build(ctx, true)
	case "assets":
		return launcher.assets(ctx)
	}
	return usageError{usage}
}

// usageError is wrong usage or configuration: exit code 2.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func exitCode(err error) int {
	var exit *exec.ExitError
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		// with-postgres passes on the code of its command, which has said for itself what went wrong.
		if code := exit.ExitCode(); code > 0 {
			return code
		}
		return 1
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
