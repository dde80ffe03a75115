package main

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/procfs"

	"countersign.example/pkg/pg/pgtest"
)

// tick is the unit of the times in /proc: USER_HZ, which is 100 on every Linux that Go runs on.
//
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
const tick = 10 * time.Millisecond

// The parts by which CPU time is told apart.
const (
	ownCPU      = "bench, Kafka, Redis"
	postgresCPU = "PostgreSQL"
)

// usage is the CPU time that each part had used when it began.
type usage struct {
	began      time.Time
	postmaster int
	before     map[string]time.Duration
}

func startUsage(ctx context.Context) usage {
	u := usage{postmaster: findPostmaster(ctx)}
	u.began, u.before = time.Now(), cpuTimes(u.postmaster)
	return u
}

// since is the CPU time that each part has used since; 0 for a process that has ended meanwhile.
func (u usage) since() map[string]time.Duration {
	times := cpuTimes(u.postmaster)
	for part, before := range u.before {
		times[part] = max(0, times[part]-before)
	}
	return times
}

// cpuTimes is how much CPU time each part has used so far: this process (with the embedded Kafka and Redis),
// the services that it has started, and PostgreSQL. Elsewhere than on Linux it is empty.
func cpuTimes(postmaster int) map[string]time.Duration {
	times := map[string]time.Duration{}
	for _, p := range processes() {
		own := time.Duration(p.UTime+p.STime) * tick
		switch {
		case p.PID == os.Getpid():
			times[ownCPU] += own
		case p.PPID == os.Getpid():
			times[p.Comm] += own
		case p.PID == postmaster:
			times[postgresCPU] += own + time.Duration(p.CUTime+p.CSTime)*tick // of connections that have ended
		case p.PPID == postmaster:
			times[postgresCPU] += own
		}
	}
	return times
}

// memoryOf is the resident memory of a service that this process has started; 0 if it does not run.
func memoryOf(name string) int64 {
	for _, p := range processes() {
		if p.PPID == os.Getpid() && p.Comm == name {
			return int64(p.ResidentMemory())
		}
	}
	return 0
}

// processes are those that run, without what ends meanwhile.
func processes() (all []procfs.ProcStat) {
	found, _ := procfs.AllProcs()
	for _, p := range found {
		if stat, err := p.Stat(); err == nil {
			all = append(all, stat)
		}
	}
	return all
}

// findPostmaster is the server's first process, if the server is on this machine; else 0.
func findPostmaster(ctx context.Context) int {
	conn, err := pgx.Connect(ctx, cmp.Or(os.Getenv("TEST_DATABASE_URL"), pgtest.DefaultURL))
	if err != nil {
		return 0
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, p := range processes() {
		if p.PID == int(conn.PgConn().PID()) {
			return p.PPID
		}
	}
	return 0
}
