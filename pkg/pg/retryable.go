package pg

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"os"

	"github.com/jackc/pgx/v5/pgconn"
)

// IsRetryable reports whether err is known to be temporary, so that the same statements may succeed in a
// moment: the server is away or going away, a lock or a time limit was in the way, or a resource has run out.
// An error that is not on this list is taken to lie in the statements: repeating it without end would only
// hold up everything behind it.
//
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func IsRetryable(err error) bool {
	if IsUnavailable(err) || IsTransient(err) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) {
		return true
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return retryableCode(refused.Code) || stalePlan(refused)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, passing := range []error{
		context.Canceled, context.DeadlineExceeded, os.ErrDeadlineExceeded, net.ErrClosed, io.EOF, io.ErrUnexpectedEOF, sql.ErrConnDone,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// stalePlan reports whether a migration has added to a table since a connection planned to read all of it.
// The connection forgets the plan when it fails, each statement's by itself. No other "feature not supported"
// is temporary.
func stalePlan(refused *pgconn.PgError) bool {
	return refused.Code == "0A000" && refused.Routine == "RevalidateCachedQuery"
}

func retryableCode(code string) bool {
	switch code {
	case "25006", // read only: the server is a standby, or has just become one
		"25P03", "25P04", // a transaction took too long
		"55P03", "55006", // a lock or an object that somebody else holds
		"3D000", "28000", "28P01": // no such database or password, while a server is set up or a password is changed
		return true
	}
	if len(code) != 5 {
		return false
	}
	switch code[:2] {
	case "08", // connection
		"40", // the transaction was rolled back for what goes on around it: serialization, deadlock
		"53", // disk, memory or connections have run out
		"57", // cancelled, shut down, not yet up
		"58": // the server's own files or operating system
		return true
	}
	return false
}
