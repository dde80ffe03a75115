package pages

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/evidence"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// evidencePage is what proves a payment's events.
type evidencePage struct {
	payment.Payment
	Link     web.Link
	Verdict  web.Badge
	Pending  bool // there are events that the log has not confirmed
	Events   []provedEvent
	Download string
}

type provedEvent struct {
	evidence.Finding
	Text    string
	Verdict web.Badge
	Service string // that wrote it
	Reason  string // why it does not hold
}

var evidenceView = web.NewView[evidencePage]("evidence")

func evidencePath(id string) string { return paymentPath(id) + "/evidence" }

// showEvidence verifies the payment's events again, by the keys that this service trusts now.
func (h *handlers) showEvidence(c echo.Context) error {
	p, err := h.readPayment(c)
	if err != nil {
		return err
	}
	bundle, err := h.histories.Evidence(c.Request().Context(), p.ID, h.keys)
	if err != nil {
		return err
	}
	trust := h.keys.Trust()
	report, err := evidence.Check(bundle, payment.Events, &trust)
	if err != nil {
		return err
	}
	texts, pending := map[string]string{}, false
	for _, s := range p.Steps {
		texts[s.Entry.ID.String()] = paymentview.StepText(s)
		pending = pending || !s.Entry.Confirmed
	}
	back := web.Address(paymentPath(p.ID), map[string]string{"back": web.Back(c, paymentsPath)})
	page := evidencePage{
		Payment: p.Payment, Link: web.Link{Label: paymentview.Titled(p.Reference, "Payment"), Href: back}, Pending: pending,
		Verdict: web.Badge{Tone: web.Good, Text: "Verified"}, Download: evidencePath(p.ID) + ".json",
	}
	if len(report.Findings) == 0 {
		page.Verdict = web.Badge{Tone: web.Waiting, Text: "Not confirmed yet"}
	}
	for _, f := range report.Findings {
		e := provedEvent{Finding: f, Text: text.Capital(texts[f.Attributes["id"]]), Service: strings.TrimPrefix(f.Writer(), "/"), Reason: text.Capital(f.Fault)}
		if e.Text == "" {
			e.Text = f.Type()
		}
		switch {
		case f.Verified:
			e.Verdict = web.Badge{Tone: web.Good, Text: "Verified"}
		case f.Unsigned:
			e.Verdict = web.Badge{Tone: web.Neutral, Text: "Not signed"}
			if report.Holds() {
				page.Verdict = web.Badge{Tone: web.Neutral, Text: "Partly signed"}
			}
		default:
			e.Verdict = web.Badge{Tone: web.Bad, Text: "Does not hold"}
			page.Verdict = e.Verdict
		}
		page.Events = append(page.Events, e)
	}
	return evidenceView.Render(c, http.StatusOK, web.Page{
		Title: paymentview.Titled(p.Reference, "Evidence"), Nav: "payments", Subject: payment.Stream(p.ID), Revision: p.Shown(), Now: page.Verdict.Text, Back: paymentsLink(c).Href,
	}, page)
}

// downloadEvidence answers with the bundle that countersign verify checks.
func (h *handlers) downloadEvidence(c echo.Context) error {
	p, err := h.readPayment(c)
	if err != nil {
		return err
	}
	bundle, err := h.histories.Evidence(c.Request().Context(), p.ID, h.keys)
	if err != nil {
		return err
	}
	if len(bundle.Events) == 0 {
		return web.NotFound("There is no evidence yet: the log has not confirmed this payment. Please try again in a moment.")
	}
	web.LogExport(c)
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "application/json")
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="evidence-%s.json"`, p.ID))
	header.Set("Cache-Control", "private, no-cache")
	c.Response().WriteHeader(http.StatusOK)
	return evidence.Write(c.Response(), bundle)
}
