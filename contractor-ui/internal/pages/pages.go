// Package pages is contractor-ui's pages: a contractor's payments and orders, the forms that ask for a
// payment and build an order, and what happened to each.
//
// Invariants:
//   - A contractor sees and changes their own payments and orders only. Anybody else's do not exist (404),
//     on every route and for the socket.
//   - A write is one transaction under the stream's row: load, command, append, project. The answer is a
//     redirect (303) to what a reload shows.
//   - What changes an order is a command to ordering-core, which alone writes about orders. While it does not
//     answer, every page can still be read, and what was typed is kept.
//   - Sending a form again changes nothing: it carries its payment's id or an idempotency key, and a decision is
//     taken once.
//   - An order has one payment under way at a time: asking for it holds the order's stream.
package pages

import (
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
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

	paymentRow       = web.NewFragment[row]("payment-row")
	totalFragment    = web.NewFragment[total]("total")
	orderRowFragment = web.NewFragment[orderRow]("order-row")
)

// Source is contractor-ui in the events that it writes.
const Source = "/contractor-ui"

// People are who can sign in while identities are a demo.
var People = []web.Person{{ID: "ada-nowak", Name: "Ada Nowak"}, {ID: "jon-park", Name: "Jon Park"}, {ID: "sara-lind", Name: "Sara Lind"}}

// NewRenderer parses the pages' templates.
func NewRenderer(assets *web.Assets) (*web.Renderer, error) {
	return web.NewRenderer(templates, assets, nil, paymentsView, requestView, paymentView, ordersView, orderView, cancelOrderView,
		paymentRow, totalFragment, orderRowFragment)
}

// Nav is the header's navigation.
func Nav() []web.NavItem {
	return []web.NavItem{{Key: "payments", Label: "Payments", Href: "/"}, {Key: "orders", Label: "Orders", Href: "/orders"}}
}

// Handlers answer the requests of contractors.
type Handlers struct {
	DB      *pg.DB
	Journal *journal.Journal
	Orders  *ordering.Core // takes the commands about orders
	Site    *web.Site
	Log     *slog.Logger
	Hub     *live.Hub        // may be nil: the pages are not live
	Now     func() time.Time // time.Now if nil
}

// Register adds the routes.
func (h *Handlers) Register() {
	if h.Now == nil {
		h.Now = time.Now
	}
	e := h.Site.Echo
	e.GET("/", h.list)
	e.GET("/payments", func(c echo.Context) error { return c.Redirect(http.StatusFound, "/") })
	e.GET("/payments/new", h.form)
	e.POST("/payments", h.request)
	e.GET("/payments/:id", h.show)
	e.POST("/payments/:id/withdraw", h.withdraw)
	e.GET("/orders", h.orders)
	e.GET("/orders/new", h.newOrder)
	e.GET("/orders/products", h.products)
	e.GET("/orders/customers", h.customers)
	e.GET("/orders/:id", h.showOrder)
	e.POST("/orders/:id/items", h.addItem)
	e.POST("/orders/:id/items/:product/quantity", h.setQuantity)
	e.POST("/orders/:id/items/:product/:change", h.changeLine)
	e.POST("/orders/:id/customer", h.chooseCustomer)
	e.POST("/orders/:id/submit", h.submitOrder)
	e.POST("/orders/:id/payment", h.payOrder)
	e.GET("/orders/:id/cancel", h.confirmCancel)
	e.POST("/orders/:id/cancel", h.cancelOrder)
	if h.Hub != nil {
		e.GET("/live", h.live)
	}
}

// audience is who gets a contractor's updates.
func audience(contractor string) string { return "contractor:" + contractor }

// live opens the socket of whoever is signed in, and of nobody else whatever the address says.
func (h *Handlers) live(c echo.Context) error {
	session, ok := h.Site.SessionOf(c)
	if !ok {
		h.Hub.Refuse(c.Response(), c.Request())
		return nil
	}
	h.Hub.Serve(c.Response(), c.Request(), audience(web.PersonOf(c).ID), session)
	return nil
}

var errNoPayment = web.NotFound("There is no such payment.")

// idOf reads a payment's id in its one spelling.
func idOf(text string) (string, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return "", errNoPayment
	}
	return text, nil
}

// address is a payment's page.
func address(id string) string { return "/payments/" + id }

// own folds a stream and sees to it that the payment is the contractor's.
func own(s journal.Stream, contractor string) (payment.Payment, []payment.Step, error) {
	p, steps := readmodel.Fold(s)
	if !p.Exists() || p.ContractorID != contractor {
		return p, nil, errNoPayment
	}
	return p, steps, nil
}

// refusalOf returns the domain's no, or nil if err is something else.
func refusalOf(err error) *payment.Refusal {
	var refusal *payment.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return nil
}
