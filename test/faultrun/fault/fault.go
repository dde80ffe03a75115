// Package fault is what a run of test/faultrun breaks, and what it is broken with. Each part of the system,
// such as Kafka or the network, offers its faults by it.
package fault

import (
	"context"
	"math/rand/v2"
	"os/exec"
	"time"

	"countersign.example/pkg/kafka/connection"
)

// Fault is one kind of thing that breaks.
type Fault struct {
	Kind string   // such as "broker killed"; the summary counts by it
	Part string   // such as "kafka": of the faults of one part, one is there at a time
	Also []string // other parts that must have none meanwhile
	// For is how long it stays, at least and at most; both zero for what is over once it is done.
	For [2]time.Duration
	// Loses is for what loses what others were told is done: that is what they were told while Break was under
	// way.
	Loses bool
	// Break does it, and returns what heals it, or nil for what heals by itself. Both return once it is done.
	// The same rnd does the same. Heal is called even when ctx of Break has ended.
	Break func(ctx context.Context, rnd *rand.Rand) (heal func(context.Context) error, err error)
}

// Part is something of the system that breaks.
type Part interface {
	Faults(*Environment) []Fault
	// Close ends what the part runs, and returns once it is gone.
	Close() error
}

// Process is one process of a service. What has ended is started again with the same settings.
type Process interface {
	Name() string    // such as "manager-ui web 2"
	Service() string // such as "manager-ui"
	Pid() int        // 0 while it does not run
	Kill()           // as a crash does; returns once it is gone
	Start() error
}

// Environment is the running system, as faults find it.
type Environment struct {
	Processes []Process
	Kafka     connection.Settings // of one who may do everything
	Databases map[string]string   // addresses by service, of the role that owns all
	Redis     string              // its address, redis://
	// Command is a command of a service, such as "adopt", with the service's settings.
	Command func(ctx context.Context, service string, args ...string) *exec.Cmd
}
