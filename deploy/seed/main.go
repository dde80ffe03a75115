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
	"io"
	"os"
	"time"

	"countersign.example/pkg/service"
)

// patience is how long it all may take, a system that has just started included.
const patience = 2 * time.Minute

func main() { service.Main(dispatch) }

// config is where the services are.
type config struct {
	OrderingURL   string `env:"ORDERING_CORE_URL,required,notEmpty" desc:"ordering-core, which takes orders, http://host:port"`
	OrderingToken string `env:"ORDERING_CORE_TOKEN,required,notEmpty" secret:"true" desc:"bearer token of this service at ordering-core"`
	ContractorURL string `env:"CONTRACTOR_UI_URL,required,notEmpty" desc:"the contractors' web app, http://host:port"`
	ManagerURL    string `env:"MANAGER_UI_URL,required,notEmpty" desc:"the managers' web app, http://host:port"`
	Switch        string `env:"SEED" envDefault:"yes" desc:"no leaves an empty system empty"`
}

func dispatch(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "config":
		return service.PrintVariables(out, config{})
	case len(args) > 0:
		return service.UsageError{Err: errors.New("usage: seed [config]")}
	case os.Getenv("SEED") == "no": // it may lack the others
		return nil
	}
	var c config
	if err := service.Parse(&c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return play(ctx, c, out)
}
