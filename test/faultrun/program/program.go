// Package program runs the programs of others that a run of test/faultrun needs, such as Kafka's brokers.
package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Program is one that runs, or has ended.
type Program struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
	err   error
}

// Start starts cmd, which ends with this process at the latest, and adds what it prints to the file log.
func Start(log string, cmd *exec.Cmd) (*Program, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	cmd.Stdout, cmd.Stderr = file, file
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// In a group of its own, a terminal's Ctrl-C does not reach it: who has started it ends it.
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Program{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// PID is its process id.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Ended is closed when it has ended.
func (p *Program) Ended() <-chan struct{} { return p.ended }

// Signal sends it a signal. To one that has ended it does nothing.
func (p *Program) Signal(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Kill ends it as a crash does, and returns once it is gone.
func (p *Program) Kill() {
	_ = p.Signal(syscall.SIGKILL)
	<-p.ended
}

// End sends it a signal to stop by, and kills it if it has not within a time.
func (p *Program) End(by syscall.Signal, within time.Duration) error {
	if err := p.Signal(by); err != nil {
		return err
	}
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-p.ended:
		return nil
	case <-late.C:
		p.Kill()
		return fmt.Errorf("%s does not stop within %s", p.cmd.Path, within)
	}
}

// Await repeats answers until it returns no error, and gives up when the program has ended.
func (p *Program) Await(ctx context.Context, answers func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := answers(attempt)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("%s has ended (%w) and said:\n%s", p.cmd.Path, p.err, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// lastWords are the last lines of its log.
func (p *Program) lastWords() string {
	const most = 20
	said, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
