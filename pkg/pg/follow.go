package pg

import (
	"context"
	"time"

	"countersign.example/pkg/wait"
)

// Follow calls do at once, and then whenever this process has notified a channel or tick has passed, until
// ctx ends: pause after the call before at the earliest, so that one call serves many notifications.
func (db *DB) Follow(ctx context.Context, channel string, pause, tick time.Duration, do func()) error {
	changed := make(chan struct{}, 1)
	defer db.OnNotify(channel, func([]string) { wait.Signal(changed) })()
	for {
		do()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(tick):
		}
	}
}
