package live

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"countersign.example/pkg/wait"
)

const (
	readBlock = 3 * time.Second // also how late an epoch is noticed that changed behind our back
	readGrace = 2 * time.Second // beyond it a connection that says nothing is taken for dead
	readCount = 1000

	syncWithin = 15 * time.Second // for a look at all that Redis and Postgres have
)

// Run reads the stream until ctx ends. While Redis is away it tries again with backoff; pages and sockets
// stay.
func (h *Hub) Run(ctx context.Context) error {
	pause := wait.BackOff(2 * time.Second)
	for first := true; ctx.Err() == nil; first = false {
		synced, err := h.read(ctx)
		if ctx.Err() != nil {
			break
		}
		if synced || first {
			h.log.WarnContext(ctx, "live updates are late", "doing", "read", "error", err)
		}
		if synced {
			pause.Reset()
		}
		h.setHealthy(false)
		wait.Sleep(ctx, pause.NextBackOff())
	}
	h.setHealthy(false)
	return ctx.Err()
}

// read follows the stream on a connection of its own until something is wrong. It reports whether it was in
// step with Redis.
func (h *Hub) read(ctx context.Context) (synced bool, err error) {
	options := *h.stream.redis.Options()
	options.PoolSize, options.MinIdleConns, options.MaxRetries = 1, 0, -1
	options.ContextTimeoutEnabled = true
	withoutHandoffs(&options)
	client := redis.NewClient(&options)
	// A blocked read does not notice that ctx has ended, so the connection is closed under it.
	release := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer func() {
		if release() {
			_ = client.Close()
		}
	}()
	s := h.stream
	s.redis = client

	last, err := h.sync(ctx, s)
	if err != nil {
		return false, err
	}
	h.setHealthy(true)
	for {
		next, err := h.follow(ctx, s, last)
		if errors.Is(err, errResync) {
			next, err = h.sync(ctx, s)
		}
		if err != nil {
			return true, err
		}
		last = next
	}
}

// errResync says that what comes next in the stream does not follow what came before.
var errResync = errors.New("the stream has changed")

// follow waits for what comes after last.
func (h *Hub) follow(ctx context.Context, s stream, last cursor) (cursor, error) {
	ctx, cancel := context.WithTimeout(ctx, readBlock+readGrace)
	defer cancel()
	answer, err := s.redis.XRead(ctx, &redis.XReadArgs{
		Streams: []string{s.key, last.id.String()}, Block: readBlock, Count: readCount,
	}).Result()
	if errors.Is(err, redis.Nil) { // nothing came
		epoch, err := s.redis.Get(ctx, s.epoch).Result()
		if errors.Is(err, redis.Nil) || err == nil && epoch != last.epoch {
			return last, errResync
		}
		return last, err
	}
	if err != nil {
		return last, fmt.Errorf("read the stream: %w", err)
	}
	found := answer[0].Messages
	if len(found) == readCount {
		// So far behind, the stream may have been trimmed past us.
		oldest, err := s.redis.XRangeN(ctx, s.key, "-", "+", 1).Result()
		if err != nil {
			return last, fmt.Errorf("read the stream's start: %w", err)
		}
		if len(oldest) == 0 { // emptied since
			return last, errResync
		}
		if start, err := parseID(oldest[0].ID); err != nil || last.id.before(start) {
			return last, errResync
		}
	}
	entries, _, same, err := h.decode(last.epoch, found)
	if err != nil {
		return last, err
	}
	if !same {
		return last, errResync
	}
	last.id = entries[len(entries)-1].id
	h.deliver(entries)
	return last, nil
}

// sync compares the stream with what Postgres and this replica know of it, starts a new epoch if it has lost
// entries, and fills the ring.
func (h *Hub) sync(ctx context.Context, s stream) (cursor, error) {
	ctx, cancel := context.WithTimeout(ctx, syncWithin)
	defer cancel()
	head, err := s.head(ctx, h.db) // before Redis: what it says was there already
	if err != nil {
		return cursor{}, err
	}
	if err := s.redis.SetNX(ctx, s.epoch, rand.Text(), 0).Err(); err != nil {
		return cursor{}, fmt.Errorf("read the epoch: %w", err)
	}
	epoch, err := s.redis.Get(ctx, s.epoch).Result()
	if err != nil {
		return cursor{}, fmt.Errorf("read the epoch: %w", err)
	}
	found, err := s.redis.XRevRangeN(ctx, s.key, "+", "-", ringSize).Result()
	if err != nil {
		return cursor{}, fmt.Errorf("read the stream: %w", err)
	}
	newest := cursor{epoch: epoch}
	if len(found) > 0 {
		if newest.id, err = parseID(found[0].ID); err != nil {
			return cursor{}, err
		}
	}
	mine := h.position()
	if epoch == head.epoch && newest.id.before(head.id) || epoch == mine.epoch && newest.id.before(mine.id) {
		if newest.epoch, err = renew.Run(ctx, s.redis, []string{s.epoch}, epoch, rand.Text()).Text(); err != nil {
			return cursor{}, fmt.Errorf("start a new epoch: %w", err)
		}
		h.log.WarnContext(ctx, "Redis has lost live updates: every open page refreshes")
	}

	slices.Reverse(found)
	entries, floor, _, err := h.decode(newest.epoch, found)
	if err != nil {
		return cursor{}, err
	}
	if len(entries) == ringSize { // there may be more before
		floor = entries[0].id
	}
	h.restart(newest, floor, entries)
	return newest, nil
}

// decode prepares entries for the sockets. Those of an earlier epoch are left out: floor is the last of them,
// and same is whether there was none.
func (h *Hub) decode(epoch string, found []redis.XMessage) (entries []entry, floor entryID, same bool, err error) {
	same = true
	for _, m := range found {
		id, err := parseID(m.ID)
		if err != nil {
			return nil, entryID{}, false, err
		}
		if m.Values["e"] != epoch {
			entries, floor, same = nil, id, false
			continue
		}
		audience, _ := m.Values["a"].(string)
		text, _ := m.Values["m"].(string)
		var msg message
		if err := json.Unmarshal([]byte(text), &msg); err != nil {
			return nil, entryID{}, false, fmt.Errorf("decode the entry %s: %w", m.ID, err)
		}
		trace := msg.Trace
		msg.Cursor, msg.Trace = cursor{epoch, id}.String(), ""
		entries = append(entries, entry{id, audience, cmp.Or(msg.about(), m.ID), prepare(msg), trace})
	}
	return entries, floor, same, nil
}
