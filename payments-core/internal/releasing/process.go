package releasing

import (
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal/processlock"
)

// Members are the streams of an order's process: the order's, and those of the payments that are requested
// for it.
var Members = processlock.NamedBy(order.Stream, payment.Stream, payment.OrderOf)
