package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/oauth2"

	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

// confirming is the parameter of a sign-in by which somebody who is signed in proves again who they are.
const confirming = "confirm"

// ConfirmLink has the provider ask somebody again who they are, and leads back.
func ConfirmLink(to string) *web.Link {
	return &web.Link{Label: "Confirm and go on", Href: web.Address(signInPath, map[string]string{"to": to, confirming: "yes"})}
}

// askAgain has the provider ask the person, whatever it remembers of them, and in the way that is configured.
func (p *Provider) askAgain() []oauth2.AuthCodeOption {
	options := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0")}
	if p.StepUpACR != "" {
		options = append(options, oauth2.SetAuthURLParam("acr_values", p.StepUpACR))
	}
	return options
}

// confirms checks that a token says that its person was asked since the attempt began, in the way that is
// configured, and returns when that was: when the attempt began is what the browser says.
func (p *Provider) confirms(a attempt, of claims) (asked time.Time, err error) {
	var at int64
	if err := json.Unmarshal(of["auth_time"], &at); err != nil || time.Unix(at, 0).Before(a.Began.Add(-leeway)) {
		return asked, errors.New("the provider has not asked the person again")
	}
	if acr := of.text("acr"); p.StepUpACR != "" && acr != p.StepUpACR {
		return asked, fmt.Errorf("the person was asked in the way %q, not %q", acr, p.StepUpACR)
	}
	return time.Unix(at, 0), nil
}

// confirmed goes on where somebody was who has proved again who they are. Nobody else may in their place.
func (p *Provider) confirmed(c echo.Context, a attempt, account web.Account) error {
	now, ok := p.sessions.Account(c)
	if !ok || now.ID != a.Person || account.ID != a.Person || len(rights.Common(account.Roles, p.Roles)) == 0 {
		p.failed(c, "another person than the one who was asked", account.ID)
		return &web.Error{Status: http.StatusForbidden, Way: &web.Link{Label: "Back", Href: a.To},
			Message: account.Name + " signed in at the sign-in service, where somebody else was asked who they are. Nothing was done."}
	}
	if err := p.sessions.Confirm(c, account); err != nil {
		return err
	}
	return web.Redirect(c, a.To)
}
