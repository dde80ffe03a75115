package products

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/api"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// Product is a row of the table products.
type Product struct {
	Row
	SKU      string `gorm:"column:sku"`
	SKUKey   string `gorm:"column:sku_key"` // in lower case, as the version before compares SKUs
	Doubled  bool   // has the SKU of another one, from before SKUs were compared by catalog.Key
	Name     string
	Price    int64 // minor units
	Currency string
}

// newProduct checks what a product is to be.
func newProduct(id, sku, name string, price money.Amount) (*Product, error) {
	sku, name = catalog.CleanProduct(sku, name)
	if err := invalid(catalog.CheckProduct(sku, name, price)); err != nil {
		return nil, err
	}
	return &Product{
		Row: Row{ID: id}, SKU: sku, SKUKey: strings.ToLower(sku), Name: name, Price: price.Minor, Currency: price.Currency,
	}, nil
}

func (p *Product) price() money.Amount { return money.Amount{Minor: p.Price, Currency: p.Currency} }

// TableName is for GORM.
func (*Product) TableName() string { return "products" }

func (p *Product) stream() string       { return catalog.ProductStream(p.ID) }
func (p *Product) key() string          { return catalog.Key(p.SKU) }
func (p *Product) keyCondition() string { return "fold_sku(sku) = fold_sku(?)" }
func (p *Product) identifyQuery() string {
	return `select k.key, fold_sku(k.key), coalesce(p.id::text, ''), coalesce(p.sku, '')
		from unnest($1::text[]) as k (key) left join products p on fold_sku(p.sku) = fold_sku(k.key) and not p.archived
		order by p.doubled desc`
}
func (p *Product) storedKey() string { return p.SKU }

// keepFrom keeps a product Doubled as long as its SKU does not change.
func (p *Product) keepFrom(existing item) {
	if o, ok := existing.(*Product); ok && p.key() == o.key() {
		p.Doubled = o.Doubled
	}
}

func (p *Product) String() string {
	return fmt.Sprintf("“%s”, SKU %s, for %s", p.Name, p.SKU, locale.Amount(p.price()))
}

func (p *Product) keyTaken() *Refusal {
	return &Refusal{Code: Taken, Field: "sku", Message: fmt.Sprintf("Another product has the SKU %s.", p.SKU)}
}

func (p *Product) event() catalog.ProductAdded {
	return catalog.ProductAdded{ProductID: p.ID, SKU: p.SKU, Name: p.Name, Price: p.price()}
}

func (p *Product) added() catalog.Body    { return p.event() }
func (p *Product) changed() catalog.Body  { return catalog.ProductChanged(p.event()) }
func (p *Product) archived() catalog.Body { return catalog.ProductArchived{ProductID: p.ID} }

// productJSON is a product as callers see it.
type productJSON struct {
	ProductID string       `json:"product_id"`
	SKU       string       `json:"sku"`
	Name      string       `json:"name"`
	Price     money.Amount `json:"price"`
	Archived  bool         `json:"archived"`
	Sequence  int64        `json:"sequence"`
	ChangedAt time.Time    `json:"changed_at"`
	ChangedBy string       `json:"changed_by,omitempty"` // a name
}

func (p *Product) json() any {
	return productJSON{p.ID, p.SKU, p.Name, p.price(), p.Archived, p.Sequence, p.ChangedAt, p.ChangedByName}
}

// Products returns those of ids that there are, archived ones too, for orders that are being written, once
// what comes next in the transaction has run.
func (s *Service) Products(tx *pg.Tx, ids ...string) map[string]order.Product {
	var p order.Product
	return queueByID(tx, "id, sku, name, price, currency, archived from products",
		[]any{&p.ID, &p.SKU, &p.Name, &p.Price.Minor, &p.Price.Currency, &p.Archived}, &p, func(p order.Product) string { return p.ID }, ids)
}

// queueByID has what is read into columns, which are row's, collected by id.
func queueByID[T any](tx *pg.Tx, what string, columns []any, row *T, id func(T) string, ids []string) map[string]T {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !api.IsID(id) })
	found := make(map[string]T, len(ids))
	read := pg.EachRow(columns, func() { found[id(*row)] = *row })
	tx.Queue("select "+what+" where id = any($1)", ids).Query(func(rows pgx.Rows) error {
		if err := read(rows); err != nil {
			return fmt.Errorf("read %s: %w", what, err)
		}
		return nil
	})
	return found
}
