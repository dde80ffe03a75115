package readmodel

import (
	"context"
	"fmt"
	"iter"

	"gorm.io/gorm"

	"countersign.example/pkg/pg"
)

// pageOfAll is how many rows are held at once when all of them are read.
const pageOfAll = 500

// AllProducts are the products that are not archived, by name, with what a file has of them. They are read
// page by page: what is renamed meanwhile may be there twice, or not at all.
func AllProducts(ctx context.Context, db *pg.DB) iter.Seq2[Product, error] {
	return all[Product](func() *gorm.DB { return db.Gorm(ctx).Select("id, sort, sku, name, price, currency") })
}

// AllCustomers are the customers who are not archived, as AllProducts are read.
func AllCustomers(ctx context.Context, db *pg.DB) iter.Seq2[Customer, error] {
	return all[Customer](func() *gorm.DB { return db.Gorm(ctx).Select("id, sort, name, email") })
}

func all[T interface{ Place() Place }](from func() *gorm.DB) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var rows []T
		for first := true; first || len(rows) == pageOfAll; first = false {
			find := from().Where("archived = false").Order("sort, id").Limit(pageOfAll)
			if !first {
				last := rows[len(rows)-1].Place()
				find = find.Where("(sort, id) > (?, ?::uuid)", last.Sort, last.ID)
			}
			rows = nil
			if err := find.Find(&rows).Error; err != nil {
				var none T
				yield(none, fmt.Errorf("read all by name: %w", err))
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}
