package pages

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/admission"
	"countersign.example/manager-ui/people"
	"countersign.example/pkg/api"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

var personView = web.NewView[personPage]("person")

// personPage is somebody with what admins may change about them.
type personPage struct {
	people.Person
	Href                     string
	List                     web.Link
	Seen                     string // what a press carries
	Mine                     bool   // it is the admin's own
	Manages                  bool   // they may accept payments
	Limited                  []people.Limit
	Steps                    []web.Step
	BlockForm                *web.Form
	Limit, Currency, Because web.Field // of the form of a limit
}

var errNobody = web.NotFound("There is no such person.")

func (h *handlers) showPerson(c echo.Context) error {
	return h.renderPerson(c, http.StatusOK, web.Message{}, web.NewForm(nil), web.NewForm(nil))
}

// renderPerson shows somebody, with the two forms as they were sent.
func (h *handlers) renderPerson(c echo.Context, status int, message web.Message, block, limit *web.Form) error {
	if !api.IsID(c.Param("id")) {
		return errNobody
	}
	p, revision, err := h.histories.Person(c.Request().Context(), c.Param("id"))
	switch {
	case err != nil:
		return err
	case !p.Exists():
		return errNobody
	}
	id := c.Param("id")
	page := personPage{
		Person: p, Href: personPath(c), List: web.BackLink(c, "People", peoplePath), Seen: cmp.Or(block.Value("seen"), limit.Value("seen"), admission.Seen(p)),
		Mine: p.ID == web.PersonOf(c).ID, Manages: slices.Contains(p.ByManagers.Roles, string(rights.Manager)), BlockForm: block,
	}
	if message.Text != "" { // it may be about what has changed meanwhile, which is shown now
		page.Seen = admission.Seen(p)
	}
	for _, currency := range slices.Sorted(maps.Keys(p.Limits)) {
		page.Limited = append(page.Limited, p.Limits[currency])
	}
	for _, e := range p.Changes {
		page.Steps = append(page.Steps, web.StepOf(people.ChangeText(e, locale.Amount), e, true))
	}
	currencies := make([]web.Choice, 0, len(money.Currencies()))
	for _, code := range money.Currencies() {
		currencies = append(currencies, web.Choice{Value: code, Label: code})
	}
	page.Limit = limit.Field("limit", "May accept up to").Decimal().Hint("Empty for no limit in this currency. Whoever has a limit in one currency may accept in no other.")
	page.Currency = limit.Field("currency", "Currency").Need().Select(currencies)
	page.Because = limit.Field("why", "Reason").Need().Area(2)
	now := "Changed"
	if p.Block.Done() {
		now = "Blocked"
	}
	return personView.Render(c, status, web.Page{
		Title: p.Name, Nav: "people", Subject: people.Stream(id), Revision: revision, Now: now, Back: page.List.Href, Message: message,
	}, page)
}

func backToPerson(c echo.Context) error { return web.Redirect(c, personPath(c)) }

// personPath is the page of the person whom the address names.
func personPath(c echo.Context) string { return peoplePath + "/" + url.PathEscape(c.Param("id")) }

func (h *handlers) blockPerson(c echo.Context) error {
	return h.sendBlock(c, "blocked", h.admission.Block)
}

func (h *handlers) unblockPerson(c echo.Context) error {
	return h.sendBlock(c, "unblocked", h.admission.Unblock)
}

func (h *handlers) sendBlock(c echo.Context, done string, send func(ctx context.Context, id, reason, seen string) (people.Person, error)) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	show := func(m web.Message) error {
		return h.renderPerson(c, statusOf(form, m), m, form, web.NewForm(nil))
	}
	if !form.OK() {
		return show(web.Message{})
	}
	p, err := send(c.Request().Context(), c.Param("id"), form.Value("reason"), form.Value("seen"))
	if err != nil {
		return admissionRefused(err, "Not "+done, form, "reason", show)
	}
	h.sessions.LogSecurity(c, web.Blocked, web.PersonOf(c).ID, slog.String("of", p.ID), slog.String("what", done))
	web.Flash(c, web.Good, p.Name+" is "+done+".")
	return web.Redirect(c, personPath(c))
}

func (h *handlers) limitPerson(c echo.Context) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	show := func(m web.Message) error {
		return h.renderPerson(c, statusOf(form, m), m, web.NewForm(nil), form)
	}
	limit := money.Amount{Currency: form.Value("currency")}
	if form.Value("limit") != "" {
		read, err := form.Amount(form.Value("limit"), limit.Currency)
		if err != nil {
			form.Fail("limit", err.Error())
			form.OfferAmounts("limit", money.ReadingsOf(err))
		}
		limit = read
	} else if !money.IsKnown(limit.Currency) {
		form.Fail("currency", "Choose a currency from the list.")
	}
	if !form.OK() {
		return show(web.Message{})
	}
	p, err := h.admission.Limit(c.Request().Context(), c.Param("id"), limit, form.Value("why"), form.Value("seen"))
	if err != nil {
		return admissionRefused(err, "Not changed", form, "why", show)
	}
	said := limit.String()
	if limit.Minor == 0 {
		said = "none in " + limit.Currency
	}
	h.sessions.LogSecurity(c, web.RightsChanged, web.PersonOf(c).ID, slog.String("of", p.ID), slog.String("limit", said))
	web.Flash(c, web.Good, "Saved: what "+p.Name+" may accept.")
	return web.Redirect(c, personPath(c))
}

// statusOf is that of a form that is shown again.
func statusOf(form *web.Form, m web.Message) int {
	if m.Text != "" {
		return http.StatusConflict
	}
	return form.Status()
}

// admissionRefused answers what the rules do not allow, beside the field that it is about. reason is the name
// of the field with the reason.
func admissionRefused(err error, title string, form *web.Form, reason string, show func(web.Message) error) error {
	refusal, is := errors.AsType[*people.Refusal](err)
	switch {
	case !is:
		return err
	case refusal.Code == people.Unknown:
		return errNobody
	case refusal.Code != people.Invalid:
		return show(web.Message{Tone: web.Warning, Title: title, Text: refusal.Message, Typed: form.Value(reason)})
	case refusal.Field == "reason":
		form.Fail(reason, refusal.Message)
	default:
		form.Fail(refusal.Field, refusal.Message)
	}
	return show(web.Message{})
}
