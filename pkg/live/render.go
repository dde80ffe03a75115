package live

import (
	"strings"

	"countersign.example/pkg/schema"
)

// IDs are the ids of those streams that are of a kind, which is how their names begin.
func IDs(streams []string, prefix string) (ids []string) {
	for _, s := range streams {
		if id, ok := strings.CutPrefix(s, prefix); ok && schema.IsID(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// AddRows renders what was found and adds it to rows.
func AddRows[T any](rows []Row, found []T, render func(T) (Row, error)) ([]Row, error) {
	for _, one := range found {
		row, err := render(one)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
