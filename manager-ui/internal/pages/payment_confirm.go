package pages

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/signin"
	"countersign.example/pkg/web"
)

// confirmedFor is how long somebody decides about much once they have proved again who they are.
const confirmedFor = 5 * time.Minute

// mustConfirm leads whoever decides about much to prove again who they are, and keeps what they have typed
// for the page with the form.
func (h *handlers) mustConfirm(c echo.Context, d decision, form *web.Form) error {
	if len(h.stepUp) == 0 || h.sessions.HasConfirmed(c, confirmedFor) {
		return nil
	}
	p, err := h.readPayment(c)
	if err != nil {
		return err
	}
	above := money.Amount{Minor: h.stepUp[p.Amount.Currency], Currency: p.Amount.Currency}
	// What is decided already is refused with words.
	if p.Amount.Minor <= above.Minor || p.Decision != payment.DecisionRequested {
		return nil
	}
	page := paymentPath(p.ID) + d.page
	h.sessions.Keep(c, page, map[string]string{d.field: form.Value(d.field)})
	return &web.Error{Status: http.StatusUnauthorized, Title: "Please confirm that it is you", Way: signin.ConfirmLink(page), Message: fmt.Sprintf(
		"This is about %s. Above %s, the sign-in service asks you again who you are before you decide. What you typed is kept.",
		locale.Amount(p.Amount), locale.Amount(above))}
}

// backText is for somebody who is back, be it without having confirmed.
func (h *handlers) backText(c echo.Context) string {
	const text = "Nothing is decided yet: press the button to go on."
	if h.sessions.HasConfirmed(c, confirmedFor) {
		return "You have confirmed who you are. " + text
	}
	return text
}
