// Package api is ordering-core's HTTP API: the commands of people about orders, through the services that
// they work with.
//
// Invariants:
//   - Which service may do what is decided here: contractors write orders, managers administer them.
//   - To anybody but its contractor, for whom contractor-ui calls, an order does not exist.
//   - A refusal has the current state, so that a page can show it beside what the person wanted.
package api

import (
	"log/slog"
	"slices"

	"github.com/labstack/echo/v4"

	"countersign.example/ordering-core/internal/orders"
	"countersign.example/ordering-core/internal/products"
	"countersign.example/pkg/api"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/telemetry"
	"countersign.example/pkg/web"
)

// The services that call.
const (
	contractorUI = "contractor-ui"
	managerUI    = "manager-ui"
	seed         = "seed" // plays both
)

// API answers requests.
type API struct {
	orders *orders.Service
}

// New returns the API's handler.
func New(
	db *pg.DB, service *orders.Service, catalog *products.Service,
	tokens api.Tokens, log *slog.Logger, metrics *telemetry.Metrics,
) *echo.Echo {
	a := &API{orders: service}
	e := web.NewAPI(log, metrics, products.Large...)
	commands := &api.Commands{DB: db, Explain: explain, None: orders.ErrNoOrder}

	contractors, managers, both := only(contractorUI, seed), only(managerUI, seed), only(contractorUI, managerUI, seed)
	o := e.Group("/orders", tokens.Authenticate)
	o.GET("/:id", a.show)
	o.POST("", api.Handle(commands, a.draft), contractors)
	o.POST("/:id/items", changing(commands, item(a.orders.Add)), contractors)
	o.POST("/:id/items/remove", changing(commands, item(a.orders.Remove)), contractors)
	o.POST("/:id/items/quantity", changing(commands, item(a.orders.SetQuantity)), contractors)
	o.POST("/:id/customer", changing(commands, a.chooseCustomer), contractors)
	o.POST("/:id/submit", api.Handle(commands, a.submit), contractors)
	o.POST("/:id/cancel", changing(commands, a.cancel), both)
	o.POST("/:id/discount", changing(commands, a.setDiscount), managers)
	o.POST("/:id/discount/reset", changing(commands, a.resetDiscount), managers)
	o.POST("/:id/expire", changing(commands, a.expire), managers)

	catalog.Register(e.Group("", tokens.Authenticate))
	return e
}

// only lets some of the known services in.
func only(services ...string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if caller := api.Caller(c); !slices.Contains(services, caller) {
				return web.Forbidden(caller + " may not do that.")
			}
			return next(c)
		}
	}
}
