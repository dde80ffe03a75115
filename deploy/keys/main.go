// Keys makes the keys with which services sign their events:
//
//	keys prepare DIR          make what is missing, for development; KAFKA_* say where the topics are
//	keys renew DIR SERVICE    give a service a new key; the former ones stay valid (-valid 8760h: for how long)
//	keys cutoff DIR           note where the topics end now: what lies before needs no signature
//	keys config               the variables that it reads
//
// docs/operations.md says how keys are renewed while everything runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"countersign.example/deploy/keys/keyring"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/service"
	"countersign.example/pkg/signing"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "keys:", err)
		os.Exit(1)
	}
}

// config says where the topics are.
type config struct{ connection.Settings }

var errUsage = errors.New("usage: keys prepare DIR | keys renew [-valid 8760h] DIR SERVICE | keys cutoff DIR | keys config")

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet("keys", flag.ContinueOnError)
	life := flags.Duration("valid", 365*24*time.Hour, "for how long the new key is valid")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	var c config
	if args[0] == "prepare" || args[0] == "cutoff" {
		if err := service.Parse(&c); err != nil {
			return err
		}
	}
	switch rest := flags.Args(); {
	case args[0] == "config" && len(rest) == 0:
		return service.PrintVariables(os.Stdout, c)
	case args[0] == "prepare" && len(rest) == 1:
		return keyring.Prepare(ctx, rest[0], c.Settings)
	case args[0] == "cutoff" && len(rest) == 1:
		return keyring.CutOff(ctx, rest[0], c.Settings)
	case args[0] == "renew" && len(rest) == 2:
		key, err := keyring.Renew(rest[0], rest[1], *life)
		if err != nil {
			return err
		}
		fmt.Printf("%s has key %s, valid until %s. Public key: %s\n", rest[1], key.ID, key.ValidUntil.Format(time.RFC3339), signing.TrustFile(rest[0]))
		return nil
	}
	return errUsage
}
