package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

const isolatedVariable = "COUNTERSIGN_NETWORK"

// isolated reports whether this process has a network of its own.
func isolated() bool { return os.Getenv(isolatedVariable) == "isolated" }

// Isolate goes on as a copy of this process in a network and with mounts of its own, if it is root, and does
// not return then: firewalls and disks go with the process, however it ends. Nobody else can reach what
// listens there, and it reaches nobody else.
func Isolate() error {
	if isolated() {
		return run(context.Background(), "ip", "link", "set", "lo", "up") // a network begins without
	}
	if os.Getuid() != 0 {
		return nil
	}
	for _, needed := range []string{"iptables", "ip"} {
		if _, err := exec.LookPath(needed); err != nil {
			return fmt.Errorf("%w: install it (Debian: apt-get install iptables iproute2), or come as another user than root", err)
		}
	}
	copied := exec.Command("/proc/self/exe", os.Args[1:]...)
	copied.Args[0] = os.Args[0]
	copied.Env = append(os.Environ(), isolatedVariable+"=isolated")
	copied.Stdin, copied.Stdout, copied.Stderr = os.Stdin, os.Stdout, os.Stderr
	copied.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if err := copied.Start(); err != nil {
		return fmt.Errorf("make a network of its own: %w", err)
	}
	go func() {
		for s := range signals {
			if s != os.Interrupt { // a terminal has sent that to both
				_ = copied.Process.Signal(s)
			}
		}
	}()
	if _, failed := errors.AsType[*exec.ExitError](copied.Wait()); failed && copied.ProcessState.ExitCode() < 0 {
		os.Exit(1) // a signal has ended it
	}
	os.Exit(copied.ProcessState.ExitCode())
	return nil
}

// toward and from are the packets of a link.
func toward(l *link) []string { return []string{"-d", l.ip} }
func from(l *link) []string   { return []string{"-s", l.ip} }

// drop has packets vanish.
func drop(ctx context.Context, packets ...[]string) (healing, error) {
	each := func(ctx context.Context, do string) (err error) {
		for _, match := range packets {
			err = errors.Join(err, run(ctx, "iptables", append([]string{"-w", do, "INPUT", "-j", "DROP"}, match...)...))
		}
		return err
	}
	return func(ctx context.Context) error { return each(ctx, "-D") }, each(ctx, "-A")
}

func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
	}
	return nil
}
