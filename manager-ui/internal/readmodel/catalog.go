package readmodel

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

// Product is a row of the table products. The JSON names are the columns', for ProjectCatalog.
type Product struct {
	ID          string    `gorm:"primaryKey" json:"id"`
	Revision    int64     `json:"revision"`
	Sequence    int64     `json:"sequence"` // ordering-core's own version: what a change expects
	SKU         string    `gorm:"column:sku" json:"sku"`
	SKUKey      string    `gorm:"column:sku_key" json:"sku_key"`
	Name        string    `json:"name"`
	Minor       int64     `gorm:"column:price" json:"price"` // in minor units
	Currency    string    `json:"currency"`
	Archived    bool      `json:"archived"`
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false" json:"updated_at"`
	Sort        string    `json:"sort"`
	SearchTerms string    `gorm:"column:words" json:"words"`
}

// Price is the price of one.
func (p Product) Price() money.Amount { return money.Amount{Minor: p.Minor, Currency: p.Currency} }

// Place is where the row is in a list.
func (p Product) Place() Place { return Place{p.Sort, p.ID} }

// Customer is a row of the table customers.
type Customer struct {
	ID          string    `gorm:"primaryKey" json:"id"`
	Revision    int64     `json:"revision"`
	Sequence    int64     `json:"sequence"`
	Name        string    `json:"name"`
	Email       string    `json:"email"`
	EmailKey    string    `json:"email_key"`
	Archived    bool      `json:"archived"`
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false" json:"updated_at"`
	Sort        string    `json:"sort"`
	SearchTerms string    `gorm:"column:words" json:"words"`
}

// Place is where the row is in a list.
func (c Customer) Place() Place { return Place{c.Sort, c.ID} }

// Place is a place in a list by name.
type Place struct {
	Sort string `json:"sort"`
	ID   string `json:"id"`
}

// NameQuery asks for one page of a list by name: from its beginning, or the one After or Before a place.
type NameQuery struct {
	Archived      bool // these only, or none of them
	Both          bool // these too, behind the others; of a first page
	Search        string
	After, Before *Place
}

// ListProducts reads a page of the products.
func ListProducts(ctx context.Context, db *pg.DB, q NameQuery) (Page[Product], error) {
	return listByName[Product](db.Gorm(ctx), q)
}

// ListCustomers reads a page of the customers.
func ListCustomers(ctx context.Context, db *pg.DB, q NameQuery) (Page[Customer], error) {
	return listByName[Customer](db.Gorm(ctx), q)
}

// The orders of lists by name: those of an alphabet, as ICU has it.
const (
	byName          = `sort collate "und-x-icu", id`
	byNameBackwards = `sort collate "und-x-icu" desc, id desc`
)

func listByName[T any](find *gorm.DB, q NameQuery) (page Page[T], err error) {
	find = find.Limit(PageSize + 1) // one more shows whether there is more
	if !q.Both {
		find = find.Where("archived = ?", q.Archived)
	}
	if q.Search != "" {
		query := search.Query(q.Search)
		if query == "" {
			return page, nil // nothing to look for
		}
		find = find.Where("found @@ ?::tsquery", query)
	}
	backwards := q.Before != nil
	switch {
	case backwards:
		find = find.Where("("+byName+") < (?, ?::uuid)", q.Before.Sort, q.Before.ID).Order(byNameBackwards)
	case q.After != nil:
		find = find.Where("("+byName+") > (?, ?::uuid)", q.After.Sort, q.After.ID).Order(byName)
	default:
		find = find.Order("archived, " + byName)
	}
	var rows []T
	if err := find.Find(&rows).Error; err != nil {
		return page, fmt.Errorf("list by name: %w", err)
	}
	return readmodel.Cut(rows, PageSize, q.After != nil, backwards), nil
}

// FindProducts reads some products, in no order; those that are not there are left out.
func FindProducts(ctx context.Context, db *pg.DB, ids ...string) (rows []Product, err error) {
	if err := db.Gorm(ctx).Find(&rows, "id = any(?::uuid[])", uuidArray(ids)).Error; err != nil {
		return nil, fmt.Errorf("find products: %w", err)
	}
	return rows, nil
}

// FindCustomers reads some customers, in no order; those that are not there are left out.
func FindCustomers(ctx context.Context, db *pg.DB, ids ...string) (rows []Customer, err error) {
	if err := db.Gorm(ctx).Find(&rows, "id = any(?::uuid[])", uuidArray(ids)).Error; err != nil {
		return nil, fmt.Errorf("find customers: %w", err)
	}
	return rows, nil
}

// ProductsBySKU reads the products that are not archived and have one of the SKUs, by catalog.Key of it.
func ProductsBySKU(ctx context.Context, db *pg.DB, skus []string) (map[string]Product, error) {
	var rows []Product
	if err := db.Gorm(ctx).Find(&rows, "sku_key = any(array(select jsonb_array_elements_text(?::jsonb))) and not archived", jsonArray(skus)).Error; err != nil {
		return nil, fmt.Errorf("find products by SKU: %w", err)
	}
	found := make(map[string]Product, len(rows))
	for _, p := range rows {
		found[p.SKUKey] = p
	}
	return found, nil
}

// CustomersByEmail reads the customers who are not archived and have one of the addresses, by catalog.Key of
// it.
func CustomersByEmail(ctx context.Context, db *pg.DB, addresses []string) (map[string]Customer, error) {
	var rows []Customer
	if err := db.Gorm(ctx).Find(&rows, "email_key = any(array(select jsonb_array_elements_text(?::jsonb))) and not archived", jsonArray(addresses)).Error; err != nil {
		return nil, fmt.Errorf("find customers by address: %w", err)
	}
	found := make(map[string]Customer, len(rows))
	for _, c := range rows {
		found[c.EmailKey] = c
	}
	return found, nil
}

// One parameter, and so one statement, however many they are.

func uuidArray(ids []string) string { return "{" + strings.Join(ids, ",") + "}" }

func jsonArray(texts []string) string {
	data, err := json.Marshal(texts)
	if err != nil {
		panic(err) // texts are always JSON
	}
	return string(data)
}
