package brokers

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// mountDisk makes dir a small disk of its own, in memory, where this process may (as root).
func mountDisk(dir string) (bool, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512m")
	if errors.Is(err, syscall.EPERM) {
		return false, nil
	}
	return err == nil, err
}

func unmountDisk(dir string) error { return syscall.Unmount(dir, 0) }

// fillDisk leaves no room on a broker's disk, so that it ends by itself once it writes.
func (k *Kafka) fillDisk(_ context.Context, b *broker) (healing, error) {
	filler := filepath.Join(b.dir, "log", "filler")
	file, err := os.Create(filler)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(file, zeros{})
	_ = file.Close()
	heal := func(ctx context.Context) error {
		if err := os.Remove(filler); err != nil {
			return err
		}
		b.running.Kill() // unless it has met the full disk already
		return k.startAgain(ctx, b)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return nil, errors.Join(err, os.Remove(filler))
	}
	return heal, nil
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
