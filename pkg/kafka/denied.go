package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/kafka/connection"
)

// DeniedError says that Kafka does not allow something to this process's user. It lasts until somebody allows
// it.
type DeniedError struct {
	Operation kafkago.ACLOperationType
	Topic     string
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("Kafka does not allow %s on the topic %s to this user: deploy/kafka/acls.sh says what each user needs", e.Operation, e.Topic)
}

// denied reports whether somebody has to change a right, a user or a setting, before what has failed can
// work.
func denied(err error) bool {
	_, refused := errors.AsType[*connection.Error](err)
	_, known := errors.AsType[*DeniedError](err)
	return refused || known || errors.Is(err, kafkago.TopicAuthorizationFailed) || errors.Is(err, kafkago.GroupAuthorizationFailed) ||
		errors.Is(err, kafkago.ClusterAuthorizationFailed)
}

// notSaid is in the place of what a user may do, from brokers that do not know of that question.
const notSaid = math.MinInt32

// checkTopics asks the brokers, once, whether the topics are there, and this user may do with them what
// operation says.
func (c *Client) checkTopics(ctx context.Context, operation kafkago.ACLOperationType, topics ...string) error {
	var err error
	for _, broker := range c.brokers {
		if err = c.checkTopicsAt(ctx, broker, operation, topics); err == nil {
			return nil
		}
	}
	return err
}

func (c *Client) checkTopicsAt(ctx context.Context, broker string, operation kafkago.ACLOperationType, topics []string) error {
	found, err := c.described(ctx, broker, topics)
	if err != nil {
		return fmt.Errorf("ask for the topics: %w", err)
	}
	for _, name := range topics {
		t, ok := found[name]
		switch code := kafkago.Error(t.ErrorCode); {
		case code == kafkago.TopicAuthorizationFailed || ok && code == 0 && t.AuthorizedOperations != notSaid && t.AuthorizedOperations>>operation&1 == 0:
			return &DeniedError{Operation: operation, Topic: name}
		case !ok || code != 0 || len(t.Partitions) == 0:
			return fmt.Errorf("there is no topic %s; migrate creates it", name)
		}
	}
	return nil
}

// explained puts what is missing in the place of what the brokers say when they refuse a topic, or hide it.
func (c *Client) explained(ctx context.Context, err error, operation kafkago.ACLOperationType, topics ...string) error {
	if !errors.Is(err, kafkago.TopicAuthorizationFailed) && !errors.Is(err, kafkago.UnknownTopicOrPartition) {
		return err
	}
	if why := c.checkTopics(ctx, operation, topics...); denied(why) {
		return why
	}
	return err
}

// repeatAfter is how long what goes on is not said again.
const repeatAfter = time.Minute

// reports says which of the errors of one outage are worth a line: the first, then one a minute, and what
// nobody but a person can mend as soon as it shows.
type reports struct {
	said map[string]bool // since then
	at   time.Time
}

func (r *reports) worth(err error) bool {
	recent := time.Since(r.at) < repeatAfter
	if recent && (!denied(err) || r.said[err.Error()]) {
		return false
	}
	if !recent {
		r.said, r.at = map[string]bool{}, time.Now()
	}
	r.said[err.Error()] = true
	return true
}

// over reports whether something was said, and begins again.
func (r *reports) over() bool {
	said := !r.at.IsZero()
	*r = reports{}
	return said
}

// deniedGauge is 1 while Kafka refuses what a part has to do.
func deniedGauge(to string, healthy func() error) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kafka_denied", Help: "1 while Kafka does not allow it to this service: a right, a password or a certificate is missing or wrong.",
		ConstLabels: prometheus.Labels{"to": to},
	}, func() float64 {
		if denied(healthy()) {
			return 1
		}
		return 0
	})
}
