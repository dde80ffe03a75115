package pages

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/core"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/web"
)

const operationsPath = "/operations"

// operationHandled is what the security log tells of an operation that somebody retried or settled.
const operationHandled = "operation"

var (
	operationsView = web.NewView[operationsPage]("operations")
	operationView  = web.NewView[operationPage]("operation")
)

// operationsPage is the list of what is open at the gateway.
type operationsPage struct {
	Tabs  web.Tabs
	Away  bool // payments-core does not answer
	Rows  []operationRow
	Empty web.Empty
	Pager web.Pager
}

type operationRow struct {
	core.Operation
	Href, Payment string
	What          string
	Badge         web.Badge
}

// operationPage is an operation with all that was asked for its payment.
type operationPage struct {
	operationRow
	List     web.Link
	Stuck    bool
	Open     bool
	NextCall *time.Time
	All      []operationRow
	Key      string    // of the next press
	Why      web.Field // of a retry
	Because  web.Field // of a settlement, with the others
	Outcome  web.Field
	IsHold   bool // which has a reference
	Ref      web.Field
}

// operationWords are what is asked for, in words.
var operationWords = map[payment.OperationKind]string{
	payment.Authorize: "Put on hold", payment.Capture: "Capture", payment.Release: "Release the hold", payment.Refund: "Refund",
}

func newOperationRow(o core.Operation) operationRow {
	row := operationRow{Operation: o, Href: operationsPath + "/" + o.Key, Payment: paymentPath(o.PaymentID), What: operationWords[o.Kind]}
	switch {
	case o.State == "succeeded":
		row.Badge = web.Badge{Tone: web.Good, Text: "Done"}
	case o.State == "failed":
		row.Badge = web.Badge{Tone: web.Bad, Text: "Refused"}
	case o.StuckAt != nil:
		row.Badge = web.Badge{Tone: web.Bad, Text: "Stuck"}
	case o.Attempts > 0:
		row.Badge = web.Badge{Tone: web.Warning, Text: "Unknown"}
	default:
		row.Badge = web.Badge{Tone: web.Info, Text: "Open"}
	}
	return row
}

// listOperations shows what is open at the gateway, the oldest first.
func (h *handlers) listOperations(c echo.Context) error {
	part := c.QueryParam("tab")
	after, err := securityPlace(c.QueryParam("after"))
	if err != nil || after < 0 || part != "" && part != "stuck" && part != "unknown" {
		return web.NotFound("There is no such list.")
	}
	page := operationsPage{Pager: web.Pager{Summary: "The oldest first"}}
	for _, tab := range [][2]string{{"", "All that is open"}, {"stuck", "Stuck"}, {"unknown", "Unknown"}} {
		page.Tabs = append(page.Tabs, web.Tab{Label: tab[1], Href: web.Address(operationsPath, map[string]string{"tab": tab[0]}), Current: tab[0] == part})
	}
	open, err := h.core.Operations(c.Request().Context(), part, after)
	if err != nil {
		h.log.WarnContext(c.Request().Context(), "payments-core does not answer for its operations", "error", err)
		page.Away = true
	}
	for _, o := range open.Operations {
		page.Rows = append(page.Rows, newOperationRow(o))
	}
	if open.More {
		last := open.Operations[len(open.Operations)-1].ID
		page.Pager.Next = web.Address(operationsPath, map[string]string{"tab": part, "after": strconv.FormatInt(last, 10)})
	}
	if after > 0 {
		page.Pager.Previous = web.Address(operationsPath, map[string]string{"tab": part})
	}
	page.Empty = web.Empty{Title: "Nothing is open", Text: "The gateway has answered everything that it was asked."}
	if part != "" {
		page.Empty = web.Empty{Title: "Nothing here", Text: "Nothing that is open is like that.", Action: &web.Link{Label: "Show all that is open", Href: operationsPath}}
	}
	return operationsView.Render(c, http.StatusOK, web.Page{Title: "Gateway", Nav: "gateway"}, page)
}

var errNoOperation = web.NotFound("There is no such operation.")

func (h *handlers) showOperation(c echo.Context) error {
	return h.renderOperation(c, web.Message{}, web.NewForm(nil))
}

func (h *handlers) renderOperation(c echo.Context, message web.Message, form *web.Form) error {
	asked, err := h.core.Operation(c.Request().Context(), c.Param("id"))
	if err := h.notAnswered(c, LettersOf{Service: "payments-core"}, err, errNoOperation); err != nil {
		return err
	}
	page := operationPage{List: web.BackLink(c, "Gateway", operationsPath), NextCall: asked.NextCall, Key: newFormState(0).Key}
	for _, o := range asked.Operations {
		row := newOperationRow(o)
		page.All = append(page.All, row)
		if o.Key == c.Param("id") {
			page.operationRow, page.Open = row, o.State == "open"
			page.Stuck = page.Open && o.StuckAt != nil
		}
	}
	if page.Operation.Key == "" {
		return errNoOperation
	}
	page.Why = form.Field("why", "Reason").Need().Hint("It stays on record with your name.").Area(2)
	page.Because = form.Field("because", "Reason").Need().Hint("It stays on record with your name.").Area(2)
	outcomes := []web.Choice{{Label: "Choose"}, {Value: "succeeded", Label: "It was done"}}
	// Of a release or a refund that was not done, the money would stay for ever.
	if page.Kind == payment.Authorize || page.Kind == payment.Capture {
		outcomes = append(outcomes, web.Choice{Value: "failed", Label: "It was not done"})
	}
	page.IsHold = page.Kind == payment.Authorize
	page.Outcome = form.Field("outcome", "How it came out").Need().Select(outcomes)
	page.Ref = form.Field("reference", "The gateway’s reference").Hint("Needed if it was done: the hold is captured and released by it.")
	status := form.Status()
	if message.Text != "" {
		status = http.StatusConflict
	}
	return operationView.Render(c, status, web.Page{Title: page.What + " at the gateway", Nav: "gateway", Back: page.List.Href, Message: message}, page)
}

func (h *handlers) retryOperation(c echo.Context) error {
	return h.handleOperation(c, "retry", "why", func(form *web.Form) (string, error) {
		asked, err := h.core.Retry(c.Request().Context(), c.Param("id"), commandKey(form.Value("key"), form.Value("why")), form.Value("why"))
		switch asked {
		case "":
			return "It is given up: its order cannot use it any more.", err
		case c.Param("id"):
			return "The gateway is asked at once, with the same key.", err
		}
		return "The gateway is asked again, as " + asked + ".", err
	})
}

func (h *handlers) settleOperation(c echo.Context) error {
	return h.handleOperation(c, "settle", "because", func(form *web.Form) (string, error) {
		outcome, reference, why := form.Value("outcome"), form.Value("reference"), form.Value("because")
		key := commandKey(form.Value("key"), []string{outcome, reference, why})
		return "It is settled: the operation is closed.", h.core.Settle(c.Request().Context(), c.Param("id"), key, outcome, reference, why)
	})
}

// longestWhy is how long an operator's reason may be, in characters.
const longestWhy = 500

// handleOperation sends what an operator decides about an operation, with the reason in a field of the form.
func (h *handlers) handleOperation(c echo.Context, what, reason string, send func(form *web.Form) (done string, err error)) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	if badKey(form) {
		return web.BadRequest("This form is not complete. Please open the page again.")
	}
	switch why := form.Value(reason); {
	case why == "":
		form.Fail(reason, "Say why: it stays on record.")
	case len([]rune(why)) > longestWhy:
		form.Fail(reason, "Write 500 characters at most.")
	}
	if outcome := form.Value("outcome"); what == "settle" && outcome != "succeeded" && outcome != "failed" {
		form.Fail("outcome", "Say how it came out.")
	}
	if !form.OK() {
		return h.renderOperation(c, web.Message{}, form)
	}
	done, err := send(form)
	if err != nil {
		m, err := h.taskNotTaken(c, LettersOf{Service: "payments-core"}, err)
		if err != nil {
			return err
		}
		return h.renderOperation(c, m, form)
	}
	h.sessions.LogSecurity(c, operationHandled, web.PersonOf(c).ID, slog.String("action", what), slog.String("operation", c.Param("id")),
		slog.String("outcome", form.Value("outcome")), slog.String("why", form.Value(reason)))
	web.Flash(c, web.Good, done)
	return web.Redirect(c, operationsPath+"/"+c.Param("id"))
}

func backToOperation(c echo.Context) error {
	return web.Redirect(c, operationsPath+"/"+c.Param("id"))
}
