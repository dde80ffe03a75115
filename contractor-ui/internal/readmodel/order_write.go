package readmodel

import (
	"context"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
)

var ordersTable = readmodel.NewTable("orders",
	"number", "contractor_id", "customer_name", "lines", "total_minor", "currency", "state", "drafted_at",
	"submitted_at", "expires_at", "updated_at", "sequence", "revision", "words", "drafted")

// ProjectOrders writes the rows of the orders among streams that the consumer has received. It is a
// journal.Projector.
func ProjectOrders(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	return readmodel.Queue(tx, ordersTable, readmodel.Fold(streams, order.Stream(""), orderRowOf))
}
