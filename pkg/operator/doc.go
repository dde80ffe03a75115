// Package operator is the commands with which an operator looks after a service: dead letters, adoption and
// skipping of events after a restore, accepted losses, and rebuilding copies. They parse arguments and print;
// what they do is in the packages journal, inbox and kafka.
//
// A command opens what it works with when it runs.
package operator

import (
	"context"

	"github.com/spf13/cobra"
)

// Open opens what a command works with. The command calls the function that it returns at its end.
type Open[T any] = func(ctx context.Context) (T, func(), error)

// with returns what a command runs: it opens what do works with, and closes it.
func with[T any](open Open[T], do func(cmd *cobra.Command, t T, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		t, closeAll, err := open(cmd.Context())
		if err != nil {
			return err
		}
		defer closeAll()
		return do(cmd, t, args)
	}
}
