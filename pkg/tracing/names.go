package tracing

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// This file has every name that our spans use. Those of the semantic conventions keep them; what they have no
// name for is "countersign.".

// Kinds of spans.
const (
	Internal = trace.SpanKindInternal
	Producer = trace.SpanKindProducer
	Consumer = trace.SpanKindConsumer
)

// Names of spans, besides those of requests, which are a method and a route or a service.
const (
	Transaction  = "transaction"
	PublishBatch = "publish batch"
	ProcessBatch = "process batch"
	PushBatch    = "push batch"

	otherMethod = "HTTP"     // of a request whose method HTTP does not know
	publish     = "publish " // and a topic
	process     = "process " // and a topic
	push        = "push row"
	deliver     = "deliver row"
	job         = "job " // and its kind
)

const (
	roleKey    = attribute.Key("countersign.role")       // of the process: web, consumer or all
	eventKey   = attribute.Key("countersign.event.type") // such as payment_accepted
	streamKey  = attribute.Key("countersign.stream")     // such as payment-<id>
	socketsKey = attribute.Key("countersign.sockets")    // how many got a row
	attemptKey = attribute.Key("countersign.attempt")    // of an operation, from 1 on
	namespace  = "countersign"
	instrument = "countersign.example/pkg/tracing"
)

// longestTold is longer than any id or type of ours, in bytes.
const longestTold = 100

var kafka = semconv.MessagingSystemKafka

// InTransaction is what the span of a transaction says.
var InTransaction = []attribute.KeyValue{semconv.DBSystemNamePostgreSQL}

// batchOf is how much a batch carries; most of it may be of no trace.
func batchOf(n int) attribute.KeyValue { return semconv.MessagingBatchMessageCount(n) }

// Published is an event in a batch of the relay.
func Published(traceParent, topic, id, eventType string) Part {
	return Part{traceParent, publish + topic, []attribute.KeyValue{
		kafka, semconv.MessagingOperationTypeSend, semconv.MessagingOperationName("publish"),
		semconv.MessagingDestinationName(topic), semconv.MessagingMessageID(id), eventKey.String(eventType),
	}}
}

// Received is an event in a batch of a consumer, which nobody has verified yet.
func Received(traceParent, group, topic, id, eventType string) Part {
	return Part{traceParent, process + topic, []attribute.KeyValue{
		kafka, semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"), semconv.MessagingConsumerGroupName(group),
		semconv.MessagingDestinationName(topic), semconv.MessagingMessageID(told(id)), eventKey.String(told(eventType)),
	}}
}

// told is what anybody may have sent, as a trace keeps it. A collector takes only text, and refuses with one
// span all that come with it.
func told(s string) string { return strings.ToValidUTF8(s[:min(len(s), longestTold)], "") }

// Pushed is a row in a batch of the pusher.
func Pushed(traceParent, stream string) Part {
	return Part{traceParent, push, []attribute.KeyValue{streamKey.String(stream)}}
}

// Delivered is a row that a replica has queued for its sockets.
func Delivered(traceParent string, sockets int) Part {
	return Part{traceParent, deliver, []attribute.KeyValue{socketsKey.Int(sockets)}}
}

// Attempt says which attempt of an operation a job is.
func Attempt(n int) []attribute.KeyValue { return []attribute.KeyValue{attemptKey.Int(n)} }

// Job is the name of a job's span.
func Job(kind string) string { return job + kind }
