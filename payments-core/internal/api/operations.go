package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// callJSON is an operation as operators see it.
type callJSON struct {
	operationJSON
	ID         int64  `json:"id"`
	PaymentID  string `json:"payment_id"`
	Final      bool   `json:"final"`
	HandledBy  string `json:"handled_by,omitempty"`
	HandledWhy string `json:"handled_why,omitempty"`
}

func showCall(o operations.Operation) callJSON {
	return callJSON{operationJSON: showOperation(o), ID: o.ID, PaymentID: o.PaymentID, Final: o.Final, HandledBy: o.Handled.By, HandledWhy: o.Handled.Why}
}

func showCalls(list []operations.Operation) []callJSON {
	return pg.Column(list, showCall)
}

// listOperations answers with what is open.
func (a *API) listOperations(c echo.Context) error {
	after, err := strconv.ParseInt(cmp.Or(c.QueryParam("after"), "0"), 10, 64)
	if err != nil {
		return web.Unprocessable("after is no number.")
	}
	part := operations.Part(c.QueryParam("part"))
	if part != operations.All && part != operations.Stuck && part != operations.Asked {
		return web.Unprocessable("part is stuck or unknown, or is left out.")
	}
	open, more, err := a.service.OpenOnes(c.Request().Context(), part, after)
	if err != nil {
		return answerable(err)
	}
	return c.JSON(http.StatusOK, map[string]any{"operations": showCalls(open), "more": more})
}

// keyOnly is what can be an operation's key.
var keyOnly = regexp.MustCompile(`^[0-9a-f-]{36}:[a-z]+:[0-9]{1,9}$`)

// showOperations answers with an operation, by its key, and all of its payment.
func (a *API) showOperations(c echo.Context) error {
	if !keyOnly.MatchString(c.Param("id")) {
		return answerable(operations.ErrNoOperation)
	}
	history, err := a.service.Around(c.Request().Context(), c.Param("id"))
	if err != nil {
		return answerable(err)
	}
	shown := struct {
		Key        string     `json:"key"`
		Operations []callJSON `json:"operations"`
		NextCall   *time.Time `json:"next_call"`
	}{Key: c.Param("id"), Operations: showCalls(history)}
	for _, o := range history {
		if o.Key != shown.Key || o.State != operations.Open || o.Stuck() {
			continue
		}
		next, err := a.service.NextCall(c.Request().Context(), o)
		if err != nil {
			return answerable(err)
		}
		if !next.IsZero() {
			shown.NextCall = &next
		}
	}
	return c.JSON(http.StatusOK, shown)
}

// handlingJSON is the body of a retry, besides its actor.
type handlingJSON struct {
	Why string `json:"why"`
}

// Check refuses a retry that does not say why.
func (h *handlingJSON) Check() error { return operations.Handling{By: "somebody", Why: h.Why}.Check() }

// settlementJSON is the body of a settlement, besides its actor.
type settlementJSON struct {
	Why       string           `json:"why"`
	Outcome   operations.State `json:"outcome"`
	Reference string           `json:"reference"`
}

// Check refuses a settlement that does not say why, or how it came out.
func (s *settlementJSON) Check() error {
	if s.Outcome != operations.Succeeded && s.Outcome != operations.Failed {
		return errors.New("outcome: say succeeded or failed")
	}
	return cmp.Or(api.Text("reference", s.Reference, payment.MaxText), (&handlingJSON{s.Why}).Check())
}

func handledBy(a api.Actor, why string) operations.Handling {
	return operations.Handling{By: cmp.Or(a.Name, a.ID), Why: why}
}

// retry has the gateway asked again.
func (a *API) retry(ctx context.Context, tx *pg.Tx, r api.Request[handlingJSON]) (api.Answer, error) {
	if !keyOnly.MatchString(r.ID) {
		return api.Answer{}, operations.ErrNoOperation
	}
	key, err := a.service.Retry(ctx, tx, r.ID, handledBy(r.Actor, r.Body.Why))
	if err != nil {
		return api.Answer{}, err
	}
	return api.Give(http.StatusOK, map[string]string{"key": r.ID, "asked_as": key})
}

// settle records how a stuck operation came out.
func (a *API) settle(ctx context.Context, tx *pg.Tx, r api.Request[settlementJSON]) (api.Answer, error) {
	if !keyOnly.MatchString(r.ID) {
		return api.Answer{}, operations.ErrNoOperation
	}
	as := operations.Settlement{Succeeded: r.Body.Outcome == operations.Succeeded, Reference: r.Body.Reference}
	if err := a.service.Settle(ctx, tx, r.ID, as, handledBy(r.Actor, r.Body.Why)); err != nil {
		return api.Answer{}, err
	}
	return api.Give(http.StatusOK, map[string]string{"key": r.ID})
}
