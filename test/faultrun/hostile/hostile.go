// Package hostile sends messages that services must not take, or not twice, looks whether each of them has
// become a dead letter where it has to, and nothing else, and then gives them up as an operator does.
//
// Invariants:
//   - Each message bears a mark of its own, by which it is known among the dead letters. Headers that are not
//     CloudEvents' prove nothing, and services leave them alone.
//   - A message is about the payment or order of one that is there, but for poison: what holds up its key is
//     about a payment of which nobody else knows.
package hostile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/wait"
	"countersign.example/test/faultrun/fault"
)

// mark is the header of a message's mark.
const mark = "fault-run"

const (
	sendWithin = 2 * time.Minute // while brokers are broken, too
	latest     = 50              // of so many messages of a partition one is taken
)

// topics are those that services write, with how many partitions each has.
var topics = []struct {
	name       string
	partitions int
}{{payment.Topic, payment.Partitions}, {order.Topic, order.Partitions}, {catalog.Topic, catalog.Partitions}, {people.Topic, people.Partitions}}

// Messages sends them.
type Messages struct {
	brokers   []string
	transport *kafkago.Transport
	keys      *kafkatest.Keys // of the services
	strangers *kafkatest.Keys // of the same names, and of nobody

	mu     sync.Mutex
	sent   map[string]letter // by mark
	number int
}

// letter is a message that becomes a dead letter.
type letter struct {
	topic  string
	kinds  []string // as one of which
	served bool     // brokers have acknowledged it
}

// New returns what sends messages to brokers. keys are those of the services, strangers of somebody else.
func New(brokers []string, keys, strangers *kafkatest.Keys) *Messages {
	return &Messages{brokers: brokers, transport: &kafkago.Transport{DialTimeout: 2 * time.Second}, keys: keys, strangers: strangers, sent: map[string]letter{}}
}

// Close ends its connections.
func (m *Messages) Close() error {
	m.transport.CloseIdleConnections()
	return nil
}

// Faults are the kinds of messages.
func (m *Messages) Faults(*fault.Environment) []fault.Fault {
	one := func(kind string, send func(context.Context, *rand.Rand) error) fault.Fault {
		return fault.Fault{Kind: kind, Part: kind, Break: func(ctx context.Context, luck *rand.Rand) (func(context.Context) error, error) {
			ctx, cancel := context.WithTimeout(ctx, sendWithin)
			defer cancel()
			return nil, send(ctx, luck)
		}}
	}
	return []fault.Fault{one("messages doubled", m.double), one("message malformed", m.malform), one("message forged", m.forge), one("message poisonous", m.poison)}
}

// double writes the latest messages of a partition once more.
func (m *Messages) double(ctx context.Context, luck *rand.Rand) error {
	found, err := m.latest(ctx, luck)
	if err != nil {
		return err
	}
	from := luck.IntN(len(found))
	return m.send(ctx, found[from:min(len(found), from+1+luck.IntN(5))]...)
}

// sendMarked sends a message that is to become a dead letter of one of kinds.
func (m *Messages) sendMarked(ctx context.Context, message kafkago.Message, kinds ...string) error {
	return m.send(ctx, m.marked(message, kinds...))
}

func (m *Messages) marked(message kafkago.Message, kinds ...string) kafkago.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.number++
	name := fmt.Sprint(m.number)
	m.sent[name] = letter{topic: message.Topic, kinds: kinds}
	message.Headers = append(message.Headers, kafkago.Header{Key: mark, Value: []byte(name)})
	return message
}

func markOf(message kafkago.Message) string { return headerOf(message, mark) }

// send writes messages of one partition, in order, until the brokers say that they have them. They may have
// some twice then.
func (m *Messages) send(ctx context.Context, messages ...kafkago.Message) error {
	topic, partition := messages[0].Topic, messages[0].Partition
	own := make([]kafkago.Message, len(messages))
	for i, message := range messages {
		own[i] = kafkago.Message{Topic: topic, Key: message.Key, Value: message.Value, Headers: message.Headers}
	}
	w := &kafkago.Writer{Addr: kafkago.TCP(m.brokers...), RequiredAcks: kafkago.RequireAll, BatchSize: len(own), BatchTimeout: time.Millisecond,
		MaxAttempts: 1, WriteTimeout: 5 * time.Second, Transport: m.transport,
		Balancer: kafkago.BalancerFunc(func(kafkago.Message, ...int) int { return partition })}
	defer func() { _ = w.Close() }()
	err := again(ctx, func() error { return w.WriteMessages(ctx, own...) })
	if err != nil {
		return fmt.Errorf("write to %s: %w", topic, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range own {
		if l, ours := m.sent[markOf(message)]; ours {
			l.served = true
			m.sent[markOf(message)] = l
		}
	}
	return nil
}

// again repeats do until it works or ctx ends.
func again(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || !wait.Sleep(ctx, 200*time.Millisecond) {
			return err
		}
	}
}

// latest are the latest messages of some partition that services have written, in order; there is one at
// least.
func (m *Messages) latest(ctx context.Context, luck *rand.Rand) (found []kafkago.Message, err error) {
	at := luck.Uint64()
	err = again(ctx, func() error {
		ends, err := m.ends(ctx)
		if err != nil {
			return err
		}
		for range ends { // one may hold nothing but ours
			end := ends[at%uint64(len(ends))]
			if found, err = m.read(ctx, end.topic, end.partition, end.end); err != nil || len(found) > 0 {
				return err
			}
			at++
		}
		return errors.New("the topics are empty")
	})
	return found, err
}

// end is where a partition ends that is not empty.
type end struct {
	topic     string
	partition int
	end       int64
}

func (m *Messages) ends(ctx context.Context) (list []end, err error) {
	client := &kafkago.Client{Addr: kafkago.TCP(m.brokers...), Timeout: 5 * time.Second, Transport: m.transport}
	wanted := map[string][]kafkago.OffsetRequest{}
	for _, topic := range topics {
		for partition := range topic.partitions {
			wanted[topic.name] = append(wanted[topic.name], kafkago.LastOffsetOf(partition))
		}
	}
	answer, err := client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: wanted})
	if err != nil {
		return nil, err
	}
	for topic, partitions := range answer.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return nil, p.Error
			}
			if p.LastOffset > 0 {
				list = append(list, end{topic, p.Partition, p.LastOffset})
			}
		}
	}
	slices.SortFunc(list, func(a, b end) int { return cmp.Or(cmp.Compare(a.topic, b.topic), a.partition-b.partition) })
	return list, nil
}

func (m *Messages) read(ctx context.Context, topic string, partition int, end int64) (found []kafkago.Message, err error) {
	r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: m.brokers, Topic: topic, Partition: partition, MaxWait: 100 * time.Millisecond})
	defer func() { _ = r.Close() }()
	if err := r.SetOffset(max(0, end-latest)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		message, err := r.ReadMessage(ctx)
		if err != nil {
			return nil, err
		}
		if markOf(message) == "" {
			found = append(found, message)
		}
		if message.Offset >= end-1 {
			return found, nil
		}
	}
}
