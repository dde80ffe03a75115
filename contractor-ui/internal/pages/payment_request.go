package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// The form's fields.
const (
	fieldPayment     = "payment_id" // hidden: makes sending it twice one payment
	fieldSupersedes  = "supersedes" // hidden: the payment asked for again
	fieldAmount      = "amount"
	fieldCurrency    = "currency"
	fieldDescription = "description"
	fieldCapture     = "capture"
)

// requestPage is the form that asks for a payment.
type requestPage struct {
	PaymentID                              string
	Supersedes                             string    // the payment asked for again
	Asked                                  *web.Link // a payment that this very form has made already
	Problem                                string    // with the form as a whole
	Amount, Currency, Description, Capture web.Field
}

func newRequestPage(f *web.Form) requestPage {
	currencies := make([]web.Choice, 0, len(money.Currencies()))
	for _, code := range money.Currencies() {
		currencies = append(currencies, web.Choice{Value: code, Label: code})
	}
	return requestPage{
		PaymentID: f.Value(fieldPayment), Supersedes: f.Value(fieldSupersedes),
		Amount:   f.Field(fieldAmount, "Amount").Need().Decimal().Placeholder("1250.00").Autofocus(),
		Currency: f.Field(fieldCurrency, "Currency").Need().Select(currencies),
		Description: f.Field(fieldDescription, "Description").Need().Area(4).
			Hint("What the payment is for: the manager reads this."),
		Capture: captureField(f),
	}
}

func captureField(f *web.Form) web.Field {
	return f.Field(fieldCapture, "Capture").Select([]web.Choice{
		{Value: string(payment.Automatic), Label: "Automatic, once accepted"},
		{Value: string(payment.Manual), Label: "By a manager, after a hold"},
	}).Hint("Capture is when money that is on hold is paid out to you.")
}

func renderRequest(c echo.Context, status int, page requestPage) error {
	title := "Request new payment"
	if page.Supersedes != "" {
		title = "Ask again"
	}
	return requestView.Render(c, status, web.Page{Title: title, Nav: "payments"}, page)
}

// form shows the form. The payment's id is in the page's address, so that however a browser comes
// back to the page, sending it again makes no second payment.
func (h *Handlers) form(c echo.Context) error {
	supersedes := c.QueryParam(fieldSupersedes)
	values := map[string]string{fieldCapture: string(payment.Automatic), fieldCurrency: money.Currencies()[0]}
	if supersedes != "" {
		p, err := h.askedAgain(c, supersedes)
		if refusal := refusalOf(err); refusal != nil {
			return refuseAskingAgain(c, supersedes, refusal)
		}
		if err != nil {
			return err
		}
		if p.OrderID != "" { // its order says how much, and whether it can still be paid
			return web.Redirect(c, orderAddress(p.OrderID))
		}
		values = map[string]string{
			fieldAmount: p.Amount.Decimal(), fieldCurrency: p.Amount.Currency, fieldDescription: p.Description,
			fieldCapture: string(p.CaptureMethod), fieldSupersedes: p.ID,
		}
	}
	id := c.QueryParam("id")
	if id == "" {
		return web.Redirect(c, web.Address("/payments/new", map[string]string{"id": event.NewID().String(), fieldSupersedes: supersedes}))
	}
	if _, err := idOf(id); err != nil {
		return err
	}
	values[fieldPayment] = id
	return renderRequest(c, http.StatusOK, newRequestPage(web.NewForm(values)))
}

// askedAgain reads the contractor's payment that is to be asked for again, or a refusal.
func (h *Handlers) askedAgain(c echo.Context, id string) (payment.Payment, error) {
	ctx, contractor := c.Request().Context(), web.PersonOf(c).ID
	if _, err := idOf(id); err != nil {
		return payment.Payment{}, err
	}
	stream, err := h.Journal.Read(ctx, payment.Stream(id))
	if err != nil {
		return payment.Payment{}, err
	}
	p, _, err := own(stream, contractor)
	if err != nil {
		return p, err
	}
	if p.SupersededBy, err = readmodel.SupersededBy(ctx, h.DB.Pool(), id); err != nil {
		return p, err
	}
	return p, p.CanAskAgain(contractor)
}

// refuseAskingAgain leads back to the payment, whose page links the one that asks again, if there is one.
func refuseAskingAgain(c echo.Context, id string, refusal *payment.Refusal) error {
	web.Flash(c, web.Warning, "Not asked again: "+refusal.Error()+".")
	return web.Redirect(c, address(id))
}

// errOtherContents says that the form has made a payment, with other contents than now.
var errOtherContents = errors.New("this form has made another payment")

// request writes payment_requested, unless this form has done so.
func (h *Handlers) request(c echo.Context) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	wanted := requestOf(form, web.PersonOf(c).ID)
	if !form.OK() {
		return renderRequest(c, form.Status(), newRequestPage(form))
	}
	var asked payment.Payment // what the form has made before
	err = h.DB.InTx(c.Request().Context(), func(tx *pg.Tx) error {
		asked, err = h.write(c.Request().Context(), tx, wanted)
		return err
	})
	refusal := refusalOf(err)
	switch {
	case err == nil:
		web.Flash(c, web.Good, fmt.Sprintf("You asked for %s. It waits for a manager.", wanted.Amount))
		return web.Redirect(c, address(wanted.PaymentID))
	case errors.Is(err, errAskedBefore):
		return web.Redirect(c, address(wanted.PaymentID))
	case errors.Is(err, errOtherContents):
		page := newRequestPage(form)
		page.PaymentID = event.NewID().String()
		page.Asked = &web.Link{Label: fmt.Sprintf("%s for “%s”", asked.Amount, clip(asked.Description, 60)), Href: address(asked.ID)}
		return renderRequest(c, http.StatusUnprocessableEntity, page)
	case errors.Is(err, readmodel.ErrSuperseded):
		return refuseAskingAgain(c, wanted.Supersedes, &payment.Refusal{Code: payment.AlreadyAsked, Tried: payment.TypeRequested})
	case errors.Is(err, errForOrder):
		web.Flash(c, web.Warning, "Not asked again: that is done on the page of its order.")
		return web.Redirect(c, address(wanted.Supersedes))
	case refusal == nil:
		return err
	case refusal.Code == payment.NotRequested || refusal.Code == payment.NotYours:
		return errNoPayment
	case refusal.Code != payment.Invalid:
		return refuseAskingAgain(c, wanted.Supersedes, refusal)
	}
	page := newRequestPage(failed(form, refusal))
	if refusal.Field == "payment_id" || refusal.Field == "supersedes" {
		page.Problem = refusal.Message
	}
	return renderRequest(c, http.StatusUnprocessableEntity, page)
}

// requestOf reads what the form asks for, and puts a message beside every field that is wrong.
func requestOf(form *web.Form, contractor string) payment.Requested {
	wanted := payment.Requested{
		PaymentID: form.Value(fieldPayment), ContractorID: contractor, Description: form.Value(fieldDescription),
		Supersedes: form.Value(fieldSupersedes), CaptureMethod: payment.CaptureMethod(form.Value(fieldCapture)),
	}
	amount, err := money.Parse(form.Value(fieldAmount), form.Value(fieldCurrency))
	if err != nil {
		field := fieldAmount
		if money.ProblemOf(err) == money.UnknownCurrency {
			field = fieldCurrency
		}
		form.Fail(field, err.Error())
		form.OfferAmounts(field, money.ReadingsOf(err))
	}
	wanted.Amount = amount
	checked := wanted
	if err != nil {
		checked.Amount = money.Amount{Minor: 1, Currency: money.Currencies()[0]} // its message stands already
	}
	valid, err := payment.NewRequest(checked)
	if refusal := refusalOf(err); refusal != nil && refusal.Field != "payment_id" && refusal.Field != "supersedes" {
		failed(form, refusal)
		return wanted
	}
	wanted.Description, wanted.CaptureMethod = valid.Description, valid.CaptureMethod
	return wanted
}

// failed puts a refusal's message beside the field it is about.
func failed(form *web.Form, refusal *payment.Refusal) *web.Form {
	field := refusal.Field
	if field == "capture_method" {
		field = fieldCapture
	}
	form.Fail(field, refusal.Message)
	return form
}

// errForOrder says that a payment is for an order, which alone says how much is to be paid.
var errForOrder = errors.New("this payment is for an order")

// errAskedBefore says that this form has made this very payment.
var errAskedBefore = errors.New("this form has made this payment")

// write appends the request under the locks of its stream and of the one it supersedes. With
// errOtherContents it returns the payment that there is.
func (h *Handlers) write(ctx context.Context, tx *pg.Tx, wanted payment.Requested) (payment.Payment, error) {
	if _, err := idOf(wanted.PaymentID); err != nil { // the domain's own words for it
		_, err := payment.NewRequest(wanted)
		return payment.Payment{}, err
	}
	ids := []string{payment.Stream(wanted.PaymentID)}
	if wanted.Supersedes != "" {
		if _, err := uuid.Parse(wanted.Supersedes); err != nil {
			return payment.Payment{}, errNoPayment
		}
		ids = append(ids, payment.Stream(wanted.Supersedes))
	}
	streams, err := h.Journal.Load(ctx, tx, ids...)
	if err != nil {
		return payment.Payment{}, err
	}
	stream := streams[ids[0]]
	if len(stream.Records) > 0 {
		return before(stream, wanted)
	}
	var body payment.Requested
	if wanted.Supersedes == "" {
		body, err = payment.NewRequest(wanted)
	} else {
		body, err = askAgain(ctx, tx, streams[ids[1]], wanted)
	}
	if err != nil {
		return payment.Payment{}, err
	}
	return payment.Payment{}, h.append(ctx, tx, stream, body)
}

// before compares what is wanted with what the form has made.
func before(stream journal.Stream, wanted payment.Requested) (payment.Payment, error) {
	p, _, err := own(stream, wanted.ContractorID)
	if err != nil {
		return p, err
	}
	if p.Amount == wanted.Amount && p.Description == wanted.Description && p.CaptureMethod == wanted.CaptureMethod &&
		p.Supersedes == wanted.Supersedes {
		return p, errAskedBefore
	}
	return p, errOtherContents
}

// askAgain is the command on the payment that is asked for again.
func askAgain(ctx context.Context, tx *pg.Tx, stream journal.Stream, wanted payment.Requested) (payment.Requested, error) {
	p, _, err := own(stream, wanted.ContractorID)
	if err != nil {
		return wanted, err
	}
	if p.OrderID != "" {
		return wanted, errForOrder
	}
	if p.SupersededBy, err = readmodel.SupersededBy(ctx, tx, p.ID); err != nil {
		return wanted, err
	}
	return p.AskAgain(wanted)
}
