// Package pages is contractor-ui's pages: a contractor's payments and orders, the forms that ask for a
// payment and build an order, and what happened to each.
//
// Invariants:
//   - A contractor sees and changes their own payments and orders only. Anybody else's do not exist (404),
//     on every route and for the socket.
//   - A handler reads a form, gives a command to package payments or to ordering-core, and answers with a
//     redirect (303) to what a reload shows. It knows no transaction, no lock and no journal.
//   - What changes an order is a command to ordering-core, which alone writes about orders. While it does not
//     answer, every page can still be read, and what was typed is kept.
//   - Sending a form again changes nothing: it carries its payment's id or an idempotency key, and a decision
//     is taken once.
package pages

import (
	"context"
	"embed"
	"errors"
	"log/slog"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

//go:embed templates
var templates embed.FS

var (
	paymentsView = web.NewView[paymentsPage]("payments")
	requestView  = web.NewView[requestPage]("request")
	paymentView  = web.NewView[paymentPage]("payment")

	ordersView      = web.NewView[ordersPage]("orders")
	orderView       = web.NewView[orderPage]("order")
	cancelOrderView = web.NewView[cancelPage]("cancel-order")

	paymentRowFragment = web.NewFragment[paymentRow]("payment-row")
	totalFragment      = web.NewFragment[total]("total")
	orderRowFragment   = web.NewFragment[orderRow]("order-row")
)

// Cookie is the session's; browsers share cookies among the ports of a host.
const Cookie = "contractor_session"

// People are who can sign in while identities are a demo.
var People = []web.Person{contractor("ada-nowak", "Ada Nowak"), contractor("jon-park", "Jon Park"), contractor("sara-lind", "Sara Lind")}

func contractor(id, name string) web.Person {
	return web.Person{ID: id, Name: name, Roles: Roles}
}

// NewRenderer parses the pages' templates.
func NewRenderer(assets *web.Assets) (*web.Renderer, error) {
	return web.NewRenderer(templates, assets, nil, paymentsView, requestView, paymentView, ordersView, orderView, cancelOrderView,
		paymentRowFragment, totalFragment, orderRowFragment)
}

// Options make the site, which adds to web.Options what is its own. All are needed, but for Hub.
type Options struct {
	web.Options
	DB        *pg.DB
	Histories *readmodel.Histories
	Payments  *payments.Service
	Ordering  *ordering.Core // takes the commands about orders
	Hub       *live.Hub      // nil: pages are not live
}

type handlers struct {
	site      *web.Site
	db        *pg.DB
	histories *readmodel.Histories
	payments  *payments.Service
	ordering  *ordering.Core
	hub       *live.Hub
	log       *slog.Logger
}

// New returns the site with all its routes.
func New(o Options) (*web.Site, error) {
	o.Label = "Contractor"
	o.Nav = []web.NavItem{{Key: "payments", Label: "Payments", Href: "/"}, {Key: "orders", Label: "Orders", Href: "/orders"}}
	for _, route := range []string{"/payments/export", "/orders/export"} {
		o.Large = append(o.Large, web.Large{Route: route, Within: web.ExportTimeout})
	}
	site, err := web.New(o.Options)
	if err != nil {
		return nil, err
	}
	h := &handlers{site: site, db: o.DB, histories: o.Histories, payments: o.Payments, ordering: o.Ordering, hub: o.Hub, log: o.Log}
	h.register(site)
	return site, nil
}

// audience is who gets a contractor's updates.
func audience(contractor string) string { return "contractor:" + contractor }

var errNoPayment = web.NotFound("There is no such payment.")

// idOf reads a payment's id in its one spelling.
func idOf(id string) (string, error) {
	if !api.IsID(id) {
		return "", errNoPayment
	}
	return id, nil
}

// paymentPath is a payment's page.
func paymentPath(id string) string { return "/payments/" + id }

// ownPayment reads a payment of the contractor's. Anybody else's does not exist.
func (h *handlers) ownPayment(ctx context.Context, id, contractor string) (readmodel.PaymentHistory, error) {
	p, err := h.histories.Payment(ctx, id)
	if err == nil && (!p.Exists() || p.ContractorID != contractor) {
		err = errNoPayment
	}
	return p, err
}

// refusalOf returns the domain's no, or nil if err is something else.
func refusalOf(err error) *payment.Refusal {
	var refusal *payment.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return nil
}
