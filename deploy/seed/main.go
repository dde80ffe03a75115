// Seed fills an empty system with something to look at: products, customers, and orders and payments in every
// state. It plays them as people would: the catalog and the orders through ordering-core's API, and what is
// done about payments through the forms of the two web apps.
//
//	seed           play what is missing, if the system was empty when that began; nothing with SEED=no
//	seed config    the variables that it reads
//
// Invariants:
//   - It writes no row and no event; whatever it makes, a person could have made.
//   - Ids and idempotency keys are fixed, so that it can be stopped anywhere and started again.
//   - A system that has other products, or that was seeded to the end, is left alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"
)

// patience is how long it all may take, a system that has just started included.
const patience = 2 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := dispatch(ctx, os.Args[1:], os.Stdout)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, errUsage) {
		os.Exit(2) //nolint:gocritic // nothing deferred matters
	}
	os.Exit(1)
}

var errUsage = errors.New("usage: seed [config]")

func dispatch(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "config":
		return printVariables(out)
	case len(args) > 0:
		return errUsage
	}
	if os.Getenv(switchName) == "no" {
		return nil
	}
	c, err := load()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := newPlayer(c, out)
	if err != nil {
		return err
	}
	defer p.close()
	return p.play(ctx)
}

// switchName is the variable that leaves an empty system empty.
const switchName = "SEED"

// config is where the services are.
type config struct{ orderingURL, orderingToken, contractorURL, managerURL string }

// variable is one that the program must have.
type variable struct {
	name, meaning string
	into          func(*config) *string
}

var variables = []variable{
	{"ORDERING_CORE_URL", "ordering-core, which takes orders, http://host:port", func(c *config) *string { return &c.orderingURL }},
	{"ORDERING_CORE_TOKEN", "bearer token of this service at ordering-core", func(c *config) *string { return &c.orderingToken }},
	{"CONTRACTOR_UI_URL", "the contractors' web app, http://host:port", func(c *config) *string { return &c.contractorURL }},
	{"MANAGER_UI_URL", "the managers' web app, http://host:port", func(c *config) *string { return &c.managerURL }},
}

func load() (config, error) {
	var c config
	var errs []error
	for _, v := range variables {
		*v.into(&c) = os.Getenv(v.name)
		if *v.into(&c) == "" {
			errs = append(errs, fmt.Errorf("%s is not set: %s", v.name, v.meaning))
		}
	}
	if len(errs) > 0 {
		return c, fmt.Errorf("%w\n%w", errUsage, errors.Join(errs...))
	}
	return c, nil
}

// printVariables prints them as `<service> config` does.
func printVariables(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VARIABLE\tDEFAULT\tMEANING")
	for _, v := range variables {
		fmt.Fprintf(table, "%s\t(required)\t%s\n", v.name, v.meaning)
	}
	fmt.Fprintf(table, "%s\tyes\tno leaves an empty system empty\n", switchName)
	return table.Flush()
}
