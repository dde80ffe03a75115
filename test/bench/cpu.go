package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

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

// cpuTimes is how much CPU time each part has used so far: this process (with the embedded Kafka and Redis), the
// services that it has started, and PostgreSQL. Elsewhere than on Linux it is empty.
func cpuTimes(postmaster int) map[string]time.Duration {
	times := map[string]time.Duration{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		p, ok := readStat(path)
		if !ok {
			continue
		}
		switch {
		case p.pid == os.Getpid():
			times[ownCPU] += p.own
		case p.parent == os.Getpid():
			times[p.name] += p.own
		case p.pid == postmaster:
			times[postgresCPU] += p.own + p.children // of connections that have ended
		case p.parent == postmaster:
			times[postgresCPU] += p.own
		}
	}
	return times
}

type processStat struct {
	pid, parent   int
	name          string
	own, children time.Duration
}

func readStat(path string) (p processStat, ok bool) {
	data, err := os.ReadFile(path) //nolint:gosec // a path below /proc
	if err != nil {
		return p, false // has ended
	}
	text := string(data)
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return p, false
	}
	fields := strings.Fields(text[end+1:]) // from field 3 on
	if len(fields) < 15 {
		return p, false
	}
	number := func(text string) int { n, _ := strconv.Atoi(text); return n }
	p.pid, p.name, p.parent = number(strings.TrimSpace(text[:open])), text[open+1:end], number(fields[1])
	p.own = time.Duration(number(fields[11])+number(fields[12])) * tick
	p.children = time.Duration(number(fields[13])+number(fields[14])) * tick
	return p, true
}

// findPostmaster is the server's first process, if the server is on this machine; else 0.
func findPostmaster(ctx context.Context) int {
	url := os.Getenv("TEST_DATABASE_URL")
	if url == "" {
		url = pgtest.DefaultURL
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0
	}
	defer func() { _ = conn.Close(ctx) }()
	p, _ := readStat(fmt.Sprintf("/proc/%d/stat", conn.PgConn().PID()))
	return p.parent
}
