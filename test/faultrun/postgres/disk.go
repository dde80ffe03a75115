package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"

	"countersign.example/test/faultrun/disk"
)

// logSize is how many MiB the disk of a server's write-ahead log has: more than it keeps of it.
const logSize = 1024

// logOf is where a server has its write-ahead log.
func logOf(data string) string { return filepath.Join(data, "pg_wal") }

// separateLog gives the log of a server that does not run a disk of its own, with what it has.
func (p *Postgres) separateLog(data string) (err error) {
	former := logOf(data) + ".former"
	if err := os.Rename(logOf(data), former); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if p.disks, err = disk.Mount(logOf(data), logSize); err != nil {
		return err
	}
	if err := errors.Join(giveToServer(logOf(data)), os.Chmod(logOf(data), 0o700)); err != nil {
		return err
	}
	if _, err := os.Stat(former); err != nil {
		return nil // it had none yet
	}
	return errors.Join(copyData(logOf(data), former), os.RemoveAll(former))
}

// remove removes a server's data.
func (p *Postgres) remove(data string) error {
	if p.disks {
		if err := disk.Unmount(logOf(data)); err != nil {
			return err
		}
	}
	return os.RemoveAll(data)
}

// fillDisk leaves no room for the write-ahead log: the server ends all that is under way, and cannot start
// again until there is room.
func (p *Postgres) fillDisk(ctx context.Context, _ *rand.Rand) (healing, error) {
	free, err := disk.Fill(logOf(p.primary.data))
	if err != nil {
		return nil, err
	}
	heal := func(ctx context.Context) error {
		if err := free(); err != nil {
			return err
		}
		select {
		case <-p.primary.running.Ended():
		default:
			_ = p.primary.killAll() // some of its processes may end at this moment
		}
		return p.primary.start(ctx)
	}
	// What it has room for already is soon full, too.
	for range logSize {
		if err := p.primary.exec(ctx, "select pg_logical_emit_message(false, 'fill', repeat('x', 1000000))"); err != nil {
			return heal, nil
		}
	}
	return heal, errors.New("the log has room for more than its disk")
}
