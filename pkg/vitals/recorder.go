package vitals

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/text"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations is the table of a service's processes.
var Migrations = pg.NewMigrations("vitals", files)

const (
	beatEvery  = 2 * time.Second
	beatWithin = 2 * time.Second
	// longestProblem bounds what a check may say, in characters.
	longestProblem = 300
)

// Recorder writes the row of this process.
type Recorder struct {
	DB   *pg.DB
	Role string
	Log  *slog.Logger
	// Problems are the checks of readiness that fail, and why.
	Problems func(ctx context.Context) map[string]string
	// Published is how many events this process has published, and Standing how far the partitions are that are
	// assigned to it. Both are nil in a process that does neither.
	Published func() int64
	Standing  func(ctx context.Context) map[journal.TopicPartition]journal.Standing

	mu      sync.Mutex
	started time.Time
	last    Replica
	sent    pace
	paces   map[journal.TopicPartition]*pace
}

// Run writes the row every two seconds until ctx ends, and deletes it then.
func (r *Recorder) Run(ctx context.Context) error {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	failing := false
	for {
		err := r.Beat(ctx, time.Now())
		switch {
		case ctx.Err() != nil:
			r.leave(ctx)
			return nil
		case err != nil && !failing:
			r.Log.WarnContext(ctx, "this process cannot say how it is", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			r.leave(ctx)
			return nil
		case <-tick.C:
		}
	}
}

// Self is what this process last said of itself.
func (r *Recorder) Self() Replica {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Beat looks how this process is, and writes that.
func (r *Recorder) Beat(ctx context.Context, now time.Time) error {
	looking, cancel := context.WithTimeout(ctx, beatWithin)
	defer cancel()
	self := r.look(looking, now)
	ctx, cancelWrite := context.WithTimeout(ctx, beatWithin) // also when looking took long
	defer cancelWrite()
	state, err := json.Marshal(self.State)
	if err != nil {
		return fmt.Errorf("write how this process is: %w", err)
	}
	if _, err := r.DB.Pool().Exec(ctx, `with gone as (delete from replicas where seen_at < clock_timestamp() - interval '10 minutes' and name <> $1)
		insert into replicas (name, role, started_at, seen_at, state) values ($1, $2, $3, clock_timestamp(), $4)
		on conflict (name) do update set role = excluded.role, started_at = excluded.started_at, seen_at = excluded.seen_at, state = excluded.state`,
		self.Name, self.Role, self.StartedAt, state); err != nil {
		return fmt.Errorf("write how this process is: %w", err)
	}
	return nil
}

// look asks before it takes the lock, since brokers may be slow.
func (r *Recorder) look(ctx context.Context, now time.Time) Replica {
	self := Replica{Name: pg.Holder(), Role: r.Role, Leads: []string{}, State: State{Problems: map[string]string{}, Partition: []Partition{}}}
	if r.Problems != nil {
		for name, problem := range r.Problems(ctx) {
			said := []rune(text.Mend(problem))
			self.Problems[name] = string(said[:min(len(said), longestProblem)])
		}
	}
	var standing map[journal.TopicPartition]journal.Standing
	if r.Standing != nil {
		standing = r.Standing(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started.IsZero() {
		r.started = now
	}
	self.StartedAt = r.started
	if r.Published != nil {
		r.sent.note(now, r.Published(), 0)
		self.Published = r.sent.rate()
	}
	paces := make(map[journal.TopicPartition]*pace, len(standing))
	for tp, s := range standing {
		p := r.paces[tp]
		if p == nil {
			p = &pace{}
		}
		paces[tp] = p
		p.note(now, s.Next, s.End)
		at := Partition{Topic: tp.Topic, ID: tp.Partition, Next: s.Next, End: s.End, Rate: p.rate(), Waiting: p.waiting().Seconds(), Replica: self.Name}
		if !p.moved.IsZero() {
			at.LastAt = &p.moved
		}
		self.Partition = append(self.Partition, at)
	}
	if standing != nil {
		r.paces = paces
	}
	slices.SortFunc(self.Partition, func(a, b Partition) int { return a.place().Compare(b.place()) })
	r.last = self
	return self
}

func (p Partition) place() journal.TopicPartition {
	return journal.TopicPartition{Topic: p.Topic, Partition: p.ID}
}

// leave deletes the row: a process that was told to stop is not one that has vanished.
func (r *Recorder) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = r.DB.Pool().Exec(ctx, "delete from replicas where name = $1", pg.Holder())
}
