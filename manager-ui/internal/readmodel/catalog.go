package readmodel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
)

// Product is a row of the table products.
type Product struct {
	orderview.Product
	SKUKey string `gorm:"column:sku_key" json:"sku_key"` // as SKUs are told apart
}

// Customer is a row of the table customers.
type Customer struct {
	orderview.Customer
	EmailKey string `json:"email_key"`
}

var (
	products  = readmodel.NewTable[Product]("products", "")
	customers = readmodel.NewTable[Customer]("customers", "")
)

// ProjectCatalog is a journal.Projector: it folds the changed streams of products and customers and writes
// their rows.
func ProjectCatalog(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	return errors.Join(
		products.Queue(tx, readmodel.Fold(streams, catalog.ProductStream(""), func(s journal.Stream) (Product, bool) {
			p, ok := orderview.ProductOf(s)
			return Product{p, catalog.Key(p.SKU)}, ok
		})),
		customers.Queue(tx, readmodel.Fold(streams, catalog.CustomerStream(""), func(s journal.Stream) (Customer, bool) {
			c, ok := orderview.CustomerOf(s)
			return Customer{c, catalog.Key(c.Email)}, ok
		})))
}

// NameQuery asks for one page of a list by name.
type NameQuery struct {
	readmodel.Query
	Archived bool // these only, or none of them
}

func (q NameQuery) query() readmodel.Query {
	if q.Sort.SQL == "" {
		q.Sort = orderview.ByName
	}
	q.Limit = cmp.Or(q.Limit, PageSize)
	q.Where = append(slices.Clip(q.Where), readmodel.Where("archived = ?", q.Archived).On(readmodel.InTab))
	return q.Query
}

// NameList is what the lists of the products and of the customers are read by.
type NameList[T readmodel.Row] struct{ table readmodel.Table[T] }

// Products and Customers are those lists.
var (
	Products  = NameList[Product]{products}
	Customers = NameList[Customer]{customers}
)

// Page reads a page.
func (l NameList[T]) Page(ctx context.Context, db *pg.DB, q NameQuery) (readmodel.Page[T], error) {
	return l.table.Page(ctx, db, q.query())
}

// Count counts what the list has.
func (l NameList[T]) Count(ctx context.Context, db *pg.DB, q NameQuery) (readmodel.Sums, error) {
	sums, _, err := l.table.AddUp(ctx, db, q.query(), "''", "0")
	return sums, err
}

// Whole reads all of the list.
func (l NameList[T]) Whole(ctx context.Context, db *pg.DB, q NameQuery) iter.Seq2[T, error] {
	return l.table.All(ctx, db, q.query())
}

// FirstCustomers reads a page's worth of the customers that have all parts of search, "" for all: by name, the
// archived ones behind the others. It reports whether there are more, which no place leads to.
func FirstCustomers(ctx context.Context, db *pg.DB, search string) (first []Customer, more bool, err error) {
	sort := readmodel.Sort{SQL: "archived, " + orderview.ByName.SQL}
	page, err := customers.Page(ctx, db, readmodel.Query{Sort: sort, Search: search, Limit: PageSize})
	return page.Rows, page.After != nil, err
}

// allOf reads everything that is not archived, with what a file has of it.
func allOf(columns string) readmodel.Query {
	current := []readmodel.Condition{readmodel.Where("archived = false")}
	return readmodel.Query{Sort: orderview.ByName, Where: current, Select: columns, Limit: 500}
}

// AllProducts are the products that are not archived, by name.
func AllProducts(ctx context.Context, db *pg.DB) iter.Seq2[Product, error] {
	return products.All(ctx, db, allOf("id, sort, sku, name, price, currency"))
}

// AllCustomers are the customers who are not archived, as AllProducts are read.
func AllCustomers(ctx context.Context, db *pg.DB) iter.Seq2[Customer, error] {
	return customers.All(ctx, db, allOf("id, sort, name, email"))
}

// FindProducts reads some products, in no order; those that are not there are left out.
func FindProducts(ctx context.Context, db *pg.DB, ids ...string) ([]Product, error) {
	return products.Find(ctx, db, "id", ids...)
}

// FindCustomers reads some customers, in no order; those that are not there are left out.
func FindCustomers(ctx context.Context, db *pg.DB, ids ...string) ([]Customer, error) {
	return customers.Find(ctx, db, "id", ids...)
}

// ProductsBySKU reads the products that are not archived and have one of the SKUs, by catalog.Key of it.
func ProductsBySKU(ctx context.Context, db *pg.DB, skus []string) (map[string]Product, error) {
	return byKey(ctx, db, "sku_key", skus, func(p Product) string { return p.SKUKey })
}

// CustomersByEmail reads the customers who are not archived and have one of the addresses, by catalog.Key of
// it.
func CustomersByEmail(ctx context.Context, db *pg.DB, addresses []string) (map[string]Customer, error) {
	return byKey(ctx, db, "email_key", addresses, func(c Customer) string { return c.EmailKey })
}

// byKey reads what has one of keys in a column, in one statement however many they are.
func byKey[T any](ctx context.Context, db *pg.DB, column string, keys []string, key func(T) string) (map[string]T, error) {
	list, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	var rows []T
	if err := db.Gorm(ctx).Find(&rows, column+" = any(array(select jsonb_array_elements_text(?::jsonb))) and not archived", string(list)).Error; err != nil {
		return nil, fmt.Errorf("find by %s: %w", column, err)
	}
	found := make(map[string]T, len(rows))
	for _, row := range rows {
		found[key(row)] = row
	}
	return found, nil
}
