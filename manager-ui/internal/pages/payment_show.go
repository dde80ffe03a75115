package pages

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/people"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// paymentPage is a payment with everything that happened to it.
type paymentPage struct {
	payment.Payment
	List                  web.Link
	Status                web.Badge
	MoneyText             string
	Waits                 bool
	Mine                  bool            // the reader is to be paid: others decide
	CanCapture            bool            // and release: a hold that waits for a manager
	PendingCommand        *pendingCommand // what becomes of the hold; nil while nothing does
	Order                 *web.Link       // that it is for, if it is here
	Earlier, Later        *web.Link       // the payments that it asks again for, and that ask again for it
	Steps                 []web.Step
	AcceptForm, MoneyForm *web.Form
	Key                   string      // the idempotency key of what is pressed on this page
	Over                  string      // why whoever looks may not accept this much; "" if they may
	Message               web.Message // about what was just tried, and did not happen
}

var paymentView = web.NewView[paymentPage]("payment")

func (h *handlers) showPayment(c echo.Context) error {
	if reference, ok := payment.ReadReference(c.Param("id")); ok {
		return h.showReferred(c, reference)
	}
	return h.renderPayment(c, http.StatusOK, func(page *paymentPage) {
		if kept := h.sessions.Kept(c, paymentPath(page.ID)); kept != nil && page.Waits {
			page.AcceptForm, page.Message = kept, web.Message{Tone: web.Info, Text: h.backText(c)}
		}
	})
}

// showReferred leads to the payment that a reference names, or to all that have it.
func (h *handlers) showReferred(c echo.Context, reference string) error {
	found, err := readmodel.FindReferred(c.Request().Context(), h.db, reference)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return errNoPayment
	case len(found) > 1:
		return web.Redirect(c, web.Address(paymentsPath, map[string]string{"tab": string(readmodel.All), "q": reference}))
	}
	return web.Redirect(c, paymentPath(found[0].ID))
}

// readPayment reads the payment that the address names.
func (h *handlers) readPayment(c echo.Context) (p readmodel.PaymentHistory, err error) {
	id, err := paymentID(c)
	if err != nil {
		return p, err
	}
	if p, err = h.histories.Payment(c.Request().Context(), id); err == nil && !p.Exists() {
		err = errNoPayment
	}
	return p, err
}

// renderPayment shows a payment's page; change adds what a form has to say.
func (h *handlers) renderPayment(c echo.Context, status int, change func(*paymentPage)) error {
	p, err := h.readPayment(c)
	if err != nil {
		return err
	}
	page := paymentPageOf(p)
	page.List, page.Mine = paymentsLink(c), p.ContractorID == web.PersonOf(c).ID
	if page.Order, err = h.orderOf(c.Request().Context(), p.Payment); err != nil {
		return err
	}
	if page.Earlier, page.Later, err = paymentview.Others(p.Payment, func(ids []string) ([]paymentview.Row, error) {
		rows, err := readmodel.Find(c.Request().Context(), h.db, ids...)
		return pg.Column(rows, func(p readmodel.Payment) paymentview.Row { return p.Row }), err
	}); err != nil {
		return err
	}
	if page.Waits {
		limits, err := h.limitsOf(c)
		if err != nil {
			return err
		}
		if over := limits.Allow(p.Amount, locale.Amount); over != nil {
			page.Over = over.Error()
		}
	}
	change(&page)
	return paymentView.Render(c, status, web.Page{
		Title: paymentview.Titled(p.Reference, locale.Amount(p.Amount)+" for "+p.ContractorName), Nav: "payments",
		Subject: payment.Stream(p.ID), Revision: p.Shown(), Now: page.Verdict(), Back: page.List.Href, Message: page.Message,
	}, page)
}

// limitsOf are up to which amounts whoever looks may accept.
func (h *handlers) limitsOf(c echo.Context) (people.Limits, error) {
	found, err := readmodel.FindPeople(c.Request().Context(), h.db, people.ID(web.PersonOf(c).ID))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0].Limits.Limits, nil
}

// orderOf links the order that a payment is for; nil unless there is one of the same contractor's.
func (h *handlers) orderOf(ctx context.Context, p payment.Payment) (*web.Link, error) {
	if uuid.Validate(p.OrderID) != nil {
		return nil, nil
	}
	orders, err := readmodel.FindOrders(ctx, h.db, p.OrderID)
	if err != nil || len(orders) == 0 || orders[0].ContractorID != p.ContractorID {
		return nil, err
	}
	return &web.Link{Label: orderName(orders[0].Number), Href: orderPath(p.OrderID)}, nil
}

func paymentPageOf(p readmodel.PaymentHistory) paymentPage {
	page := paymentPage{
		Payment: p.Payment, Status: status(p.Payment), MoneyText: paymentview.MoneyLabel(p.Payment), Waits: p.Decision == payment.DecisionRequested,
		CanCapture: p.CaptureMethod == payment.Manual && p.CanCapture() == nil && p.Stuck == payment.NoOperation,
		AcceptForm: web.NewForm(nil), MoneyForm: web.NewForm(nil), Key: uuid.NewString(),
	}
	for _, reason := range []*string{&page.Reason, &page.DeclineReason, &page.MoneyReason, &page.StuckReason} {
		*reason = text.Capital(*reason)
	}
	for _, s := range p.Steps {
		page.Steps = append(page.Steps, web.StepOf(paymentview.StepText(s), s.Entry, s.Effect))
	}
	if p.Command != nil && page.CanCapture {
		ongoing := operationOngoing[p.Command.Operation]
		page.PendingCommand, page.MoneyText = &pendingCommand{*p.Command}, "On hold, "+ongoing
		page.Status.Text = acceptedAnd(ongoing)
	}
	return page
}

// NamesOrder reports whether what the payment is for is its order's number, and nothing more.
func (p paymentPage) NamesOrder() bool {
	return p.Order != nil && p.Description == "Order "+p.Order.Label
}

// Verdict is the decision as a label, with who took it.
func (p paymentPage) Verdict() string {
	act := paymentview.DecidedBy(p.Payment)
	who := nameOr(act.ByName, act.By)
	switch {
	case who != "":
		return paymentview.DecisionLabel(p.Decision) + " by " + who
	case p.Decision == payment.DecisionCancelled:
		return paymentview.DecisionLabel(p.Decision) + " with its order"
	}
	return paymentview.DecisionLabel(p.Decision)
}

// VerdictAt is when the decision was taken; zero while there is none.
func (p paymentPage) VerdictAt() time.Time { return paymentview.DecidedBy(p.Payment).At }

// Seen is what a press on the page carries.
func (p paymentPage) Seen() string { return paymentview.Seen(p.UpdatedAt, p.Amount) }

// ByManager reports whether a manager captures the money.
func (p paymentPage) ByManager() bool { return p.CaptureMethod == payment.Manual }

// sentence begins with a capital letter, and leaves its full stop to who writes it.
func sentence(said string) string { return strings.TrimSuffix(text.Capital(said), ".") }
