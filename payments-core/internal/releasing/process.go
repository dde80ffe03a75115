package releasing

import (
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/processlock"
)

// Members returns which streams an event makes members of which process: an order's stream joins the order's
// process, and a payment's the process of the order that it is requested for.
func Members(e event.Event, stream string) []processlock.Member {
	if stream == order.Stream(e.Subject) {
		return []processlock.Member{{Process: e.Subject, Stream: stream}}
	}
	if e.Type != payment.TypeRequested || stream != payment.Stream(e.Subject) {
		return nil
	}
	body, err := payment.Decode(e.Type, e.Data)
	requested, ok := body.(payment.Requested)
	if err != nil || !ok || requested.OrderID == "" {
		return nil
	}
	return []processlock.Member{
		{Process: requested.OrderID, Stream: order.Stream(requested.OrderID)},
		{Process: requested.OrderID, Stream: stream},
	}
}
