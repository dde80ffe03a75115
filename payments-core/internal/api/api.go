// Package api is payments-core's HTTP API: what managers command about money, through the services
// that they work with.
//
// Invariants:
//   - A command and its answer are recorded in the transaction that opens the operation (see pkg/api).
//   - Which service may do what, and for whom, is decided here. For contractors there are payments of their
//     own alone.
//   - A conflict names what is in progress, or was done.
package api

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/deadletters"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/telemetry"
	"countersign.example/pkg/vitals"
	"countersign.example/pkg/web"
)

// API answers requests.
type API struct {
	commands *api.Commands
	service  *operations.Service
}

// may is the table of rights: who may do what here, through a service that speaks for them.
var may = struct{ look, move, reopen, inspect, mend rights.Right }{
	look:   rights.Right{Name: "look", To: "look at payments", Roles: []rights.Role{rights.Manager, rights.Operator, rights.Contractor}},
	move:   rights.Right{Name: "hold", To: "capture or release money on hold", Roles: []rights.Role{rights.Manager, rights.Operator}},
	reopen: rights.Right{Name: "decide", To: "take acceptances back", Roles: []rights.Role{rights.Manager}},

	inspect: rights.Right{Name: "operations", To: "look at what is open at the gateway", Roles: []rights.Role{rights.Operator, rights.Auditor}},
	mend:    rights.Right{Name: "settle", To: "retry or settle what is open at the gateway", Roles: []rights.Role{rights.Operator}},
}

// Callers speak for the people of their own app. A contractor's own payments are all that there is for
// contractor-ui.
var Callers = api.Callers{"manager-ui": {rights.Manager, rights.Operator, rights.Auditor}, "contractor-ui": {rights.Contractor}}

// New returns the API's handler.
func New(
	db *pg.DB, service *operations.Service, letters *inbox.DeadLetterStore, how *vitals.Reader, tokens api.Tokens, gate web.GateConfig, log *slog.Logger,
	metrics *telemetry.Metrics,
) *api.Server {
	a := &API{commands: &api.Commands{DB: db, Explain: answerable, None: operations.ErrNoPayment}, service: service}
	s := api.NewServer(api.Options{Tokens: tokens, Callers: Callers, Log: log, Metrics: metrics, AtOnce: gate.RequestsAtOnce, Waits: db.Waits})
	s.GET("/payments/:id", may.look, a.show)
	s.POST("/payments/:id/capture", may.move, a.command(payment.Capture))
	s.POST("/payments/:id/release", may.move, a.command(payment.Release))
	s.POST("/payments/:id/reopen", may.reopen, a.reopen())
	operators := &api.Commands{DB: db, Explain: answerable}
	s.GET("/operations", may.inspect, a.listOperations)
	s.GET("/operations/:id", may.inspect, a.showOperations)
	s.POST("/operations/:id/retry", may.mend, api.Handle(operators, a.retry))
	s.POST("/operations/:id/settle", may.mend, api.Handle(operators, a.settle))
	deadletters.Register(s, db, letters)
	vitals.Register(s, how)
	return s
}

// operationJSON is an operation as callers see it.
type operationJSON struct {
	Kind      payment.OperationKind `json:"kind"`
	State     operations.State      `json:"state"` // open, succeeded, failed
	Key       string                `json:"key"`   // at the gateway
	Amount    money.Amount          `json:"amount"`
	Reason    string                `json:"reason,omitempty"`
	By        string                `json:"by,omitempty"`
	ByName    string                `json:"by_name,omitempty"`
	OpenedAt  time.Time             `json:"opened_at"`
	ClosedAt  *time.Time            `json:"closed_at,omitempty"`
	Attempts  int                   `json:"attempts"`
	LastError string                `json:"last_error,omitempty"`
	StuckAt   *time.Time            `json:"stuck_at,omitempty"` // since when an open one waits for an operator
}

func showOperation(o operations.Operation) operationJSON {
	shown := operationJSON{
		Kind: o.Kind, State: o.State, Key: o.Key, Amount: o.Amount, Reason: o.Reason, By: o.Actor, ByName: o.ActorName,
		OpenedAt: o.OpenedAt, Attempts: o.Attempts, LastError: o.LastError,
	}
	if !o.ClosedAt.IsZero() {
		shown.ClosedAt = &o.ClosedAt
	}
	if o.Stuck() {
		shown.StuckAt = &o.StuckAt
	}
	return shown
}

// paymentJSON is a payment as callers see it.
type paymentJSON struct {
	PaymentID     string                `json:"payment_id"`
	ContractorID  string                `json:"contractor_id"`
	Amount        money.Amount          `json:"amount"`
	CaptureMethod payment.CaptureMethod `json:"capture_method"`
	Decision      payment.Decision      `json:"decision"`
	Money         payment.Money         `json:"money"` // "" before any
	Final         bool                  `json:"final"` // declined, and not tried again
	HoldExpiresAt *time.Time            `json:"hold_expires_at,omitempty"`
	UpdatedAt     time.Time             `json:"updated_at"`
	Operations    []operationJSON       `json:"operations"`
}

func (a *API) show(c echo.Context) error {
	id := c.Param("id")
	if !api.IsID(id) {
		return answerable(operations.ErrNoPayment)
	}
	of, err := api.Contractor(c)
	if err != nil {
		return err
	}
	p, history, err := a.service.Get(c.Request().Context(), id)
	if err == nil && of != "" && of != p.ContractorID {
		err = operations.ErrNoPayment
	}
	if err != nil {
		return answerable(err)
	}
	shown := paymentJSON{
		PaymentID: p.ID, ContractorID: p.ContractorID, Amount: p.Amount, CaptureMethod: p.CaptureMethod,
		Decision: p.Decision, Money: p.Money, Final: p.Final, UpdatedAt: p.UpdatedAt, Operations: []operationJSON{},
	}
	for _, o := range history {
		shown.Operations = append(shown.Operations, showOperation(o))
	}
	if hold, ok := history.Succeeded(payment.Authorize); ok && !hold.HoldExpiresAt.IsZero() {
		shown.HoldExpiresAt = &hold.HoldExpiresAt
	}
	return c.JSON(http.StatusOK, shown)
}

// answerable gives an error its status.
func answerable(err error) error {
	var underWay *operations.InProgressError
	var refusal *payment.Refusal
	var known *web.Error
	var away *pgconn.ConnectError
	var impossible *operations.ImpossibleError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &away):
		return web.Unavailable("The database is away. Please try again.", err)
	case errors.Is(err, operations.ErrNoPayment):
		return web.NotFound("There is no such payment.")
	case errors.Is(err, operations.ErrNotReceived): // no answer to keep: it will have been
		return web.Unavailable("The acceptance has not arrived here yet. Please try again.", err)
	case errors.Is(err, operations.ErrNoOperation):
		return web.NotFound("There is no such operation.")
	case errors.Is(err, operations.ErrNotStuck):
		return &web.Error{Status: http.StatusConflict, Message: "it is not stuck any more, or never was", Extra: map[string]any{"code": "not_stuck"}}
	case errors.As(err, &impossible):
		return &web.Error{Status: http.StatusConflict, Message: impossible.Error(), Extra: map[string]any{"code": "impossible"}}
	case errors.Is(err, operations.ErrTooLate):
		return &web.Error{Status: http.StatusConflict, Message: "it is too late: the money is about to move", Extra: map[string]any{"code": "too_late"}}
	case errors.As(err, &underWay):
		o := underWay.Operation
		return &web.Error{Status: http.StatusConflict, Message: underWay.Error(), Extra: map[string]any{
			"code": "under_way", "under_way": showOperation(o), "by": o.Actor, "by_name": o.ActorName, "at": o.OpenedAt,
		}}
	case errors.As(err, &refusal) && refusal.Code == payment.NotRequested:
		return web.NotFound("There is no such payment.")
	case errors.As(err, &refusal):
		extra := map[string]any{"code": refusal.Code}
		if refusal.Stood != "" {
			extra["stood"], extra["by"], extra["by_name"], extra["at"] = refusal.Stood, refusal.By, refusal.ByName, refusal.At
		}
		return &web.Error{Status: http.StatusConflict, Message: refusal.Error(), Extra: extra}
	}
	return err
}
