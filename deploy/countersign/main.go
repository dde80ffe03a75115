// Countersign checks the system from outside:
//
//	countersign verify FILE            a bundle of evidence, as a payment's page gives it; offline
//	countersign verify --topics        everything that the topics hold, by its signatures
//	countersign reconcile              all databases, the topics and the gateway's record against each other
//
// It changes nothing. The exit code is 0 if all holds, 1 if something does not, and 2 if it cannot be read.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/evidence"
	"countersign.example/pkg/signing"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errNotHeld says that what was read does not hold. What and why is printed by then.
var errNotHeld = errors.New("it does not hold")

// execute returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{Use: "countersign", Short: "Check that payments were countersigned, and that all records agree", SilenceUsage: true, SilenceErrors: true}
	root.CompletionOptions.DisableDefaultCmd = true
	var keys string
	var topics bool
	verify := &cobra.Command{
		Use: "verify FILE | verify --topics", Short: "Verify a bundle of evidence, or all that the topics hold",
		Long: "Verify a bundle of evidence, offline, or all that the topics hold, and say in words what that proves and what not.\n\n" +
			"--topics reads the topics of KAFKA_BROKERS (KAFKA_TLS, KAFKA_SASL and so on as for a service), and verifies by EVENT_VERIFY_KEYS_FILE.\n\n" +
			"Exit codes: 0 all holds, 1 something does not (which, and why, is said), 2 it cannot be read.",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case topics && len(args) == 0 && keys == "":
				return verifyTopics(cmd.Context(), cmd.OutOrStdout())
			case !topics && len(args) == 1:
				return verifyFile(args[0], keys, cmd.OutOrStdout())
			}
			return errors.New("usage: countersign verify [--keys FILE] FILE | countersign verify --topics")
		},
	}
	verify.Flags().StringVar(&keys, "keys", "", "file of public keys that you trust, as EVENT_VERIFY_KEYS_FILE: only those count, and the cut-off that it holds does")
	verify.Flags().BoolVar(&topics, "topics", false, "verify all that the topics hold")
	root.AddCommand(verify, reconcileCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return 0
	case errors.Is(err, errNotHeld):
		return 1
	default:
		fmt.Fprintln(stderr, "countersign:", err)
		return 2
	}
}

func verifyFile(path, keysPath string, out io.Writer) error {
	var trust *signing.Trust
	if keysPath != "" {
		content, err := os.ReadFile(keysPath)
		if err != nil {
			return err
		}
		given, err := signing.ParseTrust(content)
		if err == nil {
			_, err = signing.NewKeys(given)
		}
		if err != nil {
			return fmt.Errorf("%s: its keys cannot be used: %w", keysPath, err)
		}
		trust = &given
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	bundle, err := evidence.Read(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	report, err := evidence.Check(bundle, payment.Events, trust)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := report.Print(out, payment.TypeAccepted, payment.TypeRejected); err != nil {
		return err
	}
	if !report.Holds() {
		return errNotHeld
	}
	return nil
}
