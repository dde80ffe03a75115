package copy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// upsert writes any number of rows in one statement.
const upsert = `insert into payments (id, revision, contractor_id, contractor_name, amount, currency, description, order_id, supersedes,
	capture_method, decision, money, final, decided_by_name, decided_at, requested_at, updated_at, pending, words)
	select id, revision, contractor_id, contractor_name, amount, currency, description, order_id, supersedes,
	capture_method, decision, money, final, decided_by_name, decided_at, requested_at, updated_at, pending, words
	from json_populate_recordset(null::payments, $1)
	on conflict (id) do update set revision = excluded.revision, contractor_id = excluded.contractor_id,
	contractor_name = excluded.contractor_name, amount = excluded.amount, currency = excluded.currency,
	description = excluded.description, order_id = excluded.order_id, supersedes = excluded.supersedes, capture_method = excluded.capture_method,
	decision = excluded.decision, money = excluded.money, final = excluded.final,
	decided_by_name = excluded.decided_by_name, decided_at = excluded.decided_at, requested_at = excluded.requested_at,
	updated_at = excluded.updated_at, pending = excluded.pending, words = excluded.words`

// link shows on payments, and on the open pages of them, what asks for them again: their contractor's oldest request that
// says so. That is an event of another stream.
const link = `with asked as (
		select n.supersedes as old, n.id from payments n where n.id = any($1::uuid[]) and n.supersedes is not null
		union select n.supersedes, n.id from payments n where n.supersedes = any($1::uuid[])),
	first as (select distinct on (p.id) p.id as old, n.id from asked join payments p on p.id = asked.old
		join payments n on n.id = asked.id and n.contractor_id = p.contractor_id
		where p.superseded_by is null order by p.id, n.requested_at, n.id),
	linked as (update payments p set superseded_by = first.id from first where p.id = first.old returning p.id)
	insert into unpushed (stream) select 'payment-' || id from linked`

// Project is a journal.Projector: it folds changed streams and writes their rows, a batch at a time.
func Project(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	rows := make([]Payment, 0, len(streams))
	ids := make([]string, 0, len(streams))
	for _, s := range streams {
		if !strings.HasPrefix(s.ID, payment.Stream("")) {
			continue
		}
		if row, ok := rowOf(s); ok {
			rows, ids = append(rows, row), append(ids, row.ID)
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
	tx.Queue(link, ids)
	return nil
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
