package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// nobody is the unprivileged user that PostgreSQL runs as when we are root.
const nobody = 65534

// runAsServer makes the command run as a user that PostgreSQL accepts, in a process group of its own so
// that a terminal's Ctrl-C does not reach it.
func runAsServer(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() != 0 {
		return
	}
	// By name the program may be out of that user's reach (`go run` builds in a private directory).
	cmd.Path = "/proc/self/exe"
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
}

// giveToServer makes the server's user the owner of dir. It fails when that user cannot reach dir.
func giveToServer(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	if !Reachable(dir) {
		return fmt.Errorf("%s is out of reach for the unprivileged user that PostgreSQL runs as", dir)
	}
	return os.Chown(dir, nobody, nobody)
}

// Reachable reports whether PostgreSQL's user can enter dir: always for an ordinary user, and for root
// when every directory above is open to others.
func Reachable(dir string) bool {
	if os.Getuid() != 0 {
		return true
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if parent == filepath.Dir(parent) {
			return true
		}
	}
}
