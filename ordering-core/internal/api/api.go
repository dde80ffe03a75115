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

	"countersign.example/ordering-core/internal/orders"
	"countersign.example/ordering-core/internal/products"
	"countersign.example/pkg/api"
	"countersign.example/pkg/deadletters"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/telemetry"
	"countersign.example/pkg/vitals"
	"countersign.example/pkg/web"
)

// seed fills an empty system, and plays both contractors and managers.
const seed = "seed"

// may is the table of rights: who may do what about orders, through a service that speaks for them. Those
// about products and customers stand in package products.
var may = struct{ look, build, cancel, discount, expire rights.Right }{
	look:     rights.Right{Name: "look", To: "look at orders", Roles: []rights.Role{rights.Manager, rights.Operator, rights.Contractor}},
	build:    rights.Right{Name: "build", To: "build or submit orders", Roles: []rights.Role{rights.Contractor}},
	cancel:   rights.Right{Name: "cancel", To: "cancel orders", Roles: []rights.Role{rights.Manager, rights.Operator, rights.Contractor}},
	discount: rights.Right{Name: "discount", To: "give discounts", Roles: []rights.Role{rights.Manager}},
	expire:   rights.Right{Name: "end", To: "expire orders", Roles: []rights.Role{rights.Manager, rights.Operator}},
}

// Callers speak for the people of their own app. A contractor's own orders are all that there is for
// contractor-ui.
var Callers = api.Callers{
	"contractor-ui": {rights.Contractor}, "manager-ui": {rights.Manager, rights.Operator, rights.Auditor}, seed: {rights.Manager, rights.Contractor},
}

// API answers requests.
type API struct {
	orders *orders.Service
}

// New returns the API's handler.
func New(
	db *pg.DB, service *orders.Service, catalog *products.Service, letters *inbox.DeadLetterStore, how *vitals.Reader,
	tokens api.Tokens, gate web.GateConfig, log *slog.Logger, metrics *telemetry.Metrics,
) *api.Server {
	a := &API{orders: service}
	s := api.NewServer(api.Options{Tokens: tokens, Callers: Callers, Log: log, Metrics: metrics, AtOnce: gate.RequestsAtOnce, Waits: db.Waits, Large: products.Large})
	commands := &api.Commands{DB: db, Explain: explain, None: orders.ErrNoOrder}
	s.GET("/orders/:id", may.look, a.show)
	s.POST("/orders", may.build, api.Handle(commands, a.draft))
	s.POST("/orders/:id/items", may.build, changing(commands, item(a.orders.Add)))
	s.POST("/orders/:id/items/remove", may.build, changing(commands, item(a.orders.Remove)))
	s.POST("/orders/:id/items/quantity", may.build, changing(commands, item(a.orders.SetQuantity)))
	s.POST("/orders/:id/customer", may.build, changing(commands, a.chooseCustomer))
	s.POST("/orders/:id/submit", may.build, api.Handle(commands, a.submit))
	s.POST("/orders/:id/cancel", may.cancel, changing(commands, a.cancel))
	s.POST("/orders/:id/discount", may.discount, changing(commands, a.setDiscount))
	s.POST("/orders/:id/discount/reset", may.discount, changing(commands, a.resetDiscount))
	s.POST("/orders/:id/expire", may.expire, changing(commands, a.expire))
	catalog.Register(s)
	deadletters.Register(s, db, letters)
	vitals.Register(s, how)
	return s
}
