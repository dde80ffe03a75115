package pg

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// IsUnavailable reports whether the server cannot be reached or is going away: it refuses connections, shuts
// down, has run out of disk or memory, or the connection broke. Trying again later helps. Whether a commit that failed with such an error
// has happened is not known.
//
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func IsUnavailable(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch refused.Code {
		case "57P01", "57P02", "57P03", // ended by an administrator, crashed, not ready yet
			"53100", "53200", "53300": // no disk, memory or connection is left
			return true
		}
		return len(refused.Code) == 5 && refused.Code[:2] == "08" // connection exceptions
	}
	_, broken := errors.AsType[*net.OpError](err)
	return broken || errors.Is(err, ErrReplaced) || errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn)
}

// IsTransient reports whether the server gave a statement up because of others: a time limit, a deadlock, a
// serialization failure, or a lock that was not to be had. Its transaction is rolled back, and may succeed in
// a moment.
func IsTransient(err error) bool {
	return hasCode(err, "57014", "40P01", "40001", "55P03")
}

// hasCode reports whether err is the server's, with one of the codes.
func hasCode(err error, codes ...string) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(codes, refused.Code)
}

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
