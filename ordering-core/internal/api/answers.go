package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/ordering-core/internal/orders"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/api"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

// actJSON is who did something, and when.
type actJSON struct {
	At     time.Time `json:"at"`
	By     string    `json:"by,omitempty"`
	ByName string    `json:"by_name,omitempty"`
}

func showAct(a order.Act) *actJSON {
	if !a.Done() {
		return nil
	}
	return &actJSON{a.At, a.By, a.ByName}
}

// lineJSON is a line of an order.
type lineJSON struct {
	ProductID string       `json:"product_id"`
	SKU       string       `json:"sku"`
	Name      string       `json:"name"`
	Price     money.Amount `json:"price"`
	Quantity  int64        `json:"quantity"`
	Total     money.Amount `json:"total"`
}

// refusedJSON is a payment that this order could not use.
type refusedJSON struct {
	PaymentID string    `json:"payment_id"`
	Reason    string    `json:"reason"`
	At        time.Time `json:"at"`
}

// orderJSON is an order as callers see it.
type orderJSON struct {
	OrderID         string        `json:"order_id"`
	Sequence        int64         `json:"sequence"`
	Number          string        `json:"number,omitempty"`
	State           order.State   `json:"state"`
	ContractorID    string        `json:"contractor_id"`
	ContractorName  string        `json:"contractor_name,omitempty"`
	CustomerID      string        `json:"customer_id,omitempty"`
	CustomerName    string        `json:"customer_name,omitempty"`
	Lines           []lineJSON    `json:"lines"`
	BasisPoints     int64         `json:"basis_points"`
	Subtotal        *money.Amount `json:"subtotal,omitempty"` // nothing before the first line
	Total           *money.Amount `json:"total,omitempty"`
	ExpiresAt       *time.Time    `json:"expires_at,omitempty"`
	Drafted         *actJSON      `json:"drafted"`
	Submitted       *actJSON      `json:"submitted,omitempty"`
	Paid            *actJSON      `json:"paid,omitempty"`
	Expired         *actJSON      `json:"expired,omitempty"`
	Cancelled       *actJSON      `json:"cancelled,omitempty"`
	Reason          string        `json:"reason,omitempty"` // of its expiry or cancellation
	PaidBy          string        `json:"paid_by,omitempty"`
	RefusedPayments []refusedJSON `json:"refused_payments,omitempty"`
	UpdatedAt       time.Time     `json:"updated_at"`
}

func showOrder(o order.Order) orderJSON {
	shown := orderJSON{
		OrderID: o.ID, Sequence: o.Sequence, Number: o.Number, State: o.State,
		ContractorID: o.ContractorID, ContractorName: o.ContractorName, CustomerID: o.CustomerID, CustomerName: o.CustomerName,
		Lines: make([]lineJSON, len(o.Lines)), BasisPoints: o.BasisPoints,
		Drafted: showAct(o.Drafted), Submitted: showAct(o.Submitted), Paid: showAct(o.Paid), Expired: showAct(o.Expired),
		Cancelled: showAct(o.Cancelled), Reason: o.Reason, PaidBy: o.PaidBy, UpdatedAt: o.UpdatedAt,
	}
	for i, l := range o.Lines {
		shown.Lines[i] = lineJSON(l)
	}
	if len(o.Lines) > 0 {
		shown.Subtotal, shown.Total = &o.Subtotal, &o.Total
	}
	if !o.ExpiresAt.IsZero() {
		shown.ExpiresAt = &o.ExpiresAt
	}
	for _, refused := range o.Refused {
		shown.RefusedPayments = append(shown.RefusedPayments, refusedJSON(refused))
	}
	return shown
}

func (a *API) show(c echo.Context) error {
	if !api.IsID(c.Param("id")) {
		return explain(orders.ErrNoOrder)
	}
	of, err := api.Contractor(c)
	if err != nil {
		return err
	}
	o, err := a.orders.Get(c.Request().Context(), c.Param("id"))
	if err == nil && of != "" && of != o.ContractorID {
		err = orders.ErrNoOrder
	}
	if err != nil {
		return explain(err)
	}
	return c.JSON(http.StatusOK, showOrder(o))
}

// changeJSON is something that happened since the version that a person saw.
type changeJSON struct {
	Sequence int64     `json:"sequence"`
	Type     string    `json:"type"`
	At       time.Time `json:"at"`
	ByName   string    `json:"by_name,omitempty"`
	Words    string    `json:"words"`
}

// explain gives an error its status, and what a page shows about it.
func explain(err error) error {
	var stale *orders.StaleError
	var refusal *order.Refusal
	switch {
	case errors.Is(err, orders.ErrNoOrder), errors.As(err, &refusal) && refusal.Code == order.NotDrafted:
		return web.NotFound("There is no such order.")
	case errors.Is(err, orders.ErrNoProduct):
		return invalid("product_id", "There is no such product. Choose one from the list.")
	case errors.Is(err, orders.ErrNoCustomer):
		return invalid("customer_id", "There is no such customer. Choose one from the list.")
	case errors.Is(err, orders.ErrDrafted):
		extra := map[string]any{"code": "exists"}
		return &web.Error{Status: http.StatusConflict, Message: "There is an order with this id already.", Extra: extra}
	case errors.As(err, &stale):
		changes := make([]changeJSON, len(stale.Changes))
		for i, step := range stale.Changes {
			e := step.Entry
			changes[i] = changeJSON{e.Sequence, e.Type, e.Time, e.ActorName, locale.English.Write(orderview.StepText(step))}
		}
		return &web.Error{Status: http.StatusConflict, Message: stale.Error(), Extra: map[string]any{
			"code": order.StaleVersion, "sequence": stale.Sequence, "changes": changes, "changes_count": stale.Count,
		}}
	case errors.As(err, &refusal) && refusal.Code == order.Invalid:
		return invalid(refusal.Field, refusal.Error())
	case errors.As(err, &refusal):
		extra := map[string]any{"code": refusal.Code}
		if refusal.Stood != "" {
			extra["stood"], extra["by"], extra["by_name"], extra["at"] = refusal.Stood, refusal.By, refusal.ByName, refusal.At
		}
		if refusal.Code == order.TotalDiffers {
			extra["seen"], extra["now"] = refusal.Seen, refusal.Now
		}
		if refusal.Field != "" {
			extra["field"] = refusal.Field
		}
		return &web.Error{Status: http.StatusConflict, Message: refusal.Error(), Extra: extra}
	}
	return err
}

// invalid refuses what was typed wrong.
func invalid(field, message string) error {
	extra := map[string]any{"code": order.Invalid, "field": field}
	return &web.Error{Status: http.StatusUnprocessableEntity, Message: message, Extra: extra}
}
