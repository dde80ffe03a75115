package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/test/faultrun/fault"
)

type healing = func(context.Context) error

// Faults are what happens to the primary.
func (p *Postgres) Faults(e *fault.Environment) []fault.Fault {
	const part = "postgres"
	one := func(kind string, most time.Duration, do func(context.Context, *rand.Rand) (healing, error)) fault.Fault {
		return fault.Fault{Kind: kind, Part: part, For: [2]time.Duration{0, most}, Break: do}
	}
	list := []fault.Fault{
		one("PostgreSQL shut down at once", 5*time.Second, p.shutDown),
		one("PostgreSQL killed", 5*time.Second, p.kill),
		one("PostgreSQL crashed during a commit", 0, p.crash),
		one("PostgreSQL stands still", 10*time.Second, p.pause),
		{Kind: "PostgreSQL failed over, and lost a second", Part: part, Loses: true,
			Break: func(ctx context.Context, _ *rand.Rand) (healing, error) { return p.failOver(ctx, e) }},
	}
	if p.disks {
		list = append(list, one("PostgreSQL's disk full", 8*time.Second, p.fillDisk))
	}
	return list
}

// shutDown ends the primary without a checkpoint: it recovers from its log when it starts.
func (p *Postgres) shutDown(context.Context, *rand.Rand) (healing, error) {
	return p.primary.start, p.primary.running.End(syscall.SIGQUIT, stopWithin)
}

func (p *Postgres) kill(context.Context, *rand.Rand) (healing, error) {
	return p.primary.start, p.primary.killAll()
}

// killAll ends a server with all its processes at once, as a machine does that goes down.
func (s *server) killAll() error {
	pids, err := s.processes()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-s.running.Ended()
	return err
}

// processes are the server's, the one first that starts the others.
func (s *server) processes() ([]int, error) {
	pids := []int{s.running.PID()}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pids[0], pids[0]))
	for _, field := range strings.Fields(string(text)) {
		pid, wrong := strconv.Atoi(field)
		pids, err = append(pids, pid), errors.Join(err, wrong)
	}
	return pids, err
}

// crash kills a process that commits or works at something, if there is one: the server ends all connections
// and recovers by itself.
func (p *Postgres) crash(ctx context.Context, _ *rand.Rand) (healing, error) {
	return p.primary.answersAgain, p.primary.ask(ctx, func(conn *pgx.Conn) error {
		var pid, own int
		err := conn.QueryRow(ctx, `select pid, pg_backend_pid() from pg_stat_activity where backend_type = 'client backend'
			order by query ilike '%commit%' and state = 'active' desc, state = 'active' and pid <> pg_backend_pid() desc limit 1`).Scan(&pid, &own)
		if err != nil {
			return err
		}
		// It may have ended by itself meanwhile. Ours is there.
		_ = syscall.Kill(pid, syscall.SIGKILL)
		return syscall.Kill(own, syscall.SIGKILL)
	})
}

func (s *server) answersAgain(ctx context.Context) error { return s.running.Await(ctx, s.answers) }

// pause stops all its processes.
func (p *Postgres) pause(context.Context, *rand.Rand) (healing, error) {
	pids, err := p.primary.processes()
	all := func(signal syscall.Signal) (err error) {
		for _, pid := range pids {
			if failed := syscall.Kill(pid, signal); !errors.Is(failed, syscall.ESRCH) {
				err = errors.Join(err, failed)
			}
		}
		return err
	}
	heal := func(ctx context.Context) error { return errors.Join(all(syscall.SIGCONT), p.primary.answersAgain(ctx)) }
	return heal, errors.Join(err, all(syscall.SIGSTOP))
}

// lost is of how long the standby knows nothing when it takes over.
const lost = time.Second

// failOver has the standby take the primary's place after it has received nothing for a second. Heal makes
// the next standby, and has the cores, which hold themselves back, adopt what the topics have and they lack.
func (p *Postgres) failOver(ctx context.Context, e *fault.Environment) (healing, error) {
	heal := func(ctx context.Context) error {
		if err := p.makeStandby(ctx); err != nil {
			return err
		}
		return adopt(ctx, e)
	}
	if err := p.standby.running.Await(ctx, p.streams); err != nil {
		return nil, err
	}
	if err := p.standby.exec(ctx, "alter system set primary_conninfo = ''", "select pg_reload_conf()"); err != nil {
		return nil, err
	}
	if err := p.standby.running.Await(ctx, p.receivesNothing); err != nil {
		return nil, err
	}
	select {
	case <-time.After(lost):
	case <-ctx.Done():
	}
	ctx = context.WithoutCancel(ctx) // no way back from here
	if err := p.primary.killAll(); err != nil {
		return nil, err
	}
	if err := p.standby.exec(ctx, "select pg_promote()"); err != nil {
		return nil, err
	}
	if err := p.standby.running.End(syscall.SIGINT, stopWithin); err != nil {
		return nil, err
	}
	former := p.primary.data
	p.primary.data, p.standby.data = p.standby.data, ""
	p.standby.running = nil
	return heal, errors.Join(p.remove(former), p.primary.start(ctx))
}

// receivesNothing returns an error while the standby is connected to the primary.
func (p *Postgres) receivesNothing(ctx context.Context) error {
	var receiving bool
	err := p.standby.ask(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "select exists (select from pg_stat_wal_receiver)").Scan(&receiving)
	})
	if err == nil && receiving {
		err = errors.New("the standby receives still")
	}
	return err
}

// adopt has each service whose journal is primary data take from the topics what it lacks, as operators do.
func adopt(ctx context.Context, e *fault.Environment) error {
	for _, service := range []string{"ordering-core", "payments-core"} {
		cmd := e.Command(ctx, service, "adopt", "--reason", "the standby took over", "--by", "the fault run")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s adopt: %w\n%s", service, err, out)
		}
	}
	return nil
}
