package operator

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
)

// decisionFlags reads a decision from the command line.
func decisionFlags(command *cobra.Command, d *inbox.Decision) {
	command.Flags().StringVar(&d.Reason, "reason", "", "why, for the record (required)")
	command.Flags().StringVar(&d.By, "by", operator(), "who decides, for the record")
}

// operator is who runs this program, as far as the machine knows.
func operator() string {
	name := os.Getenv("USER")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil || name == "" {
		return name
	}
	return name + "@" + host
}

// readPartition reads "topic/partition", and readOrigin "topic/partition/offset".
func readPartition(arg string) (journal.TopicPartition, error) {
	topic, partition, ok := cutLast(arg)
	if !ok {
		return journal.TopicPartition{}, fmt.Errorf("%q is not a topic/partition", arg)
	}
	return journal.TopicPartition{Topic: topic, Partition: int(partition)}, nil
}

func readOrigin(arg string) (journal.TopicPartition, int64, error) {
	before, offset, ok := cutLast(arg)
	place, err := readPartition(before)
	if !ok || err != nil {
		return place, 0, fmt.Errorf("%q is not a topic/partition/offset", arg)
	}
	return place, offset, nil
}

// readOrigins reads places of events, each once.
func readOrigins(args []string) ([]inbox.Origin, error) {
	var origins []inbox.Origin
	for _, arg := range args {
		place, offset, err := readOrigin(arg)
		if err != nil {
			return nil, err
		}
		if origin := (inbox.Origin{TopicPartition: place, Offset: offset}); !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins, nil
}

// answerWithin bounds how long a command waits for Kafka and PostgreSQL.
var answerWithin = 30 * time.Second

// answered runs what needs answers of Kafka and PostgreSQL, and gives up after answerWithin, and a second
// more for each of the messages that are read.
func answered(ctx context.Context, messages int, do func(ctx context.Context) error) error {
	limit := answerWithin + time.Duration(messages)*time.Second
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := do(within)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return fmt.Errorf("no answer from Kafka or PostgreSQL within %s: nothing was changed, unless it happened just then; try again once both answer: %w", limit, err)
	}
	return err
}

func cutLast(arg string) (before string, number int64, ok bool) {
	at := strings.LastIndexByte(arg, '/')
	if at < 1 {
		return "", 0, false
	}
	number, err := strconv.ParseInt(arg[at+1:], 10, 64)
	return arg[:at], number, err == nil && number >= 0
}
