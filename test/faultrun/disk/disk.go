// Package disk is small disks that can be filled.
package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Mount makes dir an empty disk of its own, in memory, of so many MiB. It is false where this process may not
// (only root may).
func Mount(dir string, size int) (bool, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", size))
	if errors.Is(err, syscall.EPERM) {
		return false, nil
	}
	return err == nil, err
}

// Unmount takes it away, as soon as nobody uses it.
func Unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }

// Fill leaves no room on the disk dir, until free is called.
func Fill(dir string) (free func() error, err error) {
	filler := filepath.Join(dir, "filler")
	file, err := os.Create(filler)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(file, zeros{})
	_ = file.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		return nil, errors.Join(err, os.Remove(filler))
	}
	return func() error { return os.Remove(filler) }, nil
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
