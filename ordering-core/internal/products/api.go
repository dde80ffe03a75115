package products

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/api"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
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

// writers are the services whose people look after the catalog, and the one that fills an empty system.
var writers = []string{"manager-ui", "seed"}

// Register adds the routes below /products and /customers to a group whose callers are known.
func (s *Service) Register(g *echo.Group) {
	commands := &api.Commands{DB: s.db, Explain: explain}
	g.GET("/products", list[Product](s, "products"))
	g.GET("/customers", list[Customer](s, "customers"))
	w := g.Group("", onlyWriters)
	w.POST("/products", api.Handle(commands, s.postProduct))
	w.POST("/products/import", api.Handle(commands, s.importProducts))
	w.POST("/products/:id", api.Handle(commands, s.changeProduct))
	w.POST("/products/:id/archive", api.Handle(commands, s.archiveProduct))
	w.POST("/customers", api.Handle(commands, s.postCustomer))
	w.POST("/customers/import", api.Handle(commands, s.importCustomers))
	w.POST("/customers/:id", api.Handle(commands, s.changeCustomer))
	w.POST("/customers/:id/archive", api.Handle(commands, s.archiveCustomer))
}

func onlyWriters(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !slices.Contains(writers, api.Caller(c)) {
			return web.Forbidden("Products and customers are looked after by managers.")
		}
		return next(c)
	}
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

func (s *Service) postProduct(ctx context.Context, tx *pg.Tx, r api.Request[struct {
	ProductID string `json:"product_id"`
	productBody
}]) (api.Answer, error) {
	wanted, err := newProduct(r.Body.ProductID, r.Body.SKU, r.Body.Name, r.Body.Price)
	if err == nil {
		err = known(r.Body.ProductID, "product_id")
	}
	if err == nil {
		err = s.add(ctx, tx, wanted, &Product{})
	}
	return productAnswer(http.StatusCreated, wanted, err)
}

func (s *Service) changeProduct(ctx context.Context, tx *pg.Tx, r api.Request[struct {
	productBody
	Sequence int64 `json:"sequence"` // of the product that the person saw
}]) (api.Answer, error) {
	wanted, err := newProduct(r.ID, r.Body.SKU, r.Body.Name, r.Body.Price)
	if err == nil && !api.IsID(r.ID) {
		err = ErrNotFound
	}
	if err == nil {
		err = s.change(ctx, tx, wanted, &Product{}, r.Body.Sequence)
	}
	return productAnswer(http.StatusOK, wanted, err)
}

func (s *Service) archiveProduct(ctx context.Context, tx *pg.Tx, r api.Request[struct{}]) (api.Answer, error) {
	if !api.IsID(r.ID) {
		return api.Answer{}, ErrNotFound
	}
	p := &Product{Row: Row{ID: r.ID}}
	return productAnswer(http.StatusOK, p, s.archive(ctx, tx, p))
}

func productAnswer(status int, p *Product, err error) (api.Answer, error) {
	if err != nil {
		return api.Answer{}, err
	}
	return api.Give(status, map[string]any{"product_id": p.ID, "sequence": p.Sequence})
}

func (s *Service) importProducts(ctx context.Context, tx *pg.Tx, r api.Request[struct {
	Rows []productBody `json:"rows"`
}]) (api.Answer, error) {
	wanted, err := collect(len(r.Body.Rows), func(i int) (*Product, error) {
		row := r.Body.Rows[i]
		return newProduct("", row.SKU, row.Name, row.Price)
	})
	if err != nil {
		return api.Answer{}, err
	}
	done, err := importAll(ctx, s, tx, wanted)
	if err != nil {
		return api.Answer{}, err
	}
	return api.Give(http.StatusOK, done)
}

// customerBody is what a customer is to be.
type customerBody struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (s *Service) postCustomer(ctx context.Context, tx *pg.Tx, r api.Request[struct {
	CustomerID string `json:"customer_id"`
	customerBody
}]) (api.Answer, error) {
	wanted, err := newCustomer(r.Body.CustomerID, r.Body.Name, r.Body.Email)
	if err == nil {
		err = known(r.Body.CustomerID, "customer_id")
	}
	if err == nil {
		err = s.add(ctx, tx, wanted, &Customer{})
	}
	return customerAnswer(http.StatusCreated, wanted, err)
}

func (s *Service) changeCustomer(ctx context.Context, tx *pg.Tx, r api.Request[struct {
	customerBody
	Sequence int64 `json:"sequence"` // of the customer that the person saw
}]) (api.Answer, error) {
	wanted, err := newCustomer(r.ID, r.Body.Name, r.Body.Email)
	if err == nil && !api.IsID(r.ID) {
		err = ErrNotFound
	}
	if err == nil {
		err = s.change(ctx, tx, wanted, &Customer{}, r.Body.Sequence)
	}
	return customerAnswer(http.StatusOK, wanted, err)
}

func (s *Service) archiveCustomer(ctx context.Context, tx *pg.Tx, r api.Request[struct{}]) (api.Answer, error) {
	if !api.IsID(r.ID) {
		return api.Answer{}, ErrNotFound
	}
	c := &Customer{Row: Row{ID: r.ID}}
	return customerAnswer(http.StatusOK, c, s.archive(ctx, tx, c))
}

func customerAnswer(status int, c *Customer, err error) (api.Answer, error) {
	if err != nil {
		return api.Answer{}, err
	}
	return api.Give(status, map[string]any{"customer_id": c.ID, "sequence": c.Sequence})
}

func (s *Service) importCustomers(ctx context.Context, tx *pg.Tx, r api.Request[struct {
	Rows []customerBody `json:"rows"`
}]) (api.Answer, error) {
	wanted, err := collect(len(r.Body.Rows), func(i int) (*Customer, error) {
		return newCustomer("", r.Body.Rows[i].Name, r.Body.Rows[i].Email)
	})
	if err != nil {
		return api.Answer{}, err
	}
	done, err := importAll(ctx, s, tx, wanted)
	if err != nil {
		return api.Answer{}, err
	}
	return api.Give(http.StatusOK, done)
}

// known refuses an id in another spelling than its one canonical.
func known(id, field string) error {
	if !api.IsID(id) {
		return &Refusal{Code: Invalid, Field: field, Message: fmt.Sprintf("%s must be a UUID in small letters.", field)}
	}
	return nil
}

// shown is an item of either kind.
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
