package pages

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
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
	Supersedes                             string // the payment asked for again
	Problem                                string // with the form as a whole
	Amount, Currency, Description, Capture web.Field
}

func newRequestPage(f *web.Form) requestPage {
	currencies := make([]web.Choice, 0, len(money.Currencies()))
	for _, code := range money.Currencies() {
		currencies = append(currencies, web.Choice{Value: code, Label: code})
	}
	return requestPage{
		PaymentID: f.Value(fieldPayment), Supersedes: f.Value(fieldSupersedes),
		Amount:   f.Field(fieldAmount, "Amount").Need().Decimal().Placeholder(locale.Input(money.Amount{Minor: 125000, Currency: "EUR"})).Autofocus(),
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

// requestForm shows the form. The payment's id is in the page's address, so that however a browser comes
// back to the page, sending it again makes no second payment.
func (h *handlers) requestForm(c echo.Context) error {
	supersedes := c.QueryParam(fieldSupersedes)
	values := map[string]string{fieldCapture: string(payment.Automatic), fieldCurrency: money.Currencies()[0]}
	if supersedes != "" {
		p, err := h.paymentToAskAgain(c, supersedes)
		if refusal := refusalOf(err); refusal != nil {
			return refuseAskingAgain(c, supersedes, refusal)
		}
		if err != nil {
			return err
		}
		if p.OrderID != "" { // its order says how much, and whether it can still be paid
			return web.Redirect(c, orderPath(p.OrderID))
		}
		values = map[string]string{
			fieldAmount: locale.Input(p.Amount), fieldCurrency: p.Amount.Currency, fieldDescription: p.Description,
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

// paymentToAskAgain reads the contractor's payment that is to be asked for again, or a refusal.
func (h *handlers) paymentToAskAgain(c echo.Context, id string) (payment.Payment, error) {
	ctx, contractor := c.Request().Context(), web.PersonOf(c).ID
	if _, err := idOf(id); err != nil {
		return payment.Payment{}, err
	}
	p, err := h.ownPayment(ctx, id, contractor)
	if err != nil {
		return payment.Payment{}, err
	}
	return p.Payment, p.CanAskAgain(contractor)
}

// refuseAskingAgain leads back to the payment, whose page links the one that asks again, if there is one.
func refuseAskingAgain(c echo.Context, id string, refusal *payment.Refusal) error {
	web.Flash(c, web.Warning, "Not asked again: "+refusal.Error()+".")
	return web.Redirect(c, paymentPath(id))
}

// requestPayment asks for the payment that the form describes, unless the form has done so before.
func (h *handlers) requestPayment(c echo.Context) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	wanted := readRequest(form, web.PersonOf(c).ID)
	if !form.OK() {
		return renderRequest(c, form.Status(), newRequestPage(form))
	}
	command := h.payments.Request
	if wanted.Supersedes != "" {
		command = h.payments.AskAgain
	}
	asked, made, err := command(c.Request().Context(), wanted)
	var other payments.OtherRequest
	// If the form was sent before with other contents, these ask for a payment of their own, which is one
	// however often they are sent.
	if errors.As(err, &other) {
		wanted.PaymentID = anotherID(wanted)
		asked, made, err = command(c.Request().Context(), wanted)
	}
	refusal := refusalOf(err)
	switch {
	case err == nil:
		if made {
			web.Tell(c, askedFor(asked))
		}
		if made && other.Payment.Exists() {
			web.Tell(c, web.Message{
				Tone: web.Info, Text: fmt.Sprintf("You have asked for %s before, with the same form:", locale.Amount(other.Payment.Amount)),
				About: paymentLink(other.Payment.ID, other.Payment.Reference, other.Payment.Description),
			})
		}
		return web.Redirect(c, paymentPath(wanted.PaymentID))
	case errors.Is(err, payments.ErrNoPayment):
		return errNoPayment
	case errors.Is(err, payments.ErrForOrder):
		web.Flash(c, web.Warning, "Not asked again: that is done on the page of its order.")
		return web.Redirect(c, paymentPath(wanted.Supersedes))
	case refusal == nil:
		return err
	case refusal.Code == payment.NotRequested || refusal.Code == payment.NotYours:
		return errNoPayment
	case refusal.Code != payment.Invalid:
		return refuseAskingAgain(c, wanted.Supersedes, refusal)
	}
	page := newRequestPage(failField(form, refusal))
	if refusal.Field == fieldPayment {
		page.Problem = refusal.Message
	}
	return renderRequest(c, http.StatusUnprocessableEntity, page)
}

// anotherID is the id of the payment that a form asks for which was sent before with other contents. It
// follows from the contents.
func anotherID(wanted payment.Requested) string {
	form := uuid.MustParse(wanted.PaymentID) // which a payment has
	if kept, err := payment.NewRequest(wanted); err == nil {
		wanted = kept // what comes to the same request is the same payment
	}
	return uuid.NewSHA1(form, fmt.Append(nil, wanted.Amount, wanted.CaptureMethod, wanted.Supersedes, wanted.Description)).String()
}

// askedFor tells that a payment was asked for.
func askedFor(wanted payment.Requested) web.Message {
	return web.Message{
		Tone: web.Good, Text: fmt.Sprintf("You asked for %s. It waits for a manager.", locale.Amount(wanted.Amount)),
		About: paymentLink(wanted.PaymentID, wanted.Reference, wanted.Description),
	}
}

// paymentLink leads to a payment by its reference and what it is for.
func paymentLink(id, reference, words string) *web.Link {
	return &web.Link{Label: paymentview.Titled(reference, clip(words, 60)), Href: paymentPath(id)}
}

// readRequest reads what the form asks for. Where the form cannot be sent as it is, every field that is wrong
// has a message.
func readRequest(form *web.Form, contractor string) payment.Requested {
	wanted := payment.Requested{
		PaymentID: form.Value(fieldPayment), ContractorID: contractor, Description: form.Value(fieldDescription),
		Supersedes: form.Value(fieldSupersedes), CaptureMethod: payment.CaptureMethod(form.Value(fieldCapture)),
	}
	var err error
	if wanted.Amount, err = form.Amount(form.Value(fieldAmount), form.Value(fieldCurrency)); err != nil {
		field := fieldAmount
		if money.ProblemOf(err) == money.UnknownCurrency {
			field = fieldCurrency
		}
		form.Fail(field, err.Error())
		form.OfferAmounts(field, money.ReadingsOf(err))
		wanted.Amount = money.Amount{Minor: 1, Currency: money.Currencies()[0]} // its message stands already
	}
	if form.OK() {
		return wanted // payments.Service checks it
	}
	_, err = payment.NewRequest(wanted)
	if refusal := refusalOf(err); refusal != nil && refusal.Field != fieldPayment && refusal.Field != fieldSupersedes {
		failField(form, refusal)
	}
	return wanted
}

// failField puts a refusal's message beside the field it is about.
func failField(form *web.Form, refusal *payment.Refusal) *web.Form {
	field := refusal.Field
	if field == "capture_method" {
		field = fieldCapture
	}
	form.Fail(field, refusal.Message)
	return form
}
