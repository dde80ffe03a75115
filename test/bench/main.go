// Command bench measures how fast the whole system is, each time as a ratio to a floor that was
// measured in the same run on the same parts:
//
//	bench latency      from the POST of a payment to the row in a manager's open page, over its raw hops
//	bench throughput   payments requested, accepted and seen by all, over pgbench's simple-update
//	bench commands     commands of orders at ordering-core, over pgbench's simple-update
//	bench orders       from the POST of an order's command to the row in a manager's open page, over its raw hops
//	bench rebuild      a copy from a long topic, and again in place (-events: of how many)
//	bench lists        pages of all lists with 10,000 rows and with a million
//	bench journal      what the journal does with 10,000 events and with ten million (-journal: how many)
//	bench reconcile    countersign reconcile over many payments (-payments: how many)
//	bench sockets      Redis loses its data while so many pages are open (-sockets: how many)
//	bench traced       CPU time for a payment with a tenth of the traces recorded, over that without
//	bench              all of them
//
// It needs a PostgreSQL server in TEST_DATABASE_URL, and takes the services' binaries from TEST_BIN or builds
// them; `make bench` gives it both. Kafka and Redis are the embedded ones, in this very process, or those of
// TEST_KAFKA_BROKERS (which must be empty) and TEST_REDIS_URL. A figure by itself says little: the ratio is
// what can be compared between machines.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"

	"countersign.example/pkg/embedded"
	"countersign.example/test/testsystem"
)

type bench struct {
	name string
	run  func(*environment)
}

var benches = []bench{
	{"latency", latency},
	{"throughput", throughput},
	{"commands", commands},
	{"orders", orders},
	{"rebuild", rebuild},
	{"lists", lists},
	{"history", history},
	{"journal", growth},
	{"reconcile", reconciled},
	{"sockets", sockets},
	{"traced", traced},
}

var (
	// rebuildEvents is how many events the bench rebuild has.
	rebuildEvents = flag.Int("events", 1_000_000, "how many events rebuild makes the copy from")
	// reconciledPayments is how many payments the bench reconcile compares.
	reconciledPayments = flag.Int("payments", 100_000, "how many payments reconcile compares")
	// openSockets is how many pages of a replica are open in the bench sockets.
	openSockets = flag.Int("sockets", 10_000, "how many open pages sockets has")
	// historyEvents is how many events the larger system of the bench history has.
	historyEvents = flag.Int("history", 1_000_000, "how many events the larger history has")
	// journalEvents is how many the large journal of the bench journal has.
	journalEvents = flag.Int("journal", 10_000_000, "how many events the larger journal has")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	flag.Parse()
	err := run(ctx, flag.Args())
	stop()
	testsystem.Cleanup()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	which := append(args, "all")[0]
	chosen := slices.DeleteFunc(slices.Clone(benches), func(b bench) bool { return which != "all" && b.name != which })
	if len(chosen) == 0 || len(args) > 1 {
		return errors.New("usage: bench [-events n] [-history n] [-journal n] [-payments n] [-sockets n] [latency|throughput|commands|orders|rebuild|lists|history|journal|reconcile|sockets|traced|all]")
	}
	if url := os.Getenv("TEST_DATABASE_URL"); url != "" {
		if err := embedded.Durable(ctx, url); err != nil {
			return err
		}
	}
	fmt.Printf("%d CPUs, %s %s/%s; %s, %s.\n", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		partUsed("Kafka", "TEST_KAFKA_BROKERS"), partUsed("Redis", "TEST_REDIS_URL"))
	for _, b := range chosen {
		if err := runBench(ctx, b.run); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}

// partUsed is what the figures stand on.
func partUsed(name, variable string) string {
	if os.Getenv(variable) != "" {
		return "the " + name + " of " + variable
	}
	return "the embedded " + name
}
