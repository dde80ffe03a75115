package live

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"countersign.example/pkg/pg"
)

// streamLength is how many entries Redis keeps, approximately.
const streamLength = 20_000

// entryID is the id of a stream's entry, "ms-seq". Ids grow; the zero ID is before the first.
type entryID struct{ ms, seq uint64 }

func parseID(text string) (entryID, error) {
	ms, seq, _ := strings.Cut(text, "-")
	m, err := strconv.ParseUint(ms, 10, 64)
	s, err2 := strconv.ParseUint(seq, 10, 64)
	if err := errors.Join(err, err2); err != nil {
		return entryID{}, fmt.Errorf("parse the entry id %q: %w", text, err)
	}
	return entryID{m, s}, nil
}

func (id entryID) String() string { return fmt.Sprintf("%d-%d", id.ms, id.seq) }

func (id entryID) before(other entryID) bool {
	return id.ms < other.ms || id.ms == other.ms && id.seq < other.seq
}

// cursor is a place in the stream, "epoch:ms-seq". The zero cursor is unknown.
type cursor struct {
	epoch string
	id    entryID
}

// parseCursor reads what a browser sends. What cannot be read is the unknown cursor, which means reset.
func parseCursor(text string) cursor {
	epoch, id, _ := strings.Cut(text, ":")
	at, err := parseID(id)
	if epoch == "" || err != nil {
		return cursor{}
	}
	return cursor{epoch, at}
}

func (c cursor) String() string {
	if c.epoch == "" {
		return ""
	}
	return c.epoch + ":" + c.id.String()
}

// message is what a socket carries: at most one of row, fragment, reset and since, and the cursor once it is
// applied. With nothing but the cursor it is a heartbeat.
type message struct {
	Cursor   string    `json:"cursor,omitempty"`
	Row      *Row      `json:"row,omitempty"`
	Fragment *Fragment `json:"fragment,omitempty"`
	Reset    bool      `json:"reset,omitempty"`
	Spread   int64     `json:"spread,omitempty"` // of a reset: within how many ms the page is to be fetched, at a random moment
	Since    *string   `json:"since,omitempty"`  // answers a cursor that the browser sent: what follows is what came after it
	Late     bool      `json:"late,omitempty"`   // Redis is away: updates will come, but later
	Trace    string    `json:"trace,omitempty"`  // of a row, in Redis alone
}

func (m message) encode() []byte {
	if m.Row != nil { // what people typed, which no template has escaped, is no mark of package rights
		row := *m.Row
		row.Sort, m.Row = strings.ReplaceAll(row.Sort, "<", ""), &row
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a browser parses it as JSON, and "<" would be six bytes
	_ = enc.Encode(m)        // texts, numbers and booleans: cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// about names what the message replaces: of several about one thing, only the last counts.
func (m message) about() string {
	switch {
	case m.Row != nil:
		return "row " + m.Row.ID
	case m.Fragment != nil:
		return "fragment " + m.Fragment.Name
	}
	return ""
}

// stream is an app's stream in Redis with the two keys beside it.
type stream struct {
	redis              *redis.Client
	app                string
	key, epoch, pusher string
}

func newStream(client *redis.Client, app string) stream {
	key := "live:" + app
	return stream{redis: client, app: app, key: key, epoch: key + ":epoch", pusher: key + ":pusher"}
}

// errDeposed says that another process has become the pusher.
var errDeposed = errors.New("another pusher has taken over")

// push adds entries in one step, unless another pusher has taken over, and starts a new epoch first if there
// is none or if the stream ends before head. It answers the epoch and the last id.
//
// KEYS: stream, epoch, pusher. ARGV: fence, candidate epoch, head's epoch, head's ms, head's seq, length,
// then audience and message of each entry.
var push = redis.NewScript(`
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return false end
local epoch = redis.call('GET', KEYS[2])
if epoch and epoch == ARGV[3] then
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
  local ms, seq = 0, 0
  if #last > 0 then
    local a, b = string.match(last[1][1], '^(%d+)-(%d+)$')
    ms, seq = tonumber(a), tonumber(b)
  end
  if ms < tonumber(ARGV[4]) or (ms == tonumber(ARGV[4]) and seq < tonumber(ARGV[5])) then epoch = false end
end
if not epoch then
  epoch = ARGV[2]
  redis.call('SET', KEYS[2], epoch)
end
local id
for i = 7, #ARGV, 2 do
  id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[6], '*', 'e', epoch, 'a', ARGV[i], 'm', ARGV[i + 1])
end
return {epoch, id}
`)

// renew starts a new epoch if it is still the one given.
var renew = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])
`)

// takeOverScript lets a pusher take over from those of the past, and not the other way round.
//
// KEYS: pusher. ARGV: fence.
var takeOverScript = redis.NewScript(`
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
if last and last > tonumber(ARGV[1]) then return false end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
`)

// takeOver makes fence, a number that grows, the only pusher that may push.
func (s stream) takeOver(ctx context.Context, fence string) error {
	return fenced(takeOverScript.Run(ctx, s.redis, []string{s.pusher}, fence).Err(), "take over as the pusher")
}

// fenced is the error of a script, which answers a former pusher with nil.
func fenced(err error, doing string) error {
	switch {
	case errors.Is(err, redis.Nil):
		return errDeposed
	case err != nil:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// outgoing is an entry to be.
type outgoing struct {
	audience string
	message  message
}

func (s stream) push(ctx context.Context, fence string, head cursor, entries []outgoing) (cursor, error) {
	args := make([]any, 0, 6+2*len(entries))
	args = append(args, fence, rand.Text(), head.epoch, head.id.ms, head.id.seq, streamLength)
	for _, e := range entries {
		args = append(args, e.audience, e.message.encode())
	}
	answer, err := push.Run(ctx, s.redis, []string{s.key, s.epoch, s.pusher}, args...).StringSlice()
	if err := fenced(err, "push to Redis"); err != nil {
		return cursor{}, err
	}
	id, err := parseID(answer[1])
	return cursor{answer[0], id}, err
}

// head reads from Postgres the newest entry that Redis is known to have held.
func (s stream) head(ctx context.Context, db *pg.DB) (c cursor, err error) {
	err = db.Pool().QueryRow(ctx, "select epoch, ms, seq from live_head where app = $1", s.app).Scan(&c.epoch, &c.id.ms, &c.id.seq)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return cursor{}, fmt.Errorf("read live_head: %w", err)
	}
	return c, nil
}
