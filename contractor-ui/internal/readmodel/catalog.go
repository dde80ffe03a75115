package readmodel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

// Product is what can be ordered: a row of the table products. The JSON names are the columns', for
// ProjectCatalog.
type Product struct {
	ID          uuid.UUID `gorm:"primaryKey" json:"id"`
	SKU         string    `gorm:"column:sku" json:"sku"`
	Name        string    `json:"name"`
	Minor       int64     `gorm:"column:price" json:"price"` // in minor units
	Currency    string    `json:"currency"`
	Archived    bool      `json:"archived"`
	Sequence    int64     `json:"sequence"`
	Revision    int64     `json:"revision"`
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false" json:"updated_at"`
	Sort        string    `json:"sort"`
	SearchTerms string    `gorm:"column:words" json:"words"`
}

// Price is the price of one.
func (p Product) Price() money.Amount { return money.Amount{Minor: p.Minor, Currency: p.Currency} }

// Place is where the product is in the list.
func (p Product) Place() Place { return Place{p.Sort, p.ID} }

// Customer is for whom is ordered: a row of the table customers.
type Customer struct {
	ID          uuid.UUID `gorm:"primaryKey" json:"id"`
	Name        string    `json:"name"`
	Email       string    `json:"email"`
	Archived    bool      `json:"archived"`
	Sequence    int64     `json:"sequence"`
	Revision    int64     `json:"revision"`
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false" json:"updated_at"`
	Sort        string    `json:"sort"`
	SearchTerms string    `gorm:"column:words" json:"words"`
}

// Place is where the customer is in the list.
func (c Customer) Place() Place { return Place{c.Sort, c.ID} }

// Place is a place in a list by name.
type Place struct {
	Sort string    `json:"sort"`
	ID   uuid.UUID `json:"id"`
}

// byName is the order of lists by name: that of an alphabet, as ICU has it.
const byName = `sort collate "und-x-icu", id`

// Choice asks for what people can choose from, by name, without what is archived.
type Choice struct {
	Search string // parts of words; "" finds everything
	After  *Place // nil: from the beginning
	Limit  int
}

// Products reads what can be ordered. More reports whether there are others behind.
func Products(ctx context.Context, db *pg.DB, c Choice) (rows []Product, more bool, err error) {
	if err := c.narrow(db.Gorm(ctx)).Find(&rows).Error; err != nil {
		return nil, false, fmt.Errorf("list products: %w", err)
	}
	more = len(rows) > c.Limit
	return rows[:min(len(rows), c.Limit)], more, nil
}

// Customers reads for whom can be ordered.
func Customers(ctx context.Context, db *pg.DB, c Choice) (rows []Customer, more bool, err error) {
	if err := c.narrow(db.Gorm(ctx)).Find(&rows).Error; err != nil {
		return nil, false, fmt.Errorf("list customers: %w", err)
	}
	more = len(rows) > c.Limit
	return rows[:min(len(rows), c.Limit)], more, nil
}

// ProductsNamed are those that have text as their SKU, or else as their name, in any case: two at most, and
// none that is archived.
func ProductsNamed(ctx context.Context, db *pg.DB, text string) (rows []Product, err error) {
	if err := db.Gorm(ctx).Where("not archived and lower(sku) = lower(?)", text).Limit(2).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find products by SKU: %w", err)
	}
	if len(rows) > 0 {
		return rows, nil
	}
	if err := named(db.Gorm(ctx), text).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find products by name: %w", err)
	}
	return rows, nil
}

// CustomersNamed are those that have text as their name, as ProductsNamed.
func CustomersNamed(ctx context.Context, db *pg.DB, text string) (rows []Customer, err error) {
	if err := named(db.Gorm(ctx), text).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find customers by name: %w", err)
	}
	return rows, nil
}

func named(db *gorm.DB, text string) *gorm.DB {
	return db.Where("not archived and sort = ? and lower(name) = lower(?)", readmodel.SortName(text), text).Order(byName).Limit(2)
}

func (c Choice) narrow(db *gorm.DB) *gorm.DB {
	db = db.Session(&gorm.Session{QueryFields: true}).Where("not archived").Order(byName).Limit(c.Limit + 1)
	if c.After != nil {
		db = db.Where("("+byName+") > (?, ?)", c.After.Sort, c.After.ID)
	}
	if c.Search == "" {
		return db
	}
	query := search.Query(c.Search)
	if query == "" {
		return db.Where("false") // nothing to look for
	}
	return db.Where("found @@ ?::tsquery", query)
}

// FindProducts returns those of ids that there are, archived ones too, by id.
func FindProducts(ctx context.Context, db *pg.DB, ids ...uuid.UUID) (map[uuid.UUID]Product, error) {
	var rows []Product
	if err := among(db.Gorm(ctx), "id", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find products: %w", err)
	}
	found := make(map[uuid.UUID]Product, len(rows))
	for _, p := range rows {
		found[p.ID] = p
	}
	return found, nil
}

// FindCustomers returns those of ids that there are, archived ones too, by id.
func FindCustomers(ctx context.Context, db *pg.DB, ids ...uuid.UUID) (map[uuid.UUID]Customer, error) {
	var rows []Customer
	if err := among(db.Gorm(ctx), "id", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find customers: %w", err)
	}
	found := make(map[uuid.UUID]Customer, len(rows))
	for _, c := range rows {
		found[c.ID] = c
	}
	return found, nil
}

// Drafted is a product that somebody has in a draft.
type Drafted struct {
	ContractorID string
	ProductID    uuid.UUID
	Revision     int64 // of the product
}

// FindDrafted returns who has which of the products in a draft.
func FindDrafted(ctx context.Context, db *pg.DB, ids []uuid.UUID) ([]Drafted, error) {
	rows, err := db.Pool().Query(ctx, `select distinct o.contractor_id, p.id, p.revision
		from orders o join products p on p.id = any (o.drafted) where o.state = 'draft' and o.drafted && $1 and p.id = any ($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("find drafts of products: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Drafted])
	if err != nil {
		return nil, fmt.Errorf("find drafts of products: %w", err)
	}
	return found, nil
}

var productsTable = readmodel.NewTable("products",
	"sku", "name", "price", "currency", "archived", "sequence", "revision", "updated_at", "sort", "words")

var customersTable = readmodel.NewTable("customers",
	"name", "email", "archived", "sequence", "revision", "updated_at", "sort", "words")

// ProjectCatalog is a journal.Projector: it folds the changed streams of products and customers and writes
// their rows.
func ProjectCatalog(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	products := readmodel.Fold(streams, catalog.ProductStream(""), func(s journal.Stream) (Product, bool) {
		p := catalog.FoldProduct(readmodel.Events(s))
		if p.ID == "" {
			return Product{}, false
		}
		return productOf(p, s), true
	})
	customers := readmodel.Fold(streams, catalog.CustomerStream(""), func(s journal.Stream) (Customer, bool) {
		c := catalog.FoldCustomer(readmodel.Events(s))
		if c.ID == "" {
			return Customer{}, false
		}
		return customerOf(c, s), true
	})
	return errors.Join(readmodel.Queue(tx, productsTable, products), readmodel.Queue(tx, customersTable, customers))
}
