package readmodel

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
)

// Product is what can be ordered, and Customer is for whom.
type (
	Product  = orderview.Product
	Customer = orderview.Customer
)

var (
	products  = readmodel.NewTable[Product]("products", "")
	customers = readmodel.NewTable[Customer]("customers", "")
)

// ProjectCatalog is a journal.Projector: it folds the changed streams of products and customers and writes
// their rows.
func ProjectCatalog(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	return errors.Join(
		products.Queue(tx, readmodel.Fold(streams, catalog.ProductStream(""), orderview.ProductOf)),
		customers.Queue(tx, readmodel.Fold(streams, catalog.CustomerStream(""), orderview.CustomerOf)))
}

// Choice asks for what people can choose from, by name, without what is archived.
type Choice struct {
	Search string           // parts of words; "" finds everything
	After  *readmodel.Place // nil: from the beginning
	Limit  int
}

func (c Choice) query() readmodel.Query {
	return readmodel.Query{
		Sort: orderview.ByName, Where: []readmodel.Condition{readmodel.Where("not archived")}, Search: c.Search, After: c.After, Limit: c.Limit,
	}
}

// Products reads what can be ordered.
func Products(ctx context.Context, db *pg.DB, c Choice) (readmodel.Page[Product], error) {
	return products.Page(ctx, db, c.query())
}

// Customers reads for whom can be ordered.
func Customers(ctx context.Context, db *pg.DB, c Choice) (readmodel.Page[Customer], error) {
	return customers.Page(ctx, db, c.query())
}

// ProductsNamed are those that have text as their SKU, or else as their name, in any case: two at most, in no
// order, and none that is archived.
func ProductsNamed(ctx context.Context, db *pg.DB, text string) ([]Product, error) {
	found, err := products.Some(ctx, db, readmodel.Where("not archived and lower(sku) = lower(?)", text), 2)
	if err == nil && len(found) == 0 {
		found, err = products.Some(ctx, db, named(text), 2)
	}
	return found, err
}

// CustomersNamed are those that have text as their name, as ProductsNamed.
func CustomersNamed(ctx context.Context, db *pg.DB, text string) ([]Customer, error) {
	return customers.Some(ctx, db, named(text), 2)
}

func named(text string) readmodel.Condition {
	return readmodel.Where("not archived and sort = ? and lower(name) = lower(?)", readmodel.SortName(text), text)
}

// FindProducts returns those of ids that there are, archived ones too.
func FindProducts(ctx context.Context, db *pg.DB, ids ...string) ([]Product, error) {
	return products.Find(ctx, db, "id", ids...)
}

// FindCustomers returns those of ids that there are, archived ones too.
func FindCustomers(ctx context.Context, db *pg.DB, ids ...string) ([]Customer, error) {
	return customers.Find(ctx, db, "id", ids...)
}

// Drafted is a product or a customer that somebody has in a draft.
type Drafted struct {
	ContractorID, Stream string
	Revision             int64 // of that
}

// FindDrafted returns who has which of the products in a draft.
func FindDrafted(ctx context.Context, db *pg.DB, ids []string) ([]Drafted, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := pg.Rows(ctx, db.Pool(), pgx.RowToStructByPos[Drafted], `select distinct o.contractor_id, $2 || p.id, p.revision
		from order_rows o join products p on p.id = any (o.drafted)
		where o.state = 'draft' and o.drafted && $1::uuid[] and p.id = any ($1::uuid[])`, ids, catalog.ProductStream(""))
	if err != nil {
		return nil, fmt.Errorf("find drafts of products: %w", err)
	}
	return found, nil
}

// FindChosen returns who has which of the customers in a draft.
func FindChosen(ctx context.Context, db *pg.DB, ids []string) ([]Drafted, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := pg.Rows(ctx, db.Pool(), pgx.RowToStructByPos[Drafted], `select distinct o.contractor_id, $2 || c.id, c.revision
		from customers c join order_rows o on o.draft->>'customer_id' = c.id::text
		where o.state = 'draft' and c.id = any ($1::uuid[])`, ids, catalog.CustomerStream(""))
	if err != nil {
		return nil, fmt.Errorf("find drafts for customers: %w", err)
	}
	return found, nil
}
