package readmodel

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// One parameter, and so one statement with one plan, whether it writes one row or five hundred.
const upsertOrders = `insert into orders (id, number, contractor_id, customer_name, lines, total_minor, currency, state,
	drafted_at, submitted_at, expires_at, updated_at, sequence, revision, words, drafted)
	select id, number, contractor_id, customer_name, lines, total_minor, currency, state,
	drafted_at, submitted_at, expires_at, updated_at, sequence, revision, words, drafted from json_populate_recordset(null::orders, $1::json)
	on conflict (id) do update set number = excluded.number, contractor_id = excluded.contractor_id,
	customer_name = excluded.customer_name, lines = excluded.lines, total_minor = excluded.total_minor,
	currency = excluded.currency, state = excluded.state, drafted_at = excluded.drafted_at, submitted_at = excluded.submitted_at,
	expires_at = excluded.expires_at, updated_at = excluded.updated_at, sequence = excluded.sequence, revision = excluded.revision,
	words = excluded.words, drafted = excluded.drafted`

// ProjectOrders writes the rows of the orders among streams that the consumer has heard of. It is a
// journal.Projector.
func ProjectOrders(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	var rows []Order
	for _, s := range streams {
		if !strings.HasPrefix(s.ID, order.Stream("")) {
			continue
		}
		if row, ok := orderRowOf(s); ok {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("write the copy of orders: %w", err)
	}
	tx.Queue(upsertOrders, string(list))
	return nil
}
