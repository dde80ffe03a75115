// Package reconcile compares what all services have on record: the four databases, the topics and the
// gateway's own record. It changes nothing, and may run at any time.
//
// It checks:
//   - each journal has each event of its topics once, as the topic has it and in the topic's order, and
//     nothing else; what was written is in the outbox or in the topic; what counts in one service is no dead
//     letter of another;
//   - the copies of the web apps are the folds of their journals;
//   - at most one decision of a payment stands; authorized >= captured + released, captured >= refunded, all
//     of one currency; what has succeeded at the gateway is what the payment's events say;
//   - an order is paid if and only if one payment of its total keeps money for it; one that has expired or
//     was cancelled has neither a hold nor money; its total is that of its lines, and numbers have no gaps;
//   - the gateway's record of each key is the outcome of the operation with that key.
//
// It compares at a position: where the topics end when it begins. It waits until each service has received
// that, and then reads each database in one snapshot. What is later than the position, or on its way between
// services, is no difference.
//
// Its memory does not grow with what there is: the databases sort their rows, the topics' events are sorted
// in files, and everything is read in the order of the streams, side by side.
package reconcile

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
)

// Config is where to look.
type Config struct {
	Databases map[string]string // the URL of each service's database, by the service's name
	Kafka     connection.Settings
	Gateway   gateway.ClientConfig
	// Patience is how long to wait for what does not come any nearer; DefaultPatience if zero.
	Patience time.Duration
	// Most is how many differences are listed; DefaultMost if zero. All are counted.
	Most     int
	Progress func(string) // how far it is, about once a second; may be nil
}

// Defaults of Config.
const (
	DefaultPatience = 15 * time.Second
	DefaultMost     = 100
)

// The services with a journal.
const (
	PaymentsCore = "payments-core"
	OrderingCore = "ordering-core"
	ContractorUI = "contractor-ui"
	ManagerUI    = "manager-ui"
)

// Services are those whose databases are compared.
var Services = []string{PaymentsCore, OrderingCore, ContractorUI, ManagerUI}

// Kind is a kind of difference.
type Kind string

// The kinds of differences.
const (
	JournalLacks   Kind = "journal-lacks"   // an event of the topic that a journal has not
	JournalExceeds Kind = "journal-exceeds" // an event of a journal that the topic has not
	JournalDiffers Kind = "journal-differs" // one that is not as the topic has it
	JournalOrder   Kind = "journal-order"   // another order than the topic's
	NotPublished   Kind = "not-published"   // written, and neither in the outbox nor in the topic
	Disagreement   Kind = "disagreement"    // an event that counts in one service and is a dead letter of another
	Copy           Kind = "copy"            // a row of a web app that is not what its journal says
	Decision       Kind = "decision"        // two decisions of a payment
	Money          Kind = "money"           // sums of a payment that cannot be
	Operation      Kind = "operation"       // an operation and a payment's events that say different things
	Order          Kind = "order"           // an order by itself: sequence, total, number
	OrderMoney     Kind = "order-money"     // an order and the money of its payments
	Gateway        Kind = "gateway"         // an operation and the gateway's record of its key
)

// Difference is something that must not be.
type Difference struct {
	Kind  Kind   `json:"kind"`
	Where string `json:"where"` // a service, "topics", "gateway"
	What  string `json:"what"`
	Do    string `json:"do"` // what to do about it
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s: %s. What to do: %s", d.Kind, d.Where, d.What, d.Do)
}

// Position is where a partition of a topic ended.
type Position struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	End       int64  `json:"end"`
}

// Compared is how much was compared.
type Compared struct {
	Events         int `json:"events"` // of the topics, duplicates included
	Payments       int `json:"payments"`
	Orders         int `json:"orders"`
	Operations     int `json:"operations"`
	GatewayRecords int `json:"gateway_records"`
}

// Report is what was found.
type Report struct {
	Position    []Position     `json:"position"`
	Compared    Compared       `json:"compared"`
	UnderWay    int            `json:"under_way"` // orders whose money is on its way: an operation is open
	Waiting     map[string]int `json:"waiting"`   // dead letters that wait for an operator, by service
	Count       int            `json:"count"`     // of all differences
	ByKind      map[Kind]int   `json:"by_kind"`
	Differences []Difference   `json:"differences"` // Config.Most of them
	Seconds     float64        `json:"seconds"`
}

// Run compares. An error says that it could not look; differences are no error.
func Run(ctx context.Context, c Config) (Report, error) {
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if c.Most == 0 {
		c.Most = DefaultMost
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	dir, err := os.MkdirTemp("", "countersign-reconcile-")
	if err != nil {
		return Report{}, fmt.Errorf("make a folder to sort in: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r := &run{
		Config: c, dir: dir, kafka: kafka.Open("countersign-reconcile", c.Kafka),
		report: Report{ByKind: map[Kind]int{}, Waiting: map[string]int{}, Differences: []Difference{}},
	}
	defer r.close()
	began := time.Now()
	err = r.all(ctx)
	r.report.Seconds = time.Since(began).Seconds()
	return r.report, err
}

// run is one comparison.
type run struct {
	Config
	dir      string
	kafka    *kafka.Client
	services []*service

	partitions []kafka.Partition // up to their ends, when it began
	ends       map[place]int64   // of the same, by place without an offset
	report     Report
	said       time.Time // when progress was last said

	events   *sorter[logged]
	facts    *sorter[fact]
	numbers  *sorter[string]
	suspects []string // orders that may be on their way
}

func (r *run) all(ctx context.Context) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	if err := r.position(ctx); err != nil {
		return err
	}
	for _, s := range r.services {
		s.sort(ctx)
	}
	r.events = &sorter[logged]{dir: r.dir, compare: compareLogged}
	if err := r.readTopics(ctx); err != nil {
		return err
	}
	r.facts, r.numbers = &sorter[fact]{dir: r.dir, compare: compareFacts}, &sorter[string]{dir: r.dir, compare: strings.Compare}
	if err := r.streams(ctx); err != nil {
		return err
	}
	if err := r.orders(ctx); err != nil {
		return err
	}
	return r.gateway(ctx)
}

func (r *run) close() {
	for _, s := range r.services {
		s.close()
	}
	r.kafka.Close()
}

func (r *run) differ(kind Kind, where, do, what string, args ...any) {
	r.report.Count++
	r.report.ByKind[kind]++
	if len(r.report.Differences) < r.Most {
		r.report.Differences = append(r.report.Differences, Difference{kind, where, fmt.Sprintf(what, args...), do})
	}
}

// progress says how far it is, once a second.
func (r *run) progress(format string, args ...any) {
	if time.Since(r.said) < time.Second {
		return
	}
	r.said = time.Now()
	r.Progress(fmt.Sprintf(format, args...))
}
