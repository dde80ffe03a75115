// Package pg is how a service holds its PostgreSQL database: a pool, and transactions in
// which pgx, GORM and River work together.
//
// Invariants:
//   - There is one way to write: [DB.InTx]. What a function given to it does through the
//     Tx, by whichever library, commits or rolls back as one.
//   - GORM cannot begin, commit or roll back by itself inside such a transaction.
//   - What must follow a commit is registered with [Tx.AfterCommit], and does not happen
//     when the transaction fails.
package pg

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"countersign.example/pkg/tcp"
)

// maxConns is the pool's size where the URL's pool_max_conns does not say otherwise. A few
// connections are held for long (leaders, listeners); the rest serve requests.
const maxConns = 24

// defaults are the settings of every connection, where the URL does not say otherwise.
var defaults = map[string]string{
	"timezone": "UTC",
	// A forgotten transaction would hold its streams' locks for ever, and so would one whose client is cut off.
	// Nobody thinks for so long within one.
	"idle_in_transaction_session_timeout": "10s",
	"statement_timeout":                   "30s",

	// All statements of a service find their rows by key. A plan is made once and kept as long as its
	// connection: one from when its table was new, or of a list that is nearly always empty, would otherwise
	// read the whole table for ever. And with arrays as parameters, PostgreSQL would plan again each time, which
	// costs more than the statement. A plan that does not know the parameters expects many rows of a large
	// table: to start other processes for them, or to compile it, takes longer than to read the few that there
	// are.
	"jit":                             "off",
	"plan_cache_mode":                 "force_generic_plan",
	"enable_seqscan":                  "off",
	"enable_hashjoin":                 "off",
	"enable_mergejoin":                "off",
	"max_parallel_workers_per_gather": "0",

	// The server notices, as soon as we would, that this process' host has vanished, and ends what it left.
	//
	// https://www.postgresql.org/docs/current/runtime-config-connection.html
	"tcp_keepalives_idle":     strconv.Itoa(int(tcp.KeepAliveIdle.Seconds())),
	"tcp_keepalives_interval": strconv.Itoa(int(tcp.KeepAliveInterval.Seconds())),
	"tcp_keepalives_count":    strconv.Itoa(tcp.KeepAliveCount),
	"tcp_user_timeout":        strconv.Itoa(int(tcp.UserTimeout.Milliseconds())),
}

// DB is a service's database.
type DB struct {
	pool     *pgxpool.Pool
	sql      *sql.DB
	gorm     *gorm.DB
	notifier notifier
	url      string

	vetting *vetting
}

// Open returns the database at url. It does not wait for the server: a service starts, and
// says that it is not ready, while its database is away.
func Open(ctx context.Context, url string) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	for name, value := range defaults {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	connect(config.ConnConfig)
	if config.PingTimeout == 0 {
		config.PingTimeout = pongWithin
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	if !poolSizeGiven(url) {
		config.MaxConns = maxConns
	}
	vetting := &vetting{}
	config.AfterConnect = vetting.connected
	config.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) { return true, isIn(ctx, conn) }
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db := &DB{vetting: vetting, pool: pool, sql: stdlib.OpenDBFromPool(pool), url: url, notifier: notifier{sender: rand.Text()}}
	// The pool's own limit rules; database/sql must not keep connections from it.
	db.sql.SetMaxIdleConns(0)
	db.gorm, err = gorm.Open(postgres.New(postgres.Config{Conn: db.sql}), &gorm.Config{
		Logger:                 logger.Discard,
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		NowFunc:                func() time.Time { return time.Now().UTC() },
	})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the database with GORM: %w", err)
	}
	return db, nil
}

// Close closes every connection, after the statements under way.
func (db *DB) Close() {
	db.notifier.close()
	_ = db.sql.Close()
	db.pool.Close()
}

// Shutdown is Close for a process that must end in time: when ctx ends before the statements under way do, it
// leaves their connections to the server, which rolls back what was not committed.
func (db *DB) Shutdown(ctx context.Context) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		db.Close()
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d connections are still in use: %w", db.pool.Stat().AcquiredConns(), ctx.Err())
	}
}

// Pool is for reading, and for libraries that want a pool.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Waits is how many connections the pool has given so far, how long was waited for all of them together, and
// whether none is left now.
func (db *DB) Waits() (given int64, waited time.Duration, none bool) {
	if db == nil { // of an API that only says who may do what
		return 0, 0, false
	}
	s := db.pool.Stat()
	return s.AcquireCount(), s.EmptyAcquireWaitTime(), s.AcquiredConns() >= s.MaxConns()
}

// URL is what Open was given.
func (db *DB) URL() string { return db.url }

// Gorm is for reading outside a transaction.
func (db *DB) Gorm(ctx context.Context) *gorm.DB { return db.gorm.WithContext(ctx) }

// Ping says whether the server answers.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

// IsUnique reports whether err is the violation of the named unique constraint or index.
func IsUnique(err error, constraint string) bool {
	violated, ok := errors.AsType[*pgconn.PgError](err)
	return ok && violated.Code == "23505" && violated.ConstraintName == constraint
}

// poolSizeGiven reports whether the URL sets the pool's size.
func poolSizeGiven(url string) bool {
	conn, err := pgconn.ParseConfig(url)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(conn.RuntimeParams["pool_max_conns"])
	return err == nil && n > 0
}
