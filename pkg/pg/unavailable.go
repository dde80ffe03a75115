package pg

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// IsUnavailable reports whether the server cannot be reached or is going away: it refuses connections, shuts
// down, or the connection broke. Trying again later helps. Whether a commit that failed with such an error
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
			"53300": // too many connections
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
