package pages

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// The fields of a draft's forms.
const (
	fieldKey        = "key" // hidden: makes sending a form twice one command
	fieldProduct    = "product_id"
	fieldCustomer   = "customer_id"
	fieldTypedName  = "name" // what was typed where nothing was chosen from the list
	fieldQuantity   = "quantity"
	fieldReason     = "reason"
	fieldSequence   = "sequence" // hidden: the version that the person saw
	fieldTotal      = "total"    // hidden: its total, in minor units
	fieldTotalMoney = "currency"
)

// The forms of an order's page.
const (
	formAdd      = "add"
	formCustomer = "customer"
	formSubmit   = "submit"
	formCancel   = "cancel"
	formPayment  = "payment"
)

func formLine(productID string) string     { return "line-" + productID }
func formQuantity(productID string) string { return "quantity-" + productID }

// formState is a form of an order's page as it was sent, kept to be shown again if it fails; zero if none was.
type formState struct {
	form    string // which
	values  *web.Form
	key     string // "" where sending it again is another command
	changes changes
	// customerGone is ordering-core's word that the draft's customer has been archived; the copy may be late.
	customerGone bool
}

// changes is what happened since the version that somebody decided about.
type changes struct {
	Not       string       // what was not done: "Not submitted"
	Changed   string       // what changed, as a clause; "" if nothing
	Seen, Now money.Amount // what the order came to then, and comes to now
	Meanwhile string       // how many changes there were
	Each      []string     // the latest changes, a sentence each
}

// keyOf is the key of a form on the page to come.
func (a formState) keyOf(form string) string {
	if a.form == form && a.key != "" {
		return a.key
	}
	return newKey()
}

func (a formState) valuesOf(form string, defaults map[string]string) (values *web.Form, typed bool) {
	if a.form == form && a.values != nil {
		return a.values, true
	}
	return web.NewForm(defaults), false
}

// draftPart is what can be done with a draft.
type draftPart struct {
	AddKey, CustomerKey        string
	AddTyped, CustomerTyped    bool // what was typed stays until the form is sent again
	Product, Customer          picker
	Quantity                   web.Field
	SubmitKey                  string
	Sequence                   int64
	Total                      money.Amount
	Missing                    string // what is to be done before it can be submitted
	PricesChanged, HasCustomer bool
	HasArchived                bool
	CustomerSubject            string // whose archiving changes the page
	CustomerRevision           int64
}

// newOrder shows a draft of which nothing is kept yet: it begins with the first thing that somebody adds.
// Its id is in the address, so that however a browser comes back to the page, it makes one order.
func (h *handlers) newOrder(c echo.Context) error {
	id := c.QueryParam("id")
	if id == "" {
		return web.Redirect(c, newOrderPath(newKey()))
	}
	if _, err := orderIDOf(id); err != nil {
		return err
	}
	state, err := h.stateOf(c, id)
	if err != nil {
		return err
	}
	if state != order.StateNone {
		return web.Redirect(c, orderPath(id))
	}
	return h.renderNewOrder(c, http.StatusOK, id, formState{})
}

func newOrderPath(id string) string {
	return web.Address("/orders/new", map[string]string{"id": id})
}

// stateOf is an order's state in the read model; none if it is not there. Somebody else's does not exist.
func (h *handlers) stateOf(c echo.Context, id string) (order.State, error) {
	o, err := h.histories.OrderAlone(c.Request().Context(), id)
	if err != nil {
		return order.StateNone, err
	}
	if o.Exists() && o.ContractorID != web.PersonOf(c).ID {
		return order.StateNone, errNoOrder
	}
	return o.State, nil
}

func (h *handlers) renderNewOrder(c echo.Context, status int, id string, tried formState) error {
	page := orderPage{ID: id, List: web.BackLink(c, "Orders", "/orders"), Title: "New order", NothingSeen: true}
	if err := h.addDraft(c, &page, order.Order{ID: id}, tried); err != nil {
		return err
	}
	return orderView.Render(c, status, web.Page{Title: page.Title, Nav: "orders", Subject: order.Stream(id)}, page)
}

// addDraft adds lines, totals and forms with today's prices, which submitting now would freeze.
func (h *handlers) addDraft(c echo.Context, page *orderPage, o order.Order, tried formState) error {
	ctx := c.Request().Context()
	prices, err := orderview.ReadPrices(ctx, h.db, o.Lines)
	if err != nil {
		return err
	}
	customer, err := orderview.Chosen(ctx, h.db, o.CustomerID)
	if err != nil {
		return err
	}
	draft := &draftPart{
		AddKey: tried.keyOf(formAdd), CustomerKey: tried.keyOf(formCustomer), SubmitKey: tried.keyOf(formSubmit),
		Sequence: o.Sequence, HasCustomer: o.CustomerID != "",
		CustomerSubject: catalog.CustomerStream(o.CustomerID), CustomerRevision: customer.Revision,
	}
	quoted, err := prices.Quote(o.Lines, o.BasisPoints)
	if err != nil {
		page.addFrozen(o)
		page.Totals = orderTotals{Problem: text.Capital(err.Error()) + "."}
	} else {
		for _, line := range quoted.Lines {
			shown := orderLine{
				ProductID: line.ProductID, SKU: line.SKU, Name: line.Name, Quantity: line.Quantity, Price: line.Price, Total: line.Total,
				Archived: line.Archived, Subject: catalog.ProductStream(line.ProductID), Revision: prices[line.ProductID].Revision,
			}
			if line.Was.Currency != "" && line.Was != line.Price {
				shown.Was, draft.PricesChanged = &line.Was, true
			}
			draft.HasArchived = draft.HasArchived || line.Archived
			page.Lines = append(page.Lines, shown)
		}
		if len(quoted.Lines) > 0 {
			page.Totals, draft.Total = totalsShown(quoted.Subtotal, quoted.Total, o.BasisPoints), quoted.Total
		}
	}
	for i := range page.Lines {
		page.Lines[i].addForms(tried)
	}
	isGone := customer.Archived || tried.customerGone
	draft.Missing = missing(len(o.Lines) > 0, o.CustomerID != "", draft.HasArchived, isGone)

	add, typed := tried.valuesOf(formAdd, map[string]string{fieldQuantity: "1"})
	draft.AddTyped = typed
	draft.Quantity = add.Field(fieldQuantity, "Quantity").Need().Decimal()
	if draft.Product, err = h.productPicker(ctx, add, c.QueryParam("product")); err != nil {
		return err
	}
	draft.Product.Focus = page.NothingSeen && tried.form == ""
	chosen, typed := tried.valuesOf(formCustomer, map[string]string{fieldCustomer: o.CustomerID, fieldTypedName: o.CustomerName})
	draft.CustomerTyped = typed
	if draft.Customer, err = h.customerPicker(ctx, chosen, c.QueryParam("customer")); err != nil {
		return err
	}
	if isGone && !typed {
		draft.Customer.Error = clip(o.CustomerName, shownText) + " has been archived. Choose another customer."
	}
	page.Draft = draft
	return nil
}

func (l *orderLine) addForms(tried formState) {
	form := formQuantity(l.ProductID)
	values, typed := tried.valuesOf(form, map[string]string{fieldQuantity: strconv.FormatInt(l.Quantity, 10)})
	l.Typed, l.Typing = typed, values.Field(fieldQuantity, "Quantity of "+l.Name)
	l.Key, l.QuantityKey = tried.keyOf(formLine(l.ProductID)), tried.keyOf(form)
}

// missing explains what is to be done before an order can be submitted.
func missing(line, customer, archived, customerGone bool) string {
	switch {
	case !line && !customer:
		return "Add a product and choose a customer to submit this order."
	case !line:
		return "Add a product to submit this order."
	case archived:
		return "Remove what is no longer offered to submit this order."
	case !customer:
		return "Choose a customer to submit this order."
	case customerGone:
		return "Choose another customer to submit this order."
	}
	return ""
}
