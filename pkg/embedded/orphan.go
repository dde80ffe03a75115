package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const orphanPatience = 30 * time.Second

// StopOrphan makes a PostgresConfig.Dir free: a keeper that was killed leaves its server running, and a
// machine that went down leaves a pid file whose number may belong to something else by now. Postgres
// does it by itself; it is for callers that want the port or the files before that. The caller makes
// sure that nobody else is using dir.
func StopOrphan(dir string) error {
	data := filepath.Join(dir, "data")
	pidFile := filepath.Join(data, "postmaster.pid")
	content, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := bytes.Cut(content, []byte("\n"))
	pid, err := strconv.Atoi(string(bytes.TrimSpace(first)))
	if err != nil || pid <= 1 || !serves(pid, data) {
		return os.Remove(pidFile)
	}
	// SIGINT is PostgreSQL's fast shutdown: connections are cut, nothing committed is lost.
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		return fmt.Errorf("stop the server left over from an earlier run (pid %d): %w", pid, err)
	}
	for deadline := time.Now().Add(orphanPatience); syscall.Kill(pid, 0) == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the server left over from an earlier run (pid %d) does not stop", pid)
		}
	}
	return nil
}

// serves reports whether the process lives and works in the data directory, as a PostgreSQL server does.
func serves(pid int, data string) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	works, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		// No /proc here, or not our process: only on systems without it is that a server of ours.
		_, noProc := os.Stat("/proc/self")
		return noProc != nil
	}
	directory, err := os.Stat(data)
	return err == nil && os.SameFile(works, directory)
}
