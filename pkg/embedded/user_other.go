//go:build !linux

package embedded

import (
	"os/exec"
	"syscall"
)

// Elsewhere people do not work as root, and nothing needs doing.

func runAsServer(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func giveToServer(string) error { return nil }

// Reachable reports whether PostgreSQL's user can enter dir.
func Reachable(string) bool { return true }
