package live

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// dropAtOnce keeps each deletion well within the time limit of a statement.
const dropAtOnce = 20_000

// selectCatchup finds a row while the read models are still being built from the topics. Nothing is pushed
// meanwhile, since pages would see them grow event by event; once they have caught up, open pages refresh as
// a whole.
const selectCatchup = `select marks, exists (select from consumer_positions p
	where p.began_at >= catching_up.began_at and next < target) from catching_up`

// catchup is the result of selectCatchup.
type catchup struct {
	marks  int64
	there  bool
	behind bool
}

// release deletes the list, which may hold a row for each event there is, and has every open page refresh
// instead. It does so in this order, so that whatever was deleted is on the refreshed page; if it fails in
// between, it is repeated. A former pusher deletes nothing: the next one may have had the pages refresh
// already.
func (l *leader) release(ctx context.Context, marks int64) error {
	var last *int64
	if err := l.db.Pool().QueryRow(ctx, "select max(id) from unpushed").Scan(&last); err != nil {
		return fmt.Errorf("drop the unpushed rows: %w", err)
	}
	for last != nil {
		tag, err := l.db.Pool().Exec(ctx, `delete from unpushed where id = any (array(
			select id from unpushed where id <= $1 and exists (select from leases where name = $3 and token = $4)
			order by id limit $2))`, *last, dropAtOnce, l.lease.Name, l.lease.Token)
		if err != nil {
			return fmt.Errorf("drop the unpushed rows: %w", err)
		}
		if tag.RowsAffected() < dropAtOnce {
			break
		}
	}
	if err := l.stream.refresh(ctx, l.fence); err != nil {
		return err
	}
	if _, err := l.db.Pool().Exec(ctx, "delete from catching_up where marks = $1", marks); err != nil {
		return fmt.Errorf("note that the copies have caught up: %w", err)
	}
	l.log.InfoContext(ctx, "the copies have caught up with the topics: open pages refresh")
	return nil
}

// newEpoch starts a new epoch, unless another pusher has taken over. Every cursor of an earlier epoch means
// reset.
//
// KEYS: epoch, pusher. ARGV: fence, the new epoch.
var newEpoch = redis.NewScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return false end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]
`)

// refresh has every open page fetch itself again.
func (s stream) refresh(ctx context.Context, fence string) error {
	return fenced(newEpoch.Run(ctx, s.redis, []string{s.epoch, s.pusher}, fence, rand.Text()).Err(), "start a new epoch")
}
