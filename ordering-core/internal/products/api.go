package products

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/api"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

// Large are the routes that take more than others: an import has up to 5,000 rows.
var Large = []web.Large{
	{Route: "/products/import", Limit: maxImport, Within: web.LongRequestTimeout},
	{Route: "/customers/import", Limit: maxImport, Within: web.LongRequestTimeout},
}

// maxImport is an import's size as JSON, in bytes.
const maxImport = 4 << 20

// pageSize is how many rows a list answers at once.
const pageSize = 500

// may is the table of rights: who may do what with products and customers.
var may = struct{ browse, keep rights.Right }{
	browse: rights.Right{Name: "browse", To: "look at products or customers", Roles: []rights.Role{rights.Manager, rights.Operator, rights.Contractor}},
	keep:   rights.Right{Name: "keep", To: "change products or customers", Roles: []rights.Role{rights.Manager}},
}

// Register adds the routes below /products and /customers.
func (s *Service) Register(to *api.Server) {
	addRoutes[productBody, addedProduct, changedProduct, Product](s, to, "products", "product_id")
	addRoutes[customerBody, addedCustomer, changedCustomer, Customer](s, to, "customers", "customer_id")
}

// values are what an item of type P is to be, as callers send it.
type values[P item] interface{ item(id string) (P, error) }

// addRoutes adds the routes of products, or of customers, below /name. An item is to have the values V in an
// import, Added when it is added, and Changed when it is changed.
func addRoutes[V values[P], Added interface {
	values[P]
	ItemID() string
}, Changed interface {
	values[P]
	Seen() int64
}, T any, P itemOf[T]](s *Service, to *api.Server, name, idField string) {
	commands := &api.Commands{DB: s.db, Explain: explain, None: ErrNotFound}
	answer := func(status int, i item, err error) (api.Answer, error) {
		if err != nil {
			return api.Answer{}, err
		}
		return api.Give(status, map[string]any{idField: i.row().ID, "sequence": i.row().Sequence})
	}
	to.GET("/"+name, may.browse, list[T, P](s, name))
	to.POST("/"+name, may.keep, api.Handle(commands, func(ctx context.Context, tx *pg.Tx, r api.Request[Added]) (api.Answer, error) {
		wanted, err := r.Body.item(r.Body.ItemID())
		if err == nil {
			err = known(r.Body.ItemID(), idField)
		}
		if err == nil {
			err = s.add(ctx, tx, wanted, P(new(T)))
		}
		return answer(http.StatusCreated, wanted, err)
	}))
	to.POST("/"+name+"/import", may.keep, api.Handle(commands, func(ctx context.Context, tx *pg.Tx, r api.Request[struct {
		Rows      []V     `json:"rows"`
		Sequences []int64 `json:"sequences"` // see expectation
	}]) (api.Answer, error) {
		wanted, err := collect(len(r.Body.Rows), func(i int) (P, error) { return r.Body.Rows[i].item("") })
		if err != nil {
			return api.Answer{}, err
		}
		done, err := importAll(ctx, s, tx, wanted, r.Body.Sequences)
		if err != nil {
			return api.Answer{}, err
		}
		return api.Give(http.StatusOK, done)
	}))
	to.POST("/"+name+"/:id", may.keep, api.Handle(commands, func(ctx context.Context, tx *pg.Tx, r api.Request[Changed]) (api.Answer, error) {
		wanted, err := r.Body.item(r.ID)
		if err == nil {
			err = s.change(ctx, tx, wanted, P(new(T)), r.Body.Seen())
		}
		return answer(http.StatusOK, wanted, err)
	}))
	to.POST("/"+name+"/:id/archive", may.keep, api.Handle(commands, func(ctx context.Context, tx *pg.Tx, r api.Request[struct{}]) (api.Answer, error) {
		existing := P(new(T))
		existing.row().ID = r.ID
		return answer(http.StatusOK, existing, s.archive(ctx, tx, existing))
	}))
}

// explain makes an answer of a refusal.
func explain(err error) error {
	var refusal *Refusal
	switch {
	case errors.Is(err, ErrNotFound):
		return web.NotFound("There is none with this id.")
	case errors.Is(err, errRaced):
		return web.Unavailable("Somebody else was faster. Please try again.", err)
	case !errors.As(err, &refusal):
		return err
	}
	extra := map[string]any{"code": refusal.Code}
	if refusal.Field != "" {
		extra["field"] = refusal.Field
	}
	if refusal.Now != nil {
		extra["now"] = refusal.Now
	}
	if refusal.Rows != nil {
		extra["rows"] = refusal.Rows
	}
	status := http.StatusConflict
	if refusal.Code == Invalid {
		status = http.StatusUnprocessableEntity
	}
	return &web.Error{Status: status, Message: refusal.Message, Extra: extra}
}

// productBody is what a product is to be.
type productBody struct {
	SKU   string       `json:"sku"`
	Name  string       `json:"name"`
	Price money.Amount `json:"price"`
}

func (b productBody) item(id string) (*Product, error) { return newProduct(id, b.SKU, b.Name, b.Price) }

type addedProduct struct {
	ProductID string `json:"product_id"`
	productBody
}

func (a addedProduct) ItemID() string { return a.ProductID }

type changedProduct struct {
	productBody
	sequence
}

// customerBody is what a customer is to be.
type customerBody struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (b customerBody) item(id string) (*Customer, error) { return newCustomer(id, b.Name, b.Email) }

type addedCustomer struct {
	CustomerID string `json:"customer_id"`
	customerBody
}

func (a addedCustomer) ItemID() string { return a.CustomerID }

type changedCustomer struct {
	customerBody
	sequence
}

// sequence is that of the item that the person saw.
type sequence struct {
	Sequence int64 `json:"sequence"`
}

func (s sequence) Seen() int64 { return s.Sequence }

// known refuses an id in another spelling than its one canonical.
func known(id, field string) error {
	if !api.IsID(id) {
		return &Refusal{Code: Invalid, Field: field, Message: fmt.Sprintf("%s must be a UUID in small letters.", field)}
	}
	return nil
}

// itemOf is an item of either kind.
type itemOf[T any] interface {
	*T
	item
}

// list answers what is there, archived or not, by id: those that follow the parameter after.
func list[T any, P itemOf[T]](s *Service, name string) echo.HandlerFunc {
	return func(c echo.Context) error {
		find := s.db.Gorm(c.Request().Context()).Order("id").Limit(pageSize + 1)
		if after := c.QueryParam("after"); after != "" {
			if !api.IsID(after) {
				return web.BadRequest("after must be an id.")
			}
			find = find.Where("id > ?::uuid", after)
		}
		var rows []P
		if err := find.Find(&rows).Error; err != nil {
			return fmt.Errorf("list %s: %w", name, err)
		}
		answer := map[string]any{}
		if len(rows) > pageSize {
			rows = rows[:pageSize]
			answer["next"] = rows[pageSize-1].row().ID
		}
		items := make([]any, len(rows))
		for i, r := range rows {
			items[i] = r.json()
		}
		answer[name] = items
		return c.JSON(http.StatusOK, answer)
	}
}
