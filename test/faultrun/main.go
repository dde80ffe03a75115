// Command faultrun is how anyone can see that no failure loses, doubles or splits a payment. It starts the
// whole system, has people use it while everything breaks, lets it come to rest, and compares what people
// were answered and what they see with what is on record:
//
//	FAULTS_FOR           10m   how long there are faults, at most
//	SEED                       of the faults and of what people do; without one, one is chosen and printed
//	PAYMENTS                   end once so many payments were asked for
//	FAULTS                     end once there were so many faults (and so many payments, if both are given)
//	PAYMENTS_A_SECOND    10    how fast people work while nothing holds them up
//	SOCKETS              200   pages that are kept open
//	FAULTS_ONLY                a regular expression: only faults whose kind matches
//	RELEASE_BEFORE             a commit: processes are rolled back to it, and on again
//	FAULTS_DIR           .local/faults   where the summary and the processes' logs are kept
//
// It needs the services' binaries in TEST_BIN, and the programs of Kafka, PostgreSQL and Redis; `make faults`
// sees to that. It exits with 1 unless nothing is lost, doubled, diverged or stale.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"

	"countersign.example/pkg/embedded"
	"countersign.example/test/faultrun/fault"
	"countersign.example/test/faultrun/network"
	"countersign.example/test/testsystem"
)

// settings are of one run.
type settings struct {
	last     time.Duration
	seed     uint64
	payments int64
	faults   int64
	rate     int64 // payments a second
	sockets  int
	only     *regexp.Regexp
	before   string // the folder of the programs of the release before, if there is one
	dir      string
}

// enough says that there were as many payments and faults as wanted.
func (s settings) enough(payments, faults int64) bool {
	return (s.payments > 0 || s.faults > 0) && payments >= s.payments && faults >= s.faults
}

// chosen are the faults that are wanted.
func (s settings) chosen(faults []fault.Fault) []fault.Fault {
	return slices.DeleteFunc(faults, func(f fault.Fault) bool { return !s.only.MatchString(f.Kind) })
}

func main() {
	embedded.PostgresKeeper()
	err := network.Isolate()
	var cfg settings
	if err == nil {
		cfg, err = readSettings()
	}
	if err == nil {
		err = os.MkdirAll(cfg.dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faultrun:", err)
		os.Exit(2)
	}
	// A first Ctrl-C ends the faults, a second one everything.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	sum := &summary{Seed: cfg.seed, began: time.Now()}
	err = testsystem.RunOutside(context.WithoutCancel(ctx), func(o *testsystem.Outside) { run(ctx, o, cfg, sum) })
	stop()
	testsystem.Cleanup()
	err = errors.Join(err, sum.report(cfg))
	if err != nil {
		fmt.Fprintln(os.Stderr, "faultrun:", err)
		os.Exit(1)
	}
}

func readSettings() (cfg settings, err error) {
	cfg = settings{last: 10 * time.Minute, seed: rand.Uint64N(1_000_000), rate: 10, sockets: 200, dir: ".local/faults"}
	number := func(name string, into func(int64)) {
		if text := os.Getenv(name); text != "" {
			n, wrong := strconv.ParseInt(text, 10, 64)
			if wrong != nil || n < 0 {
				err = errors.Join(err, fmt.Errorf("%s is %q: use a whole number", name, text))
			}
			into(n)
		}
	}
	number("SEED", func(n int64) { cfg.seed = uint64(n) })
	number("PAYMENTS", func(n int64) { cfg.payments = n })
	number("FAULTS", func(n int64) { cfg.faults = n })
	number("PAYMENTS_A_SECOND", func(n int64) { cfg.rate = max(1, n) })
	number("SOCKETS", func(n int64) { cfg.sockets = int(n) })
	if text := os.Getenv("FAULTS_FOR"); text != "" {
		d, wrong := time.ParseDuration(text)
		if wrong != nil || d <= 0 {
			err = errors.Join(err, fmt.Errorf("FAULTS_FOR is %q: use a duration such as 60m", text))
		}
		cfg.last = d
	}
	only, wrong := regexp.Compile(os.Getenv("FAULTS_ONLY"))
	if wrong != nil {
		err = errors.Join(err, fmt.Errorf("FAULTS_ONLY: %w", wrong))
	}
	cfg.only = only
	if commit := os.Getenv("RELEASE_BEFORE"); commit != "" {
		before, wrong := testsystem.ProgramsOf(context.Background(), commit)
		if wrong != nil {
			err = errors.Join(err, fmt.Errorf("RELEASE_BEFORE: %w", wrong))
		}
		cfg.before = before
	}
	if text := os.Getenv("FAULTS_DIR"); text != "" {
		cfg.dir = text
	}
	cfg.dir = filepath.Join(cfg.dir, fmt.Sprint(cfg.seed))
	return cfg, err
}
