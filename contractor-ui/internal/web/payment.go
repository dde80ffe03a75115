package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/copy"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// paymentPage is one payment: its facts, and everything that happened to it.
type paymentPage struct {
	ID              string
	Amount          money.Amount
	Description     string
	Decision, Money web.Badge
	Pending         bool
	RequestedAt     time.Time
	DecidedBy       string
	DecidedAt       time.Time // zero while it waits
	Reason, Note    string
	ManualCapture   bool
	OrderID         string
	GatewayRef      string
	Supersedes      string // the payment that this one asks again for
	SupersededBy    string // the payment that asks again for this one
	CanWithdraw     bool
	CanAskAgain     bool
	SoonAskAgain    bool // once the log has confirmed what ended it
	Steps           []step
}

// step is an entry of the timeline.
type step struct {
	Words   string
	By      string // who tried, where it had no effect; else Words says so
	At      time.Time
	Effect  bool
	Pending bool // "being confirmed"
}

func (h *Handlers) show(c echo.Context) error {
	id, err := idOf(c.Param("id"))
	if err != nil {
		return err
	}
	ctx, contractor := c.Request().Context(), web.PersonOf(c).ID
	stream, err := h.Journal.Read(ctx, payment.Stream(id))
	if err != nil {
		return err
	}
	p, steps, err := own(stream, contractor)
	if err != nil {
		return err
	}
	if p.SupersededBy, err = copy.SupersededBy(ctx, h.DB.Pool(), id); err != nil {
		return err
	}
	page := web.Page{
		Title: clip(p.Description, 60), Nav: "payments", Subject: stream.ID, Revision: stream.Revision(),
	}
	return paymentView.Render(c, http.StatusOK, page, paymentPageOf(p, steps, contractor))
}

func paymentPageOf(p payment.Payment, steps []payment.Step, contractor string) paymentPage {
	decided := p.Decided
	if p.Decision == payment.DecisionCancelled {
		decided = p.Cancelled
	}
	page := paymentPage{
		ID: p.ID, Amount: p.Amount, Description: p.Description,
		Decision: decisionBadge(p.Decision), Money: moneyBadge(p.Decision, p.Money, p.Final, p.MoneyWords()),
		Pending: p.Pending, RequestedAt: p.Requested.At, DecidedBy: decided.ByName, DecidedAt: decided.At,
		Reason: p.Reason, Note: p.Note, ManualCapture: p.CaptureMethod == payment.Manual, OrderID: p.OrderID,
		GatewayRef: p.GatewayReference, Supersedes: p.Supersedes, SupersededBy: p.SupersededBy,
		CanWithdraw: p.Decision == payment.DecisionRequested,
	}
	err := p.CanAskAgain(contractor)
	page.CanAskAgain = err == nil
	if refusal := refusalOf(err); refusal != nil {
		page.SoonAskAgain = refusal.Code == payment.BeingConfirmed
	}
	for _, s := range steps {
		shown := step{Words: sentence(s.Words()), At: s.Entry.Time, Effect: s.Effect, Pending: !s.Entry.Confirmed}
		if !s.Effect {
			shown.By = s.Entry.ActorName
		}
		page.Steps = append(page.Steps, shown)
	}
	return page
}

// withdraw writes payment_withdrawn while the payment waits; afterwards it says who was first.
func (h *Handlers) withdraw(c echo.Context) error {
	id, err := idOf(c.Param("id"))
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	err = h.DB.InTx(ctx, func(tx *pg.Tx) error {
		streams, err := h.Journal.Load(ctx, tx, payment.Stream(id))
		if err != nil {
			return err
		}
		stream := streams[payment.Stream(id)]
		p, _, err := own(stream, web.PersonOf(c).ID)
		if err != nil {
			return err
		}
		body, err := p.Withdraw(event.MetaFrom(ctx), "")
		if err != nil {
			return err
		}
		return h.append(ctx, tx, stream, body)
	})
	refusal := refusalOf(err)
	switch {
	case err == nil:
		web.Flash(c, web.Good, "Withdrawn.")
	case refusal == nil:
		return err
	case refusal.Code != payment.SameVerdict: // twice withdrawn is withdrawn
		web.Flash(c, web.Warning, sentence(notDone(refusal))+".")
	}
	return web.Redirect(c, address(id))
}

// notDone tells a refusal as the timeline would: "not withdrawn: Mia Weber had already accepted it".
func notDone(refusal *payment.Refusal) string {
	tried := payment.Entry{Event: event.Event{Type: refusal.Tried}}
	return payment.Step{Entry: tried, Refusal: refusal}.Words()
}
