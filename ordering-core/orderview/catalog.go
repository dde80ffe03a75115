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

// Item is what the tables of both apps have of a product or a customer. The JSON names are the columns'.
type Item struct {
	ID          string    `gorm:"primaryKey" json:"id"`
	Revision    int64     `json:"revision"`
	Sequence    int64     `json:"sequence"` // ordering-core's own version: what a change expects
	Name        string    `json:"name"`
	Archived    bool      `json:"archived"`
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false" json:"updated_at"`
	Sort        string    `json:"sort"`
	SearchTerms string    `gorm:"column:words" json:"words"`
}

// Product is what they have of a product.
type Product struct {
	Item
	SKU      string `gorm:"column:sku" json:"sku"`
	Minor    int64  `gorm:"column:price" json:"price"` // in minor units
	Currency string `json:"currency"`
}

// Customer is what they have of a customer.
type Customer struct {
	Item
	Email string `json:"email"`
}

// Common is the part that products and customers share.
func (i Item) Common() Item { return i }

// ByName is the order of lists of products and of customers: that of an alphabet, as ICU has it.
var ByName = readmodel.Sort{Name: "name", SQL: `sort collate "und-x-icu"`, Type: "text"}

// Price is the price of one.
func (p Product) Price() money.Amount { return money.Amount{Minor: p.Minor, Currency: p.Currency} }

// Place is where the row is in a list.
func (i Item) Place(readmodel.Sort) readmodel.Place { return readmodel.Place{Key: i.Sort, ID: i.ID} }

// Other orders of lists of products and of customers.
var (
	BySKU   = readmodel.ByText("sku", "sku")
	ByPrice = readmodel.ByMoney("price", "currency", "price")
	ByEmail = readmodel.ByText("email", "email")
)

// Place is where the product is in a list.
func (p Product) Place(s readmodel.Sort) readmodel.Place {
	switch s.Name {
	case BySKU.Name:
		return readmodel.Place{Key: readmodel.TextKey(p.SKU), ID: p.ID}
	case ByPrice.Name:
		return readmodel.Place{Key: readmodel.MoneyKey(p.Price()), ID: p.ID}
	}
	return p.Item.Place(s)
}

// Place is where the customer is in a list.
func (c Customer) Place(s readmodel.Sort) readmodel.Place {
	if s.Name == ByEmail.Name {
		return readmodel.Place{Key: readmodel.TextKey(c.Email), ID: c.ID}
	}
	return c.Item.Place(s)
}

// Keys of lists by another order, for rows.
func (p Product) KeyBySKU() string    { return p.Place(BySKU).Key }
func (p Product) KeyByPrice() string  { return p.Place(ByPrice).Key }
func (c Customer) KeyByEmail() string { return c.Place(ByEmail).Key }

func itemOf(id, name, key string, s journal.Stream, sequence int64, archived bool, at time.Time) Item {
	return Item{
		ID: id, Revision: s.Revision(), Sequence: sequence, Name: name, Archived: archived, UpdatedAt: event.Kept(at),
		Sort: readmodel.SortName(name), SearchTerms: search.Join(name, key),
	}
}

// ProductOf is the row of a product; false while nobody has added it.
func ProductOf(s journal.Stream) (Product, bool) {
	p := catalog.FoldProduct(readmodel.Events(s))
	return Product{
		Item: itemOf(p.ID, p.Name, p.SKU, s, p.Sequence, p.Archived, p.UpdatedAt),
		SKU:  p.SKU, Minor: p.Price.Minor, Currency: p.Price.Currency,
	}, p.ID != ""
}

// CustomerOf is the row of a customer; false while nobody has added them.
func CustomerOf(s journal.Stream) (Customer, bool) {
	c := catalog.FoldCustomer(readmodel.Events(s))
	return Customer{Item: itemOf(c.ID, c.Name, c.Email, s, c.Sequence, c.Archived, c.UpdatedAt), Email: c.Email}, c.ID != ""
}
