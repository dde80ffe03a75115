package pg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// rollbackTimeout bounds the rollback after a cancelled request.
const rollbackTimeout = 5 * time.Second

// Tx is one transaction, at READ COMMITTED. The embedded pgx.Tx serves pgx and River's
// InsertTx; do not commit or roll it back.
//
// Round trips are what a small transaction costs most. It begins in that of its first batch, and what is queued goes
// in that of the commit, or of the next statement.
type Tx struct {
	pgx.Tx
	pipeline *pipeline
	gorm     *gorm.DB
	after    []func()
}

// Gorm returns GORM working inside the transaction. Its Begin and Transaction fail.
func (tx *Tx) Gorm() *gorm.DB { return tx.gorm }

// AfterCommit has fn called once the transaction has committed.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Queue has a statement run before whatever comes next in the transaction, at the latest its commit. Where it fails, or
// the function that takes its result does, so does the transaction. Such a function that only the commit is left
// to follow costs a round trip: the commit waits for its verdict. See QueueRow.
func (tx *Tx) Queue(query string, args ...any) *pgx.QueuedQuery {
	return tx.pipeline.queued.Queue(query, args...)
}

// QueueRow is Queue for a statement that returns one row whenever it succeeds, of kinds that fit into: there
// is nothing to refuse, so that the commit can go in the same round trip. A row that does not fit is a mistake of the
// program, found when the transaction may have been committed: InTx panics.
func (tx *Tx) QueueRow(query string, args []any, into ...any) {
	p := tx.pipeline
	queued := p.queued.Queue(query, args...)
	queued.QueryRow(func(row pgx.Row) error {
		err := row.Scan(into...)
		if _, refused := errors.AsType[*pgconn.PgError](err); err != nil && !refused && !p.conn.IsClosed() && p.mistake == nil {
			p.mistake = fmt.Errorf("pg: the row of a queued statement does not fit: %w", err)
		}
		return err
	})
	p.certain = append(p.certain, queued)
}

// Flush runs what is queued now, for its results.
func (tx *Tx) Flush(ctx context.Context) error { return tx.pipeline.ready(ctx) }

// QueueGorm queues the one statement that write makes, which must not need its result.
func (tx *Tx) QueueGorm(write func(*gorm.DB) *gorm.DB) error {
	made := write(tx.gorm.Session(&gorm.Session{DryRun: true}))
	if made.Error != nil {
		return made.Error
	}
	tx.Queue(made.Statement.SQL.String(), made.Statement.Vars...)
	return nil
}

// InTx runs fn in a transaction and commits it, or rolls back if fn fails or panics.
func (db *DB) InTx(ctx context.Context, fn func(tx *Tx) error) (err error) {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return fmt.Errorf("take a connection: %w", err)
	}
	defer func() { _ = conn.Close() }()

	p := &pipeline{queued: &pgx.Batch{}}
	err = conn.Raw(func(driverConn any) error {
		p.conn = driverConn.(*stdlib.Conn).Conn()
		return nil
	})
	if err != nil {
		return fmt.Errorf("reach the connection: %w", err)
	}
	committed := false
	defer func() {
		if committed || p.tx == nil {
			return
		}
		// Also when fn panics. The request may be cancelled; the rollback must not be.
		rollbackCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = p.tx.Rollback(rollbackCtx)
	}()

	session := db.gorm.Session(&gorm.Session{NewDB: true, Context: ctx})
	session.Statement.ConnPool = gormConn{p, conn}
	tx := &Tx{Tx: p, pipeline: p, gorm: session}
	if err := fn(tx); err != nil {
		return err
	}
	err = p.commit(ctx)
	if p.mistake != nil {
		panic(p.mistake)
	}
	if err != nil {
		return err
	}
	committed = true
	for _, after := range tx.after {
		after()
	}
	return nil
}

// Search has read look for rows: for all of a list if what is "", and else for those that have it (words, an owner), with plans that
// know what. A kept plan does not know whether that is rare (look it up, and sort) or common (walk through the list until a page
// is full), and is wrong for one of the two.
func (db *DB) Search(ctx context.Context, what string, read func(*gorm.DB) error) error {
	if what == "" {
		return read(db.Gorm(ctx))
	}
	return db.InTx(ctx, func(tx *Tx) error {
		tx.Queue("set local plan_cache_mode = force_custom_plan")
		return read(tx.Gorm())
	})
}

// pipeline is a transaction of pgx that begins when it must, and runs what is queued before anything else.
type pipeline struct {
	conn   *pgx.Conn
	tx     pgx.Tx // nil until it has begun
	failed error  // it could not begin, or what was queued failed: nothing more may run, and nothing is committed
	queued *pgx.Batch

	certain []*pgx.QueuedQuery // those of what is queued whose functions have nothing to refuse
	mistake error              // of one of these
}

var errNotYours = errors.New("pg: InTx commits and rolls back")

// takeQueued returns what is queued.
func (p *pipeline) takeQueued() []*pgx.QueuedQuery {
	queries := p.queued.QueuedQueries
	p.queued, p.certain = &pgx.Batch{}, nil
	return queries
}

// mayRefuse reports whether a function that waits for the result of what is queued may find it wanting.
func (p *pipeline) mayRefuse() bool {
	return slices.ContainsFunc(p.queued.QueuedQueries, func(query *pgx.QueuedQuery) bool {
		return query.Fn != nil && !slices.Contains(p.certain, query)
	})
}

// ready begins and runs what is queued.
func (p *pipeline) ready(ctx context.Context) error {
	if p.failed != nil {
		return p.failed
	}
	if p.tx != nil && p.queued.Len() == 0 {
		return nil
	}
	return p.SendBatch(ctx, &pgx.Batch{}).Close()
}

// SendBatch sends what is queued and b, beginning with them if that is still to do.
func (p *pipeline) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if p.failed != nil {
		return unsent{p.failed}
	}
	ahead := p.takeQueued()
	all := &pgx.Batch{}
	var results pgx.BatchResults
	if p.tx == nil {
		all.BeginTx(pgx.TxOptions{})
		all.QueuedQueries = append(append(all.QueuedQueries, ahead...), b.QueuedQueries...)
		results = p.conn.SendBatch(ctx, all)
		p.tx = results.Tx()
		if _, err := results.Exec(); err != nil {
			// Also where a statement behind it could not be prepared: then nothing was sent, and there is no transaction.
			p.failed = fmt.Errorf("begin: %w", err)
			return failed{results, p.failed}
		}
	} else {
		all.QueuedQueries = append(ahead, b.QueuedQueries...)
		results = p.tx.SendBatch(ctx, all)
	}
	for _, query := range ahead {
		if err := result(results, query); err != nil {
			p.failed = err // also where the caller goes on as if that did not matter
			return failed{results, err}
		}
	}
	return results
}

// result takes the next one, for the function that waits for it.
func result(results pgx.BatchResults, query *pgx.QueuedQuery) error {
	if query.Fn != nil {
		return query.Fn(results)
	}
	_, err := results.Exec()
	return err
}

// commit sends what is queued with the commit. A transaction in which nothing was done needs none.
func (p *pipeline) commit(ctx context.Context) error {
	if p.failed != nil {
		return p.failed
	}
	if p.mayRefuse() { // its verdict comes first: what is behind the commit in the same batch cannot undo it
		if err := p.ready(ctx); err != nil {
			return err
		}
	}
	if p.queued.Len() == 0 {
		if p.tx == nil {
			return nil
		}
		if err := p.tx.Commit(ctx); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	}
	b := &pgx.Batch{}
	b.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return pgx.ErrTxCommitRollback
		}
		return nil
	})
	return p.SendBatch(ctx, b).Close()
}

func (p *pipeline) Exec(ctx context.Context, query string, args ...any) (tag pgconn.CommandTag, err error) {
	if p.tx != nil && p.failed == nil && p.queued.Len() == 0 {
		return p.tx.Exec(ctx, query, args...)
	}
	b := &pgx.Batch{}
	b.Queue(query, args...).Exec(func(done pgconn.CommandTag) error { tag = done; return nil })
	err = p.SendBatch(ctx, b).Close()
	return tag, err
}

func (p *pipeline) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	if err := p.ready(ctx); err != nil {
		return nil, err
	}
	return p.tx.Query(ctx, query, args...)
}

func (p *pipeline) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	if err := p.ready(ctx); err != nil {
		return failedRow{err}
	}
	return p.tx.QueryRow(ctx, query, args...)
}

func (p *pipeline) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	if err := p.ready(ctx); err != nil {
		return 0, err
	}
	return p.tx.CopyFrom(ctx, table, columns, rows)
}

func (p *pipeline) Prepare(ctx context.Context, name, query string) (*pgconn.StatementDescription, error) {
	if err := p.ready(ctx); err != nil {
		return nil, err
	}
	return p.tx.Prepare(ctx, name, query)
}

// Begin makes a savepoint.
func (p *pipeline) Begin(ctx context.Context) (pgx.Tx, error) {
	if err := p.ready(ctx); err != nil {
		return nil, err
	}
	return p.tx.Begin(ctx)
}

func (p *pipeline) Commit(context.Context) error   { return errNotYours }
func (p *pipeline) Rollback(context.Context) error { return errNotYours }
func (p *pipeline) Conn() *pgx.Conn                { return p.conn }

// LargeObjects is not for this package's users: it could not begin the transaction.
func (p *pipeline) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// failed is the results of a batch whose beginning failed.
type failed struct {
	pgx.BatchResults
	err error
}

func (f failed) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, f.err }
func (f failed) Query() (pgx.Rows, error)         { return nil, f.err }
func (f failed) QueryRow() pgx.Row                { return failedRow{f.err} }
func (f failed) Close() error                     { _ = f.BatchResults.Close(); return f.err }

// unsent is the results of a batch that must not be sent.
type unsent struct{ err error }

func (u unsent) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, u.err }
func (u unsent) Query() (pgx.Rows, error)         { return nil, u.err }
func (u unsent) QueryRow() pgx.Row                { return failedRow(u) }
func (u unsent) Close() error                     { return u.err }
func (u unsent) Tx() pgx.Tx                       { return nil }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// gormConn runs GORM's statements in the transaction. It hides everything else of a *sql.Conn: given BeginTx, GORM would
// begin and commit by itself, and its first write would commit the outer transaction.
type gormConn struct {
	pipeline *pipeline
	conn     *sql.Conn
}

func (g gormConn) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := g.pipeline.ready(ctx); err != nil {
		return nil, err
	}
	return g.conn.PrepareContext(ctx, query)
}

func (g gormConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := g.pipeline.ready(ctx); err != nil {
		return nil, err
	}
	return g.conn.ExecContext(ctx, query, args...)
}

func (g gormConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := g.pipeline.ready(ctx); err != nil {
		return nil, err
	}
	return g.conn.QueryContext(ctx, query, args...)
}

func (g gormConn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := g.pipeline.ready(ctx); err != nil {
		cancelled, cancel := context.WithCancelCause(ctx) // a Row cannot carry an error by itself
		cancel(err)
		ctx = cancelled
	}
	return g.conn.QueryRowContext(ctx, query, args...)
}
