package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/cenkalti/backoff/v5"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/wait"
)

// Client is a process's way to one Kafka cluster. It holds the one Transport, whose
// connections the relay, the metrics and the checks share.
type Client struct {
	name      string
	signsIn   bool
	brokers   []string
	transport *kafkago.Transport
	cancel    context.CancelFunc
	admin     *kafkago.Client
	dialer    *kafkago.Dialer
}

// connectWithin is how long connecting to a broker may take, with TLS and signing in.
const connectWithin = 5 * time.Second

// Open returns a client of the cluster that the settings lead to. It does not wait for the brokers. name
// identifies this process to them.
func Open(name string, settings connection.Settings) *Client {
	ctx, cancel := context.WithCancel(context.Background())
	brokers, dial := settings.KafkaBrokers, settings.NewDialer(name, connectWithin).DialContext
	// Neither is told of TLS or SASL: dial has done both.
	transport := &kafkago.Transport{
		ClientID: name, Context: ctx, Dial: dial, DialTimeout: connectWithin, IdleTimeout: 30 * time.Second, MetadataTTL: 5 * time.Second,
	}
	return &Client{
		name: name, signsIn: settings.KafkaSASL != "", brokers: brokers, transport: transport, cancel: cancel,
		admin:  &kafkago.Client{Addr: kafkago.TCP(brokers...), Timeout: 10 * time.Second, Transport: transport},
		dialer: &kafkago.Dialer{ClientID: name, Timeout: connectWithin, DialFunc: dial},
	}
}

// Close closes the connections. Relay and consumer have stopped by then.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
	c.cancel()
}

// ClusterID asks the brokers which cluster they are, once.
func (c *Client) ClusterID(ctx context.Context) (string, error) {
	response, err := c.metadata(ctx)
	if err != nil {
		return "", fmt.Errorf("ask for the cluster's id: %w", err)
	}
	return response.ClusterID, nil
}

// metadata asks the first broker that answers about the cluster and all topics; a question about
// one topic could create it.
func (c *Client) metadata(ctx context.Context) (*kafkago.MetadataResponse, error) {
	// Not through the transport, which answers such a question from its memory.
	for i, broker := range c.brokers {
		share, done := shareOf(ctx, len(c.brokers)-i)
		response, err := c.metadataOf(share, broker)
		done()
		if err == nil {
			return response, nil
		}
		if i == len(c.brokers)-1 {
			return nil, err
		}
	}
	return nil, errors.New("no brokers given")
}

// shareOf is the time that the first of so many brokers has of what is left until ctx ends, so that one that
// is silent leaves some for the others.
func shareOf(ctx context.Context, brokers int) (context.Context, context.CancelFunc) {
	until, ends := ctx.Deadline()
	if !ends {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(until)/time.Duration(brokers))
}

func (c *Client) metadataOf(ctx context.Context, broker string) (*kafkago.MetadataResponse, error) {
	admin, done := c.withoutMemory(5*time.Second, broker)
	defer done()
	response, err := admin.Metadata(ctx, &kafkago.MetadataRequest{})
	if !c.signsIn && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		err = fmt.Errorf("the Kafka at %s closes the connection instead of answering; if it wants a user to sign in, set KAFKA_SASL: %w", broker, err)
	}
	return response, err
}

// withoutMemory returns an admin client that has no memory of the cluster yet.
func (c *Client) withoutMemory(timeout time.Duration, brokers ...string) (admin *kafkago.Client, done func()) {
	transport := &kafkago.Transport{ClientID: c.name, Dial: c.transport.Dial, DialTimeout: c.transport.DialTimeout}
	return &kafkago.Client{Addr: kafkago.TCP(brokers...), Timeout: timeout, Transport: transport}, transport.CloseIdleConnections
}

// answerWithin bounds how long the brokers are waited for where something is read once.
const answerWithin = 30 * time.Second

// errNoAnswer says that it took too long.
var errNoAnswer = fmt.Errorf("no answer from Kafka within %s: try again once it answers", answerWithin)

// retry repeats do while what it meets may pass: what Kafka calls temporary (a coordinator
// or leader not elected yet) and connections that fail. It gives up after a minute.
func retry(ctx context.Context, do func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do()
		if err != nil && !temporary(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait.BackOff(5*time.Second)), backoff.WithMaxElapsedTime(time.Minute))
	return err
}

func temporary(err error) bool {
	if _, ok := errors.AsType[*connection.Error](err); ok {
		return false
	}
	if kafkaErr, ok := errors.AsType[kafkago.Error](err); ok {
		// A broker that is just starting does not know itself yet, which kafka-go does not take for
		// temporary.
		return kafkaErr.Temporary() || kafkaErr == kafkago.BrokerNotAvailable
	}
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
