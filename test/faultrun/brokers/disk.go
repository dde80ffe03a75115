package brokers

import (
	"context"
	"path/filepath"

	"countersign.example/test/faultrun/disk"
)

const diskSize = 512 // MiB

// fillDisk leaves no room on a broker's disk, so that it ends by itself once it writes.
func (k *Kafka) fillDisk(_ context.Context, b *broker) (healing, error) {
	free, err := disk.Fill(filepath.Join(b.dir, "log"))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := free(); err != nil {
			return err
		}
		b.running.Kill() // unless it has met the full disk already
		return k.startAgain(ctx, b)
	}, nil
}
