package api

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// commandJSON is the body of a command, besides its actor.
type commandJSON struct {
	Reason string `json:"reason"` // of a release
}

// Check refuses what no event could carry.
func (c *commandJSON) Check() error { return api.Text("reason", c.Reason, payment.MaxText) }

// command opens an operation, which payments-core then carries out.
func (a *API) command(kind payment.OperationKind) echo.HandlerFunc {
	return api.Handle(a.commands, func(ctx context.Context, tx *pg.Tx, r api.Request[commandJSON]) (api.Answer, error) {
		o, err := a.service.Command(ctx, tx, r.ID, kind, text.Mend(r.Body.Reason))
		if err != nil {
			return api.Answer{}, err
		}
		answer, err := api.Give(http.StatusAccepted, map[string]any{"payment_id": r.ID, "operation": showOperation(o)})
		answer.Location = "/payments/" + r.ID
		return answer, err
	})
}

// reopenJSON is the body of the command that takes an acceptance back, besides its actor.
type reopenJSON struct {
	AcceptanceID string `json:"acceptance_id"` // of the event
}

// Check refuses what is no event's id.
func (r *reopenJSON) Check() error {
	if !api.IsID(r.AcceptanceID) {
		return web.BadRequest("acceptance_id: name the event payment_accepted that is taken back.")
	}
	return nil
}

// reopen takes a payment's acceptance back.
func (a *API) reopen() echo.HandlerFunc {
	return api.Handle(a.commands, func(ctx context.Context, tx *pg.Tx, r api.Request[reopenJSON]) (api.Answer, error) {
		if err := a.service.Reopen(ctx, tx, r.ID, r.Body.AcceptanceID); err != nil {
			return api.Answer{}, err
		}
		answer, err := api.Give(http.StatusOK, map[string]any{"payment_id": r.ID})
		answer.Location = "/payments/" + r.ID
		return answer, err
	})
}
