package main

import (
	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/schema"
)

// topic is one of Kafka's, with the events that it holds.
type topic struct {
	event.Topic
	about     string
	types     []schema.Type
	consumers []string // services
}

// topics returns all that carry events, from the registries.
func topics() []topic {
	return []topic{{
		payment.Events, "What happens to payments, each in one partition. The order here is the one that decides: the first valid event wins.",
		payment.Types(), []string{"contractor-ui", "manager-ui", "payments-core", "ordering-core"},
	}, {
		order.Events, "What happens to orders. They have one writer, which counts each order's events in ce_sequence.",
		order.Types(), []string{"contractor-ui", "manager-ui", "payments-core", "ordering-core"},
	}, {
		catalog.Events, "Products and customers, for the pick lists of the web apps. An event says the whole of what there is now.",
		catalog.Types(), []string{"contractor-ui", "manager-ui", "ordering-core"},
	}, {
		people.Events, "Who uses the two web apps, who is blocked, and up to which amounts managers may accept.",
		people.Types(), []string{"contractor-ui", "manager-ui"},
	}}
}
