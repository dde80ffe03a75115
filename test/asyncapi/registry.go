package main

import (
	"encoding/json"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/schema"
)

// topic is one of Kafka's, with the events that it holds.
type topic struct {
	name, about string
	partitions  int
	types       []eventType
	consumers   []string // services
}

// eventType is what a registry says about one.
type eventType struct {
	name, description, writer, uri string
	schema, example                json.RawMessage
}

// topics are all that carry events, from the registries.
func topics() []topic {
	payments := topic{
		name: payment.Topic, partitions: payment.Partitions,
		about:     "What happens to payments, each in one partition. The order here is the one that decides: the first valid event wins.",
		consumers: []string{"contractor-ui", "manager-ui", "payments-core", "ordering-core"},
	}
	for _, t := range payment.Types() {
		payments.types = append(payments.types, eventType{t.Name, t.Description, t.Writer, schema.URI(t.Name), t.Schema, t.Example})
	}
	orders := topic{
		name: order.Topic, partitions: order.Partitions,
		about:     "What happens to orders. They have one writer, which counts each order's events in ce_sequence.",
		consumers: []string{"contractor-ui", "manager-ui", "payments-core", "ordering-core"},
	}
	for _, t := range order.Types() {
		orders.types = append(orders.types, eventType{t.Name, t.Description, t.Writer, schema.URI(t.Name), t.Schema, t.Example})
	}
	products := topic{
		name: catalog.Topic, partitions: catalog.Partitions,
		about:     "Products and customers, for the pick lists of the web apps. An event says the whole of what there is now.",
		consumers: []string{"contractor-ui", "manager-ui", "ordering-core"},
	}
	for _, t := range catalog.Types() {
		products.types = append(products.types, eventType{t.Name, t.Description, t.Writer, schema.URI(t.Name), t.Schema, t.Example})
	}
	return []topic{payments, orders, products}
}
