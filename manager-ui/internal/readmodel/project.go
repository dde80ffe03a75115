package readmodel

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// upsert writes any number of rows in one statement.
const upsert = `insert into payments (id, revision, contractor_id, contractor_name, amount, currency, description, order_id, supersedes,
	capture_method, decision, money, final, decided_by_name, decided_at, requested_at, updated_at, pending, words, stuck)
	select id, revision, contractor_id, contractor_name, amount, currency, description, order_id, supersedes,
	capture_method, decision, money, final, decided_by_name, decided_at, requested_at, updated_at, pending, words, stuck
	from json_populate_recordset(null::payments, $1)
	on conflict (id) do update set revision = excluded.revision, contractor_id = excluded.contractor_id,
	contractor_name = excluded.contractor_name, amount = excluded.amount, currency = excluded.currency,
	description = excluded.description, order_id = excluded.order_id, supersedes = excluded.supersedes, capture_method = excluded.capture_method,
	decision = excluded.decision, money = excluded.money, final = excluded.final,
	decided_by_name = excluded.decided_by_name, decided_at = excluded.decided_at, requested_at = excluded.requested_at,
	updated_at = excluded.updated_at, pending = excluded.pending, words = excluded.words, stuck = excluded.stuck`

// Project is a journal.Projector: it folds changed streams and writes their rows, a batch at a time.
func Project(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	rows := make([]Payment, 0, len(streams))
	var askedAgain []string
	for _, s := range streams {
		if !strings.HasPrefix(s.ID, payment.Stream("")) {
			continue
		}
		if row, ok := rowOf(s); ok {
			rows = append(rows, row)
			if row.Supersedes != nil && requestedNow(s) {
				askedAgain = append(askedAgain, payment.Stream(*row.Supersedes))
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	data, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("encode rows: %w", err)
	}
	tx.Queue(upsert, string(data))
	if len(askedAgain) > 0 { // the open pages of what is asked for again show it
		tx.Queue("insert into unpushed (stream) select unnest($1::text[])", askedAgain)
	}
	return nil
}

// requestedNow tells whether the payment's request is among what has changed its stream.
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
