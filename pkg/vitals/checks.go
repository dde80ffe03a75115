package vitals

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
)

const (
	// lateAfter is how long an event may wait to be published, or to be recorded.
	lateAfter = 15 * time.Second
	// farBehind is how many messages a service may be behind on a topic.
	farBehind = 1_000
)

// Check is one thing that is looked at: what is so when all is well, and what was found when it is not.
type Check struct {
	Name, Well string
	find       func(v Vitals) []Finding
}

// Checks are all of them, in the order in which they are shown.
var Checks = []Check{
	{"Database", "Each service reaches its database.", database},
	{"Processes", "Each service has a process that consumes, and none has vanished.", processes},
	{"Kafka", "Each consumer reaches the brokers.", brokers},
	{"Publishing", "No event waits longer than 15 s to be published.", publishing},
	{"Receiving", "No topic is more than 1,000 messages or 15 s ahead of who receives it.", receiving},
	{"Signatures", "Each service can sign, and knows the keys of the others.", problems("signing", "keys", "Look at its keys: docs/operations.md, Signing keys. What it writes waits in its outbox meanwhile.")},
	{"Live updates", "Open pages get their updates.", problems("redis", "redis", "Look whether Redis runs and lets the service in. Open pages are late meanwhile; reloading shows the newest.")},
	{"Read models", "No read model is catching up.", problems("copies", "copies", "Nothing: it goes on by itself. Lists are not complete until then.")},
	{"Gateway", "The payment gateway answers, and nothing waits for a person.", jobs},
	{"Dead letters", "None wait.", deadLetters},
	{"Anything else", "No other check of a process fails.", others},
}

// named are the checks of readiness that have a check of their own here.
var named = []string{"database", "journal", "kafka", "signing", "keys", "redis", "copies", "role"}

func find(v Vitals) []Finding {
	found := []Finding{}
	for _, c := range Checks {
		for _, f := range c.find(v) {
			f.Check = c.Name
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(levels[b.Level], levels[a.Level]) })
	return found
}

// saying returns what the processes that run say of a check of readiness: what, and who.
func (v Vitals) saying(names ...string) (what string, who []string) {
	for _, r := range v.Replicas {
		for _, name := range names {
			if problem := r.Problems[name]; problem != "" && !r.Gone() {
				what, who = problem, append(who, r.Name)
			}
		}
	}
	return what, who
}

func database(v Vitals) []Finding {
	what, _ := v.saying("database")
	if !slices.Contains(v.Unknown, "replicas") && what == "" {
		return nil
	}
	return []Finding{{Level: Down, What: v.Service + " cannot reach its database.",
		Do: "Look whether PostgreSQL runs, and whether the network lets the service in. What is asked of the service is refused meanwhile; nothing is lost, and it goes on by itself."}}
}

func processes(v Vitals) (found []Finding) {
	if slices.Contains(v.Unknown, "replicas") {
		return nil
	}
	consumes := false
	for _, r := range v.Replicas {
		switch {
		case r.Gone():
		case r.Receives():
			consumes = true
		}
	}
	if !consumes {
		found = append(found, Finding{Level: Down, What: "No consumer of " + v.Service + " runs: it publishes and receives nothing.",
			Do: "Start " + v.Service + " consumer, or look why it does not start: its log says so. What waits is published and received then."})
	}
	for _, r := range v.Replicas {
		if r.Gone() && r.Unseen < 60 {
			found = append(found, Finding{Level: Late, What: fmt.Sprintf("The process %s of %s has said nothing for %.0f s.", r.Name, v.Service, r.Unseen),
				Do: "Look whether it and its host are up. The others take its part; it is forgotten after ten minutes."})
		}
	}
	return found
}

func brokers(v Vitals) []Finding {
	what, who := v.saying("kafka")
	if len(who) == 0 {
		return nil
	}
	return []Finding{{Level: Down, What: v.Service + " cannot publish or receive: " + what + ".",
		Do: "Look whether the brokers run and let the service in. What people do is kept in the outbox meanwhile, and goes on by itself."}}
}

func publishing(v Vitals) []Finding {
	if v.Outbox.Oldest < lateAfter.Seconds() {
		return nil
	}
	return []Finding{{Level: Late, What: fmt.Sprintf("%s of %s not published yet, the oldest for %s.", counted(v.Outbox.Count, "event"), v.Service, Ago(v.Outbox.Oldest)),
		Do: "Look at the relay's line in the log of its consumer: it says why. Nothing is lost."}}
}

func receiving(v Vitals) (found []Finding) {
	type behind struct {
		lag     int64
		waiting float64
		lost    string
	}
	topics := map[string]behind{}
	for _, p := range v.Receives {
		b := topics[p.Topic]
		topics[p.Topic] = behind{b.lag + p.Lag(), max(b.waiting, p.Waiting), cmp.Or(b.lost, p.Lost)}
	}
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		switch b := topics[topic]; {
		case b.lost != "":
			found = append(found, Finding{Level: Down, Topic: topic, What: fmt.Sprintf("%s has lost its place in %s: %s.", v.Service, topic, b.lost),
				Do: "Bring the topic back, or accept the loss: docs/operations.md, Lost topics."})
		case b.waiting >= lateAfter.Seconds() || b.lag > farBehind:
			found = append(found, Finding{Level: Late, Topic: topic, What: fmt.Sprintf("%s is %s behind on %s, the oldest has waited %s.", v.Service, counted(int(b.lag), "message"), topic, Ago(b.waiting)),
				Do: "Wait if it grows less. Else look at the log of its consumer, and at its database."})
		}
	}
	return found
}

// problems is a check of readiness, or either of two, with what to do.
func problems(one, two, do string) func(Vitals) []Finding {
	return func(v Vitals) []Finding {
		what, who := v.saying(one, two)
		if len(who) == 0 {
			return nil
		}
		return []Finding{{Level: Late, What: v.Service + ": " + what + ".", Do: do}}
	}
}

func jobs(v Vitals) (found []Finding) {
	for _, j := range v.Jobs {
		if j.Stuck > 0 {
			found = append(found, Finding{Level: Wants, What: fmt.Sprintf("%s: %d stuck.", j.Name, j.Stuck), Do: "Retry or settle them under Gateway."})
		}
		if j.Failing > 0 {
			found = append(found, Finding{Level: Late, What: fmt.Sprintf("%s: %d without a definite answer, the oldest opened %s ago.", j.Name, j.Failing, Ago(j.Oldest)),
				Do: "Look whether the payment gateway answers. It is asked again by itself, with the same keys: nothing is done twice."})
		}
	}
	return found
}

func deadLetters(v Vitals) []Finding {
	n := 0
	for _, waiting := range v.DeadLetters {
		n += waiting
	}
	if n == 0 {
		return nil
	}
	level := Wants
	if v.DeadLetters[inbox.Poison] > 0 {
		level = Late // what follows of its key waits
	}
	return []Finding{{Level: level, What: fmt.Sprintf("%s of %s: nobody has decided about them.", counted(n, "dead letter"), v.Service), Do: "Look at them under Dead letters: try to replay them, replay or discard them."}}
}

func others(v Vitals) (found []Finding) {
	said := map[string]string{}
	for _, r := range v.Replicas {
		for name, problem := range r.Problems {
			if !r.Gone() && !slices.Contains(named, name) {
				said[name] = problem
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		found = append(found, Finding{Level: Late, What: fmt.Sprintf("%s, %s: %s.", v.Service, name, strings.TrimSuffix(said[name], ".")), Do: "Look at its log."})
	}
	return found
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if n > mostCounted {
		return "More than " + journal.Thousands(mostCounted) + " " + thing + "s"
	}
	return journal.Thousands(int64(n)) + " " + thing + "s"
}

// Ago is a number of seconds, as people say it.
func Ago(seconds float64) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 7200:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.0f h", seconds/3600)
}
