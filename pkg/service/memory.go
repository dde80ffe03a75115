package service

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// How Go collects garbage, where GOGC and GOMEMLIMIT do not say. A service that serves keeps little, and its
// requests soon leave as much behind again: at the default of 100, about a sixth of its CPU time went into
// collecting that. One that catches up keeps more; from the limit on it collects as often as it must.
const (
	gcPercent = 400
	// ofContainer is the share of a container's limit that Go may use: the rest is for what Go does not
	// count.
	ofContainer = 0.9
	// Without a limit the whole machine is there, and others are on it: nine of our processes at an eighth
	// each fit, since few ever come near. leastMemory is what one needs in any case.
	ofMachine   = 1.0 / 8
	leastMemory = 256 << 20
)

// tuneCollector sets both, each unless the environment does.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(memlimit.FromCgroup, memlimit.FromSystem))
	}
}

// memoryLimit is what Go may use, in bytes: from the limit of the container (cgroup version 1 or 2) if there
// is one, else from the machine's memory.
func memoryLimit(container, machine memlimit.Provider) int64 {
	total, err := machine()
	if err != nil {
		total = 0
	}
	if limit, err := container(); err == nil && (total == 0 || limit < total) {
		return int64(ofContainer * float64(limit))
	}
	return max(leastMemory, int64(ofMachine*float64(total)))
}
