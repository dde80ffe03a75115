package readmodel

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
)

var paymentsTable = readmodel.NewTable("payments",
	"revision", "contractor_id", "contractor_name", "amount", "currency", "description", "order_id",
	"supersedes", "capture_method", "decision", "money", "final", "decided_by_name", "decided_at",
	"requested_at", "updated_at", "pending", "words", "stuck")

// Project is a journal.Projector: it folds changed streams and writes their rows, a batch at a time.
func Project(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	var askedAgain []string
	rows := readmodel.Fold(streams, payment.Stream(""), func(s journal.Stream) (Payment, bool) {
		row, ok := rowOf(s)
		if ok && row.Supersedes != nil && requestedNow(s) {
			askedAgain = append(askedAgain, payment.Stream(*row.Supersedes))
		}
		return row, ok
	})
	if err := readmodel.Queue(tx, paymentsTable, rows); err != nil {
		return err
	}
	if len(askedAgain) > 0 { // the open pages of what is asked for again show it
		tx.Queue("insert into unpushed (stream) select unnest($1::text[])", askedAgain)
	}
	return nil
}

// requestedNow reports whether the payment's request is among what has changed its stream.
func requestedNow(s journal.Stream) bool {
	return slices.ContainsFunc(s.Records, func(r journal.Record) bool {
		return r.Type == payment.TypeRequested && slices.Contains(s.New, r.ID)
	})
}

// Save is Project for the one stream that a request has changed.
func Save(tx *pg.Tx, s journal.Stream) error {
	row, ok := rowOf(s)
	if !ok {
		return nil
	}
	err := tx.QueueGorm(func(db *gorm.DB) *gorm.DB { return db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row) })
	if err != nil {
		return fmt.Errorf("write the copy: %w", err)
	}
	return nil
}
