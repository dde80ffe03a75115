package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"countersign.example/test/faultrun/program"
)

// stopWithin is longer than a service gives itself (SHUTDOWN_TIMEOUT).
const stopWithin = 20 * time.Second

// process is one process of a service.
type process struct {
	name, service string
	role          string
	command       func() *exec.Cmd
	addr, admin   string
	log           string

	mu      sync.Mutex
	running *program.Program
	release string // the folder of its programs; "" for this version's
}

// newProcess is replica n of a service in a role, which is not started yet.
func newProcess(service, role string, n int, dir string, command func(args ...string) *exec.Cmd) (*process, error) {
	addresses, err := program.FreeAddresses(3)
	if err != nil {
		return nil, err
	}
	p := &process{name: fmt.Sprintf("%s %s %d", service, role, n), service: service, role: role, addr: addresses[0], admin: addresses[1]}
	p.log = filepath.Join(dir, strings.ReplaceAll(p.name, " ", "-")+".log")
	p.command = func() *exec.Cmd {
		cmd := command(role)
		cmd.Env = append(cmd.Env, "HTTP_ADDR="+p.addr, "ADMIN_ADDR="+p.admin)
		if n > 1 { // only one has the address at which others ask for dead letters
			cmd.Env = append(cmd.Env, "API_ADDR="+addresses[2])
		}
		return cmd
	}
	return p, nil
}

func (p *process) Name() string    { return p.name }
func (p *process) Service() string { return p.service }

func (p *process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return 0
	}
	return p.running.PID()
}

func (p *process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		select {
		case <-p.running.Ended():
		default:
			return nil // whoever has killed it before has started it again
		}
	}
	cmd := p.command()
	if p.release != "" {
		cmd.Path = filepath.Join(p.release, p.service)
	}
	running, err := program.Start(p.log, cmd)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.running = running
	return nil
}

func (p *process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		p.running.Kill()
		p.running = nil
	}
}

// stop asks it to stop.
func (p *process) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return nil
	}
	err := p.running.End(syscall.SIGTERM, stopWithin)
	p.running = nil
	return err
}

// become stops it and starts it with the programs in another folder, or this version's where that is "", and
// waits until it is ready, as long as faults elsewhere let it be.
func (p *process) become(ctx context.Context, release string) error {
	stopped := p.stop()
	p.mu.Lock()
	p.release = release
	p.mu.Unlock()
	if err := p.Start(); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, rollPatience)
	defer cancel()
	if err := p.ready(patience); err != nil && patience.Err() == nil {
		return err // it has ended
	}
	return stopped
}

// rollPatience is how long a rolling restart waits for one process to be ready, before it goes on.
const rollPatience = 20 * time.Second

func (p *process) signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return nil
	}
	return p.running.Signal(s)
}

// ended says that it has ended by itself.
func (p *process) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return false
	}
	select {
	case <-p.running.Ended():
		return true
	default:
		return false
	}
}

// ready waits until it says that it is.
func (p *process) ready(ctx context.Context) error {
	p.mu.Lock()
	running := p.running
	p.mu.Unlock()
	if running == nil {
		return fmt.Errorf("%s does not run", p.name)
	}
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return running.Await(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s is not ready: %s", p.name, response.Status)
		}
		return nil
	})
}
