package vitals

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
)

const (
	// readWithin bounds what a service asks of its database before it answers.
	readWithin = 1500 * time.Millisecond
	// mostCounted bounds what is counted of a list, and mostReplicas how many processes are read.
	mostCounted  = 10_000
	mostReplicas = 100
)

// Reader reads how a service is. Its fields but the first three are set before it is asked.
type Reader struct {
	Service string
	DB      *pg.DB
	Journal *journal.Journal
	// Publishes are the topics that the service writes to; Letters are its dead letters, and Jobs what else it
	// does. Self is what this process says of itself, for when the database is away.
	Publishes []string
	Letters   *inbox.DeadLetterStore
	Jobs      func(ctx context.Context) ([]Job, error)
	Self      func() Replica
}

// Read returns how the service is. It always does: what cannot be read is named in it.
func (r *Reader) Read(ctx context.Context) Vitals {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	v := Vitals{Service: r.Service, At: time.Now().UTC(), Publishes: r.Publishes, Replicas: []Replica{}, Receives: []Partition{},
		DeadLetters: map[inbox.Kind]int{}, Jobs: []Job{}, Unknown: []string{}, Findings: []Finding{}}
	for _, part := range []struct {
		name string
		read func(context.Context, *Vitals) error
	}{{"replicas", r.replicas}, {"outbox", r.outbox}, {"received", r.received}, {"dead letters", r.letters}, {"jobs", r.jobs}} {
		if err := part.read(ctx, &v); err != nil {
			v.Unknown = append(v.Unknown, part.name)
		}
	}
	if len(v.Replicas) == 0 && r.Self != nil {
		v.Replicas = []Replica{r.Self()}
	}
	for _, replica := range v.Replicas {
		if !replica.Gone() {
			v.Published += replica.Published
		}
	}
	v.Findings = find(v)
	for i := range v.Replicas { // they are in Receives
		v.Replicas[i].Partition = nil
	}
	return v
}

func (r *Reader) replicas(ctx context.Context, v *Vitals) (err error) {
	v.Replicas, err = pg.Rows(ctx, r.DB.Pool(), func(row pgx.CollectableRow) (p Replica, err error) {
		var state []byte
		if err := row.Scan(&p.Name, &p.Role, &p.StartedAt, &p.Unseen, &state, &p.Leads); err != nil {
			return p, err
		}
		return p, json.Unmarshal(state, &p.State)
	}, `select name, role, started_at, extract(epoch from clock_timestamp() - seen_at)::float8, state,
		array(select l.name from leases l where l.holder = replicas.name and l.expires_at > clock_timestamp() order by 1)
		from replicas order by role, name limit $1`, mostReplicas)
	if err != nil {
		return fmt.Errorf("read the processes: %w", err)
	}
	return nil
}

func (r *Reader) outbox(ctx context.Context, v *Vitals) error {
	b, err := r.Journal.OutboxUpTo(ctx, mostCounted+1)
	if err != nil {
		return err
	}
	v.Outbox.Count = int(b.Outbox)
	if !b.OutboxSince.IsZero() {
		v.Outbox.Oldest = max(0, time.Since(b.OutboxSince).Seconds())
	}
	return nil
}

// received has all partitions of the database, whose positions are stored now and then, and what the
// processes say of theirs.
func (r *Reader) received(ctx context.Context, v *Vitals) (err error) {
	v.Receives, err = pg.Rows(ctx, r.DB.Pool(), func(row pgx.CollectableRow) (p Partition, err error) {
		return p, row.Scan(&p.Topic, &p.ID, &p.Next, &p.Lost)
	}, "select topic, partition, next, coalesce(lost, '') from consumer_positions order by topic, partition")
	if err != nil {
		return fmt.Errorf("read the consumer positions: %w", err)
	}
	for i, p := range v.Receives {
		p.End = -1
		for _, replica := range v.Replicas {
			for _, said := range replica.Partition {
				if said.place() != p.place() {
					continue
				}
				p.End, p.Next = max(p.End, said.End), max(p.Next, said.Next)
				if !replica.Gone() {
					p.Rate, p.LastAt, p.Waiting, p.Replica = said.Rate, said.LastAt, said.Waiting, said.Replica
				}
			}
		}
		if p.End <= p.Next {
			p.Waiting = 0
		}
		v.Receives[i] = p
	}
	return nil
}

func (r *Reader) letters(ctx context.Context, v *Vitals) (err error) {
	if r.Letters != nil {
		v.DeadLetters, err = r.Letters.Waiting(ctx)
	}
	return err
}

func (r *Reader) jobs(ctx context.Context, v *Vitals) error {
	if r.Jobs == nil {
		return nil
	}
	jobs, err := r.Jobs(ctx)
	if err != nil {
		return err
	}
	v.Jobs = slices.SortedFunc(slices.Values(jobs), func(a, b Job) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}
