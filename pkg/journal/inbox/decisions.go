package inbox

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Decision is what an operator has decided, as it is kept on record.
type Decision struct {
	Reason string // why
	By     string // who
}

// Check refuses a decision without a reason or a person.
func (d Decision) Check() error {
	if strings.TrimSpace(d.Reason) == "" {
		return errors.New("say why with --reason: it is kept on record")
	}
	if strings.TrimSpace(d.By) == "" {
		return errors.New("say who decides with --by: it is kept on record")
	}
	return nil
}

// Record puts the decision on record. p is nil where it is about all topics.
func (d Decision) Record(ctx context.Context, tx *pg.Tx, what string, p *journal.TopicPartition, offset *int64, detail string) error {
	var topic *string
	var partition *int
	if p != nil {
		topic, partition = &p.Topic, &p.Partition
	}
	_, err := tx.Exec(ctx, `insert into operator_decisions (decision, topic, partition, "offset", detail, reason, decided_by)
		values ($1, $2, $3, $4, $5, $6, $7)`, what, topic, partition, offset, detail, d.Reason, d.By)
	if err != nil {
		return fmt.Errorf("keep the decision on record: %w", err)
	}
	return nil
}

// LastDecision is the number of the operators' last decision; 0 where there is none.
func LastDecision(ctx context.Context, db *pg.DB) (id int64, err error) {
	if err := db.Pool().QueryRow(ctx, "select coalesce(max(id), 0) from operator_decisions").Scan(&id); err != nil {
		return 0, fmt.Errorf("look for what operators have decided: %w", err)
	}
	return id, nil
}
