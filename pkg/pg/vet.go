package pg

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrReplaced says that the server was restarted, or the database replaced, since this process first
// connected, and that it is not known yet whether it may be used: it may have been restored from a backup.
var ErrReplaced = errors.New("the database was replaced or its server restarted, and it may be older than it was")

// vetTimeout bounds one vetting; the next connection tries again.
const vetTimeout = 20 * time.Second

// vetting looks to which incarnation each new connection is, and checks it once Vet was called.
type vetting struct {
	mu    sync.Mutex
	check func(ctx context.Context) error // nil before Vet
	known string                          // the database that may be used; "" before the first connection
}

// Vet has check called before this process uses a database other than the one of its first connection, or the
// same one after a restart of its server: a backup can only be restored, and a standby take over, with all
// connections broken. Until check returns nil, nobody gets a connection; the error is ErrReplaced, and
// IsUnavailable reports it. check needs another DB than this one. Call Vet before the database is used.
func (db *DB) Vet(check func(ctx context.Context) error) {
	db.vetting.mu.Lock()
	defer db.vetting.mu.Unlock()
	db.vetting.check = check
}

// Incarnation is an expression that changes with the database, and with each start of its server.
const Incarnation = `(select oid::text || ' ' || pg_postmaster_start_time()::text from pg_database where datname = current_database())`

func incarnationOf(ctx context.Context, conn *pgx.Conn) (now string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pongWithin)
	defer cancel()
	err = conn.QueryRow(ctx, "select "+Incarnation).Scan(&now)
	return now, err
}

// incarnationKey is where a connection keeps the incarnation that it is to.
const incarnationKey = "incarnation"

// Incarnation is the database as it is now, for OnlyIn.
func (db *DB) Incarnation(ctx context.Context) (now string, err error) {
	if err := db.pool.QueryRow(ctx, "select "+Incarnation).Scan(&now); err != nil {
		return "", fmt.Errorf("look which database it is: %w", err)
	}
	return now, nil
}

// OnlyIn has nobody get a connection, but ErrReplaced, to any other incarnation of the database than that
// which what is done follows from: a standby that has taken over may lack what was written last, and then
// what goes on from there must not be written either, and numbers that it gives again mean something else.
func OnlyIn(ctx context.Context, incarnation string) context.Context {
	return context.WithValue(ctx, onlyIn{}, incarnation)
}

type onlyIn struct{}

func isIn(ctx context.Context, conn *pgx.Conn) error {
	if wanted, only := ctx.Value(onlyIn{}).(string); only && conn.PgConn().CustomData()[incarnationKey] != wanted {
		return ErrReplaced
	}
	return nil
}

func (v *vetting) connected(ctx context.Context, conn *pgx.Conn) error {
	// Others do not wait for a connection that carries nothing.
	now, err := incarnationOf(ctx, conn)
	if err != nil {
		return fmt.Errorf("look which database it is: %w", err)
	}
	conn.PgConn().CustomData()[incarnationKey] = now
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.check == nil {
		return nil
	}
	if v.known == "" || v.known == now {
		v.known = now
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, vetTimeout)
	defer cancel()
	if err := v.check(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrReplaced, err)
	}
	v.known = now
	return nil
}
