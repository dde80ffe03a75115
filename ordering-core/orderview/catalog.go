package orderview

import (
	"time"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

// Product is what the tables of both apps have of a product. The JSON names are the columns'.
type Product struct {
	ID          string    `gorm:"primaryKey" json:"id"`
	Revision    int64     `json:"revision"`
	Sequence    int64     `json:"sequence"` // ordering-core's own version: what a change expects
	SKU         string    `gorm:"column:sku" json:"sku"`
	Name        string    `json:"name"`
	Minor       int64     `gorm:"column:price" json:"price"` // in minor units
	Currency    string    `json:"currency"`
	Archived    bool      `json:"archived"`
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false" json:"updated_at"`
	Sort        string    `json:"sort"`
	SearchTerms string    `gorm:"column:words" json:"words"`
}

// Customer is what the tables of both apps have of a customer.
type Customer struct {
	ID          string    `gorm:"primaryKey" json:"id"`
	Revision    int64     `json:"revision"`
	Sequence    int64     `json:"sequence"`
	Name        string    `json:"name"`
	Email       string    `json:"email"`
	Archived    bool      `json:"archived"`
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false" json:"updated_at"`
	Sort        string    `json:"sort"`
	SearchTerms string    `gorm:"column:words" json:"words"`
}

// ByName is the order of lists of products and of customers: that of an alphabet, as ICU has it.
var ByName = readmodel.Sort{Name: "sort", SQL: `sort collate "und-x-icu"`, Type: "text"}

// Price is the price of one.
func (p Product) Price() money.Amount { return money.Amount{Minor: p.Minor, Currency: p.Currency} }

// Place is where the product is in a list.
func (p Product) Place(readmodel.Sort) readmodel.Place { return readmodel.Place{Key: p.Sort, ID: p.ID} }

// Place is where the customer is in a list.
func (c Customer) Place(readmodel.Sort) readmodel.Place {
	return readmodel.Place{Key: c.Sort, ID: c.ID}
}

// ProductOf is the row of a product; false while nobody has added it.
func ProductOf(s journal.Stream) (Product, bool) {
	p := catalog.FoldProduct(readmodel.Events(s))
	return Product{
		ID: p.ID, Revision: s.Revision(), Sequence: p.Sequence, SKU: p.SKU, Name: p.Name, Minor: p.Price.Minor,
		Currency: p.Price.Currency, Archived: p.Archived, UpdatedAt: event.Kept(p.UpdatedAt), Sort: readmodel.SortName(p.Name),
		SearchTerms: search.Join(p.Name, p.SKU),
	}, p.ID != ""
}

// CustomerOf is the row of a customer; false while nobody has added them.
func CustomerOf(s journal.Stream) (Customer, bool) {
	c := catalog.FoldCustomer(readmodel.Events(s))
	return Customer{
		ID: c.ID, Revision: s.Revision(), Sequence: c.Sequence, Name: c.Name, Email: c.Email, Archived: c.Archived,
		UpdatedAt: event.Kept(c.UpdatedAt), Sort: readmodel.SortName(c.Name), SearchTerms: search.Join(c.Name, c.Email),
	}, c.ID != ""
}
