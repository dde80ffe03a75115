package pg

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Querier is a transaction, a connection or a pool.
type Querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// Rows returns the rows of a query, each as scan reads it: pgx.RowTo[string] reads rows of one text.
func Rows[T any](ctx context.Context, q Querier, scan pgx.RowToFunc[T], query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// ForEach reads every row of a query into the destinations, and calls do after each.
func ForEach(ctx context.Context, q Querier, into []any, do func(), query string, args ...any) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	return EachRow(into, do)(rows)
}

// EachRow is ForEach for a statement of a batch.
func EachRow(into []any, do func()) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, into, func() error {
			do()
			return nil
		})
		return err
	}
}

// Column returns one column of rows, as an array for a statement: one statement with the same plan reads or
// writes one row or a thousand.
func Column[R, T any](rows []R, value func(R) T) []T {
	column := make([]T, len(rows))
	for i, row := range rows {
		column[i] = value(row)
	}
	return column
}
