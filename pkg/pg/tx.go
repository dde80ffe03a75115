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

	"countersign.example/pkg/tracing"
)

// rollbackTimeout bounds the rollback after a cancelled request.
const rollbackTimeout = 5 * time.Second

// Tx is one transaction, at READ COMMITTED. The embedded pgx.Tx is for pgx and for River's InsertTx; do not
// commit or roll it back.
//
// Round trips are most of what a small transaction costs. So the transaction begins in the round trip of its
// first statement, and queued statements go with the next one, or with the commit.
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

// Queue has a statement run before the next one of the transaction, or before its commit. If the statement
// fails, or the function that takes its result, so does the transaction. If only the commit follows, such a
// function costs a round trip more, since the commit waits for it; QueueRow avoids that.
func (tx *Tx) Queue(query string, args ...any) *pgx.QueuedQuery {
	return tx.pipeline.queued.Queue(query, args...)
}

// QueueRow is Queue for a statement that returns exactly one row whenever it succeeds, and whose columns fit
// into the destinations. Then no function can refuse the result, and the commit goes in the same round trip.
// A row that does not fit is a bug that is found when the transaction may have been committed: InTx panics.
func (tx *Tx) QueueRow(query string, args []any, into ...any) {
	p := tx.pipeline
	queued := p.queued.Queue(query, args...)
	queued.QueryRow(func(row pgx.Row) error {
		err := row.Scan(into...)
		_, refused := errors.AsType[*pgconn.PgError](err)
		ended := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
		if err != nil && !refused && !ended && !p.conn.IsClosed() && p.mistake == nil {
			p.mistake = fmt.Errorf("pg: the row of a queued statement does not fit: %w", err)
		}
		return err
	})
	p.certain = append(p.certain, queued)
}

// Flush runs the queued statements now, for a caller that needs their results.
func (tx *Tx) Flush(ctx context.Context) error { return tx.pipeline.ready(ctx) }

// InTx runs fn in a transaction and commits it, or rolls back if fn fails or panics.
func (db *DB) InTx(ctx context.Context, fn func(tx *Tx) error) (err error) {
	ctx, end := tracing.Within(ctx, tracing.Transaction, tracing.InTransaction)
	defer func() { end(err) }()
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
		// Also when fn panics. The request may be cancelled; the rollback must not be. A broken connection that
		// database/sql has taken back is being destroyed: Raw no longer gives it.
		rollbackCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = conn.Raw(func(any) error { return p.tx.Rollback(rollbackCtx) })
	}()

	session := db.gorm.Session(&gorm.Session{NewDB: true, Context: ctx})
	session.Statement.ConnPool = gormConn{p, conn}
	tx := &Tx{Tx: p, pipeline: p, gorm: session}
	if err := fn(tx); err != nil {
		return err
	}
	err = conn.Raw(func(any) error { return p.commit(ctx) })
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

// Search has read look for the rows of a list. Where they are narrowed to some of it, the statement gets a
// plan of its own, made for its parameters. A plan that is kept does not know whether a word is rare (then
// look it up, and sort) or common (then walk through the list until a page is full), and would be wrong for
// one of the two.
func (db *DB) Search(ctx context.Context, narrowed bool, read func(*gorm.DB) error) error {
	if !narrowed {
		return read(db.Gorm(ctx))
	}
	return db.InTx(ctx, func(tx *Tx) error {
		tx.Queue("set local plan_cache_mode = force_custom_plan")
		return read(tx.Gorm())
	})
}

// pipeline is a transaction that begins with its first statement, and sends queued statements before any
// other.
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

// mayRefuse reports whether a function that takes the result of a queued statement may return an error.
func (p *pipeline) mayRefuse() bool {
	return slices.ContainsFunc(p.queued.QueuedQueries, func(query *pgx.QueuedQuery) bool {
		return query.Fn != nil && !slices.Contains(p.certain, query)
	})
}

// ready begins the transaction if need be, and runs the queued statements.
func (p *pipeline) ready(ctx context.Context) error {
	if p.failed != nil {
		return p.failed
	}
	if p.tx != nil && p.queued.Len() == 0 {
		return nil
	}
	return p.SendBatch(ctx, &pgx.Batch{}).Close()
}

// SendBatch sends the queued statements and then b, with the beginning of the transaction first if need be.
func (p *pipeline) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if p.failed != nil {
		return failed{nil, p.failed}
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
			// Also where a statement behind it could not be prepared: then nothing was sent, and there is no
			// transaction.
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

// result reads the next result, for the function that takes it.
func result(results pgx.BatchResults, query *pgx.QueuedQuery) error {
	if query.Fn != nil {
		return query.Fn(results)
	}
	_, err := results.Exec()
	return err
}

// commit sends the queued statements together with the commit. A transaction that has run no statement needs
// no commit.
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

// failed are the results of a batch that was not sent (results is nil), or whose first statements failed.
type failed struct {
	results pgx.BatchResults
	err     error
}

func (f failed) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, f.err }
func (f failed) Query() (pgx.Rows, error)         { return nil, f.err }
func (f failed) QueryRow() pgx.Row                { return failedRow{f.err} }
func (f failed) Tx() pgx.Tx                       { return nil }

func (f failed) Close() error {
	if f.results != nil {
		_ = f.results.Close()
	}
	return f.err
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// gormConn runs GORM's statements in the transaction. It hides all other methods of *sql.Conn. If GORM had
// BeginTx, it would begin and commit by itself, and its first write would commit the outer transaction.
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

// Savepoint runs fn, and what fn queues, after a savepoint. If that fails or panics, it is undone, and the
// transaction can go on. It costs two round trips.
func (tx *Tx) Savepoint(ctx context.Context, fn func() error) (err error) {
	if _, err := tx.Exec(ctx, "savepoint part"); err != nil {
		return err
	}
	p, after, done := tx.pipeline, len(tx.after), false
	defer func() {
		if done {
			return
		}
		p.takeQueued()
		p.failed, tx.after = nil, tx.after[:after]
		// Rolling back alone would leave the savepoint open, one more with each part that fails.
		if _, undoing := p.tx.Exec(ctx, "rollback to savepoint part; release savepoint part"); undoing != nil {
			p.failed = undoing
			err = errors.Join(err, undoing)
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "release savepoint part"); err != nil {
		return err
	}
	done = true
	return nil
}
