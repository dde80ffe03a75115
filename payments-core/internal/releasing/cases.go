package releasing

import (
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/cases"
	"countersign.example/pkg/event"
)

// Topic is where ordering-core tells about orders; Partitions is how many it has, as ordering-core makes it.
const (
	Topic      = "orders"
	Partitions = 6
)

// Stream is the journal's stream of an order.
func Stream(id string) string { return "order-" + id }

// Members says which case a stream belongs to by what event says: an order to its own, and a payment to the
// case of the order that it was requested for.
func Members(e event.Event, stream string) []cases.Member {
	if stream == Stream(e.Subject) {
		return []cases.Member{{Case: e.Subject, Stream: stream}}
	}
	if e.Type != payment.TypeRequested {
		return nil
	}
	body, err := payment.Decode(e.Type, e.Data)
	requested, ok := body.(payment.Requested)
	if err != nil || !ok || requested.OrderID == "" {
		return nil
	}
	return []cases.Member{
		{Case: requested.OrderID, Stream: Stream(requested.OrderID)},
		{Case: requested.OrderID, Stream: stream},
	}
}
