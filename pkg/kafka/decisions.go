package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Decision is what an operator has decided, as it is kept on record.
type Decision struct {
	Reason string // why
	By     string // who
}

// Check refuses a decision that would tell nobody anything.
func (d Decision) Check() error {
	if strings.TrimSpace(d.Reason) == "" {
		return errors.New("say why with --reason: it is kept on record")
	}
	if strings.TrimSpace(d.By) == "" {
		return errors.New("say who decides with --by: it is kept on record")
	}
	return nil
}

// keep puts the decision on record. place is nil where it is about all topics.
func (d Decision) keep(ctx context.Context, tx *pg.Tx, what string, place *journal.TopicPartition, offset *int64, detail string) error {
	var topic *string
	var partition *int
	if place != nil {
		topic, partition = &place.Topic, &place.Partition
	}
	_, err := tx.Exec(ctx, `insert into operator_decisions (decision, topic, partition, "offset", detail, reason, decided_by)
		values ($1, $2, $3, $4, $5, $6, $7)`, what, topic, partition, offset, detail, d.Reason, d.By)
	if err != nil {
		return fmt.Errorf("keep the decision on record: %w", err)
	}
	return nil
}

// flags reads a decision from the command line.
func (d *Decision) flags(command *cobra.Command) {
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

// readPlace reads "topic/partition", and readOrigin "topic/partition/offset".
func readPlace(arg string) (journal.TopicPartition, error) {
	topic, partition, ok := cutLast(arg)
	if !ok {
		return journal.TopicPartition{}, fmt.Errorf("%q is not a topic/partition", arg)
	}
	return journal.TopicPartition{Topic: topic, Partition: int(partition)}, nil
}

func readOrigin(arg string) (journal.TopicPartition, int64, error) {
	before, offset, ok := cutLast(arg)
	place, err := readPlace(before)
	if !ok || err != nil {
		return place, 0, fmt.Errorf("%q is not a topic/partition/offset", arg)
	}
	return place, offset, nil
}

func cutLast(arg string) (before string, number int64, ok bool) {
	at := strings.LastIndexByte(arg, '/')
	if at < 1 {
		return "", 0, false
	}
	number, err := strconv.ParseInt(arg[at+1:], 10, 64)
	return arg[:at], number, err == nil && number >= 0
}
