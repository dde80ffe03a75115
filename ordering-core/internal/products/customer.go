package products

import (
	"fmt"
	"time"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/internal/orders"
	"countersign.example/pkg/pg"
)

// Customer is a row of the table customers.
type Customer struct {
	Row
	Name     string
	Email    string
	EmailKey string
}

// newCustomer checks what a customer is to be.
func newCustomer(id, name, email string) (*Customer, error) {
	name, email = catalog.CleanCustomer(name, email)
	if err := invalid(catalog.CheckCustomer(name, email)); err != nil {
		return nil, err
	}
	return &Customer{Row: Row{ID: id}, Name: name, Email: email, EmailKey: catalog.Key(email)}, nil
}

// TableName is for GORM.
func (*Customer) TableName() string { return "customers" }

func (c *Customer) stream() string       { return catalog.CustomerStream(c.ID) }
func (c *Customer) key() string          { return c.EmailKey }
func (c *Customer) keyCondition() string { return "email_key = ?" }
func (c *Customer) identifyQuery() string {
	return `select k.key, k.key, coalesce(c.id::text, ''), coalesce(c.email_key, '')
		from unnest($1::text[]) as k (key) left join customers c on c.email_key = k.key and not c.archived`
}
func (c *Customer) storedKey() string { return c.EmailKey }
func (c *Customer) keepFrom(item)     {}
func (c *Customer) String() string    { return fmt.Sprintf("“%s”, %s", c.Name, c.Email) }

func (c *Customer) keyTaken() *Refusal {
	return &Refusal{Code: Taken, Field: "email", Message: fmt.Sprintf("Another customer has the address %s.", c.Email)}
}

func (c *Customer) event() catalog.CustomerAdded {
	return catalog.CustomerAdded{CustomerID: c.ID, Name: c.Name, Email: c.Email}
}

func (c *Customer) added() catalog.Body    { return c.event() }
func (c *Customer) changed() catalog.Body  { return catalog.CustomerChanged(c.event()) }
func (c *Customer) archived() catalog.Body { return catalog.CustomerArchived{CustomerID: c.ID} }

// customerJSON is a customer as callers see them.
type customerJSON struct {
	CustomerID string    `json:"customer_id"`
	Name       string    `json:"name"`
	Email      string    `json:"email"`
	Archived   bool      `json:"archived"`
	Sequence   int64     `json:"sequence"`
	ChangedAt  time.Time `json:"changed_at"`
	ChangedBy  string    `json:"changed_by,omitempty"` // a name
}

func (c *Customer) json() any {
	return customerJSON{c.ID, c.Name, c.Email, c.Archived, c.Sequence, c.ChangedAt, c.ChangedByName}
}

// Customers is Products for customers.
func (s *Service) Customers(tx *pg.Tx, ids ...string) map[string]orders.Customer {
	var c orders.Customer
	return queueByID(tx, "id, name, archived from customers", []any{&c.ID, &c.Name, &c.Archived}, &c,
		func(c orders.Customer) string { return c.ID }, ids)
}
