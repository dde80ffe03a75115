package service

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestTheMemoryLimitFollowsTheContainer(t *testing.T) {
	const mib, gib = 1 << 20, 1 << 30
	has := memlimit.Limit
	none := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	unknown := func() (uint64, error) { return 0, errors.New("not known here") }
	for _, tc := range []struct {
		name               string
		container, machine memlimit.Provider
		want               int64
	}{
		{"a small container", has(100 * mib), has(64 * gib), 90 * mib},
		{"a large container", has(4000 * mib), has(64 * gib), 3600 * mib},
		{"a limit above what the machine has", has(64 * gib), has(8 * gib), gib},
		{"no limit", none, has(8 * gib), gib},
		{"no limit on a small machine", none, has(gib), 256 * mib},
		{"a container on a machine that does not say", has(1000 * mib), unknown, 900 * mib},
		{"nothing is known", unknown, unknown, 256 * mib},
	} {
		if got := memoryLimit(tc.container, tc.machine); got != tc.want {
			t.Errorf("%s: %d MiB, not %d", tc.name, got/mib, tc.want/mib)
		}
	}
}

const limitVariable = "SERVICE_TEST_MEMORY_LIMIT"

// TestMain plays a service that says what its memory limit is, when asked to.
func TestMain(m *testing.M) {
	if os.Getenv(limitVariable) != "" {
		tuneCollector()
		print(debug.SetMemoryLimit(-1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A process in a real control group of 100 MiB. It needs root, and a hierarchy that may be written to.
func TestAProcessInAControlGroupKeepsWithinIt(t *testing.T) {
	dir, limit := controlGroup(t)
	if err := os.WriteFile(filepath.Join(dir, limit), []byte("104857600"), 0o600); err != nil {
		t.Skip("the group takes no limit:", err)
	}
	// The shell moves itself into the group and becomes the test binary.
	cmd := exec.Command("sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$1"`, dir, os.Args[0])
	cmd.Env = append(os.Environ(), limitVariable+"=1", "GOMEMLIMIT=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != "94371840" { // 90 MiB
		t.Errorf("the limit is %s", got)
	}
}

// controlGroup makes a group below this process's own, in version 2 or 1, and says which file holds its
// memory limit.
func controlGroup(t *testing.T) (dir, limit string) {
	t.Helper()
	for _, version := range []struct{ root, limit string }{
		{"/sys/fs/cgroup", "memory.max"}, {"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
	} {
		dir, err := os.MkdirTemp(version.root, "countersign-test-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		if _, err := os.Stat(filepath.Join(dir, version.limit)); err == nil {
			return dir, version.limit
		}
	}
	t.Skip("no control group with a memory limit can be made here")
	return "", ""
}
