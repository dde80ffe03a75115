package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"countersign.example/pkg/schema"
	"countersign.example/pkg/signing"
)

const preamble = `# Generated from the registries of events by ` + "`make docs`" + `; a test holds it to them.
`

const about = `The events that Countersign's services exchange. They are CloudEvents 1.0 in the binary mode of the Kafka
binding: the value is the data as JSON, everything else is in headers. The key is the subject, so that the events of one
payment, order, product or customer keep their order. A message may come more than once; ce_id says that it is the same.

Each type has one service that writes it, and its ce_source says so; from any other it counts for nothing. Its signature proves
that: each event is verifiable by the CloudEvents extension "Verifiable CloudEvents with DSSE", with Ed25519, over its attributes, its data and
the extension attributes that ce_signedextattrs lists. The schemas are the writers': they know every member of today. Whoever reads ignores
members and types that are unknown, at any depth: a newer writer may have added them.
`

// members is a mapping whose order is that of its literal.
type members []member

type member struct {
	name  string
	value any
}

// MarshalYAML keeps the order.
func (m members) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, each := range m {
		var key, value yaml.Node
		key.SetString(each.name)
		if err := value.Encode(each.value); err != nil {
			return nil, fmt.Errorf("%s: %w", each.name, err)
		}
		node.Content = append(node.Content, &key, &value)
	}
	return node, nil
}

func ref(path ...string) members { return members{{"$ref", "#/" + strings.Join(path, "/")}} }

// generate writes the document.
func generate(topics []topic) ([]byte, error) {
	shared := &schemas{nodes: map[string]*yaml.Node{}, sample: map[string][]byte{}}
	var channels, operations, messages members
	for _, t := range topics {
		var named members
		for _, e := range t.types {
			named = append(named, member{e.Name, ref("components", "messages", e.Name)})
			m, err := message(shared, e)
			if err != nil {
				return nil, err
			}
			messages = append(messages, member{e.Name, m})
		}
		channels = append(channels, member{t.Name, members{
			{"address", t.Name}, {"description", t.about}, {"messages", named},
			{"bindings", members{{"kafka", members{{"partitions", t.Partitions}, {"bindingVersion", bindingVersion}}}}},
		}})
		operations = append(operations, operationsOf(t)...)
	}
	components := members{{"headers", headers()}}
	for _, name := range shared.names {
		components = append(components, member{name, shared.nodes[name]})
	}
	var text bytes.Buffer
	text.WriteString(preamble)
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(members{
		{"asyncapi", "3.0.0"},
		{"info", members{
			{"title", "Countersign"}, {"version", "1.0.0"}, {"description", about},
			{"license", members{{"name", "MIT"}}},
		}},
		{"defaultContentType", "application/json"},
		{"servers", members{{"local", members{
			{"host", "localhost:9092"}, {"protocol", "kafka"}, {"description", "make run, make kafka and docker compose up"},
		}}}},
		{"channels", channels}, {"operations", operations},
		{"components", members{{"messages", messages}, {"schemas", components}}},
	}); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}

// bindingVersion is of https://github.com/asyncapi/bindings/tree/master/kafka.
const bindingVersion = "0.5.0"

// operationsOf says who writes what to a topic, and who receives it.
func operationsOf(t topic) (list members) {
	written := map[string][]members{}
	var writers []string
	for _, e := range t.types {
		writer := strings.TrimPrefix(e.Writer, "/")
		if !slices.Contains(writers, writer) {
			writers = append(writers, writer)
		}
		written[writer] = append(written[writer], ref("channels", t.Name, "messages", e.Name))
	}
	for _, writer := range writers {
		list = append(list, member{writer + "-writes-" + t.Name, members{
			{"action", "send"}, {"channel", ref("channels", t.Name)}, {"messages", written[writer]},
		}})
	}
	for _, consumer := range t.consumers {
		list = append(list, member{consumer + "-receives-" + t.Name, members{
			{"action", "receive"}, {"channel", ref("channels", t.Name)},
			{"bindings", members{{"kafka", members{
				{"groupId", members{{"type", "string"}, {"const", consumer}}}, {"bindingVersion", bindingVersion},
			}}}},
		}})
	}
	return list
}

func message(shared *schemas, e schema.Type) (members, error) {
	payload, err := shared.payload(e)
	if err != nil {
		return nil, err
	}
	example, err := parse(e.Example)
	if err != nil {
		return nil, fmt.Errorf("example of %s: %w", e.Name, err)
	}
	constant := func(value string) members { return members{{"const", value}} }
	return members{
		{"name", e.Name}, {"summary", e.Description}, {"contentType", "application/json"},
		{"headers", members{{"allOf", []members{
			ref("components", "schemas", "headers"),
			{{"type", "object"}, {"properties", members{
				{"ce_type", constant(e.Name)}, {"ce_source", constant(e.Writer)}, {"ce_dataschema", constant(schema.URI(e.Name))},
			}}},
		}}}},
		{"payload", payload},
		{"bindings", members{{"kafka", members{
			{"key", members{{"type", "string"}, {"format", "uuid"}, {"description", "The subject."}}}, {"bindingVersion", bindingVersion},
		}}}},
		{"examples", []members{{{"payload", example}}}},
	}, nil
}

// headers are those of every event.
func headers() members {
	text := func(description string) members { return members{{"type", "string"}, {"description", description}} }
	uuid := func(description string) members {
		return members{{"type", "string"}, {"format", "uuid"}, {"description", description}}
	}
	return members{
		{"description", "The attributes of a CloudEvent, and our extensions; all of them are text."},
		{"type", "object"},
		{"required", []string{"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "content-type", "ce_signedextattrs", "ce_dssematerial"}},
		{"properties", members{
			{"ce_specversion", members{{"const", "1.0"}}},
			{"ce_id", uuid("The event's id: the same however often it comes.")},
			{"ce_type", text("The event's type.")},
			{"ce_source", text("The service that wrote it.")},
			{"ce_subject", uuid("What it is about; also the key.")},
			{"ce_time", members{{"type", "string"}, {"format", "date-time"}, {"description", "When it happened."}}},
			{"ce_dataschema", members{{"type", "string"}, {"format", "uri"}, {"description", "The name of the data's JSON Schema; an identifier, not an address."}}},
			{"content-type", members{{"const", "application/json"}}},
			{"ce_sequence", members{{"type", "string"}, {"pattern", "^[1-9][0-9]*$"}, {"description", "1, 2, 3 ... by subject, where that has one writer: orders, products and customers."}}},
			{"ce_correlationid", text("The same for everything that began with one request of a person.")},
			{"ce_causationid", text("The id of the event that caused this one, or the caller and the idempotency key of the command that did.")},
			{"ce_actor", text("The id of the person who did it; missing where a service did it by itself.")},
			{"ce_actorname", text("How people are shown who that was.")},
			{"ce_signedextattrs", members{{"const", strings.Join(signing.Extensions, ",")}}},
			{"ce_dssematerial", text("The signature, as a DSSE envelope in base64.")},
			{"traceparent", text("W3C trace context.")},
		}},
	}
}
