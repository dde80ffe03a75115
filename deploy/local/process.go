package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a running child.
type process struct {
	name   string
	cmd    *exec.Cmd
	output *stream
	ended  chan struct{} // closed once err is set
	err    error
}

// start runs a program. It belongs to a process group of its own, so that a terminal's Ctrl-C reaches
// only the launcher, which then stops things in order.
func (l *launcher) start(name string, colour int, environment []string, program string, args ...string) (*process, error) {
	p := &process{name: name, output: &stream{out: l.out, name: name, colour: colour}, ended: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.cmd.Env = environment
	p.cmd.Dir = l.root
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.WaitDelay = time.Second // a grandchild may hold the pipe open
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(p.cmd.SysProcAttr)

	started := make(chan error, 1)
	go func() {
		// "Parent" means the thread that forked: it stays with this goroutine until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// finish waits for the end of a program that does one thing, such as a migration.
func (p *process) finish(ctx context.Context) error {
	select {
	case <-p.ended:
		if p.err != nil {
			return p.death()
		}
		return nil
	case <-ctx.Done():
		p.stop(10 * time.Second)
		return context.Cause(ctx)
	}
}

// ready waits until url answers 200, which /readyz does when the service can work.
func (p *process) ready(ctx context.Context, url string, patience time.Duration) error {
	client := &http.Client{Timeout: 2 * time.Second}
	return p.until(ctx, patience, url, func(ctx context.Context) bool { return answers(ctx, client, url) })
}

// until waits until a process that listens at an address is as it should be.
func (p *process) until(ctx context.Context, patience time.Duration, addr string, is func(context.Context) bool) error {
	deadline, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if is(deadline) {
			return nil
		}
		select {
		case <-p.ended:
			return p.death()
		case <-deadline.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("%s is not ready after %s (%s does not answer)", p.name, patience, addr)
		case <-tick.C:
		}
	}
}

func answers(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// deathError is an unexpected end of a process. Its text is the last line that the launcher prints.
type deathError struct{ name, how, tail string }

func (e *deathError) Error() string { return fmt.Sprintf("%s ended by itself (%s)", e.name, e.how) }

// death describes the end of a process that has ended.
func (p *process) death() error {
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	return &deathError{p.name, how, p.output.tail()}
}

// stop asks the process to end, and after the grace kills it and whatever it started.
func (p *process) stop(grace time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(grace):
		p.output.out.print("%s did not stop within %s: killed", p.name, grace)
	}
	// The group may outlive its leader; when it is empty this is an error that means nothing.
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}
