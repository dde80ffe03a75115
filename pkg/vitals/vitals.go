// Package vitals is how a service says how it is: which processes it has, what waits in its outbox, how far
// it has received each partition, what waits for people, and what is not well, with what to do about it.
//
// Invariants:
//   - An answer takes a second and a half at most. What could not be read in that time is named in Unknown.
//   - Each process writes one row about itself; whoever answers reads those rows and a few bounded counts.
//   - Nothing here decides anything: a process that cannot write its row works on.
package vitals

import (
	"time"

	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/rights"
)

// Look is the right to ask a service how it is.
var Look = rights.Right{Name: "flow", To: "look at how the services are", Roles: []rights.Role{rights.Operator, rights.Auditor}}

// Vitals is how a service is.
type Vitals struct {
	Service  string    `json:"service"`
	At       time.Time `json:"at"`
	Replicas []Replica `json:"replicas"`
	// Publishes are the topics that it writes to, Published how many events a second Kafka has acknowledged.
	Publishes []string `json:"publishes"`
	Published float64  `json:"published_per_second"`
	// Outbox are the events that Kafka has not acknowledged.
	Outbox      Backlog            `json:"outbox"`
	Receives    []Partition        `json:"receives"`
	DeadLetters map[inbox.Kind]int `json:"dead_letters"` // that wait, up to 10,000
	Jobs        []Job              `json:"jobs"`
	Unknown     []string           `json:"unknown"` // what could not be read
	Findings    []Finding          `json:"findings"`
}

// Backlog is how much waits, and for how long the oldest has.
type Backlog struct {
	Count  int     `json:"count"` // mostCounted and one more: there are more than mostCounted
	Oldest float64 `json:"oldest_seconds"`
}

// Job is work that a service does besides receiving, such as calls of the gateway.
type Job struct {
	Name string `json:"name"`
	Backlog
	Failing int `json:"failing"` // of these, tried without success
	Stuck   int `json:"stuck"`   // of these, waiting for a person
}

// Replica is a process of the service.
type Replica struct {
	Name      string    `json:"name"` // host and process
	Role      string    `json:"role"` // web, consumer or all
	StartedAt time.Time `json:"started_at"`
	Unseen    float64   `json:"unseen_seconds"` // for how long it has said nothing
	Leads     []string  `json:"leads"`          // what it does for all replicas
	State
}

// State is what a process says of itself.
type State struct {
	Problems  map[string]string `json:"problems"` // checks of readiness that fail, and why
	Published float64           `json:"published_per_second"`
	Partition []Partition       `json:"partitions,omitempty"` // those assigned to it
}

// goneAfter is how long a process may say nothing before it counts as gone.
const goneAfter = 10 * time.Second

// Gone reports whether the process says nothing any more.
func (r Replica) Gone() bool { return r.Unseen > goneAfter.Seconds() }

// Receives reports whether the process consumes topics.
func (r Replica) Receives() bool { return r.Role != "web" }

// Partition is how far the service has received one.
type Partition struct {
	Topic string `json:"topic"`
	ID    int    `json:"partition"`
	Next  int64  `json:"next"` // the offset that comes next
	End   int64  `json:"end"`  // of the newest message, plus one; -1 if nobody knows
	// Rate is how many messages a second were recorded lately.
	Rate    float64    `json:"per_second"`
	LastAt  *time.Time `json:"last_at"`         // when the last one was, if a process that runs has seen that
	Waiting float64    `json:"waiting_seconds"` // for how long the oldest has waited that is not recorded
	Replica string     `json:"replica"`         // to which it is assigned; "" if nobody says so
	Lost    string     `json:"lost,omitempty"`  // what is missing of it
}

// Lag is how many messages wait; 0 if that is not known.
func (p Partition) Lag() int64 { return max(0, p.End-p.Next) }

// Level says how bad something is.
type Level string

// Levels, from well to bad.
const (
	Well  Level = "well"
	Wants Level = "look" // somebody should look
	Late  Level = "late" // it works, later than it should
	Down  Level = "down"
)

var levels = map[Level]int{Well: 0, Wants: 1, Late: 2, Down: 3}

// Worse is the worse of two.
func (l Level) Worse(other Level) Level {
	if levels[other] > levels[l] {
		return other
	}
	return l
}

// Finding is what is not well: what it is, and what to do about it.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	What  string `json:"what"`
	Do    string `json:"do"`
	Topic string `json:"topic,omitempty"` // that it is about
}

// Level is the worst of what was found.
func (v Vitals) Level() Level {
	level := Well
	for _, f := range v.Findings {
		level = level.Worse(f.Level)
	}
	return level
}
