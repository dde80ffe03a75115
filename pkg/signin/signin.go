package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/labstack/echo/v4"
	"golang.org/x/oauth2"

	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

const (
	signInPath    = "/sign-in"
	callbackPath  = "/sign-in/callback"
	signOutPath   = "/sign-out"
	signedOutPath = "/signed-out"
	logoutPath    = web.ProviderLogoutPath
)

// Register adds the ways in and out.
func (p *Provider) Register(s *web.Site) {
	p.site = s
	s.Open(http.MethodGet, signInPath, p.send, s.LimitSignIns)
	s.Open(http.MethodGet, callbackPath, p.callback)
	s.Open(http.MethodPost, signOutPath, p.signOut)
	s.Open(http.MethodGet, signedOutPath, p.signedOut)
	s.Open(http.MethodPost, logoutPath, p.backChannelLogout)
}

// People are none: nobody is offered to be another one.
func (p *Provider) People() []web.Person { return nil }

// Person is who the session belongs to. Nobody's first page leads to the provider. A browser whose session
// has ended is told so first: the provider might sign it in again without asking, and whoever left it lying
// would never have been signed out.
func (p *Provider) Person(c echo.Context) (web.Person, error) {
	account, ok := p.sessions.Account(c)
	switch {
	case ok && p.entitles(account):
		return account.Person, nil
	case ok:
		return web.Person{}, p.withoutRole(account)
	case p.sessions.Came(c):
		return web.Person{}, &web.Error{Status: http.StatusUnauthorized, Way: signInLink(wanted(c)),
			Message: "You were signed out: your session has ended. " + ofForm(c)}
	case web.Navigates(c.Request()):
		return web.Person{}, web.Redirected(signInLink(wanted(c)).Href)
	}
	return web.Person{}, &web.Error{Status: http.StatusUnauthorized, Way: signInLink(wanted(c)), Message: "You are not signed in. " + ofForm(c)}
}

// ofForm says what became of a form that came without a person.
func ofForm(c echo.Context) string {
	if m := c.Request().Method; m == http.MethodGet || m == http.MethodHead {
		return "Sign in to go on where you were."
	}
	return "Nothing was done with what you sent. Sign in, go back, and send it again."
}

// entitles reports whether somebody may use the app.
func (p *Provider) entitles(a web.Account) bool { return len(rights.Common(a.Roles, p.Roles)) > 0 }

func (p *Provider) withoutRole(a web.Account) error {
	return &web.Error{Status: http.StatusForbidden, SignOut: true,
		Message: fmt.Sprintf("You are signed in as %s, who may not use this app: it is for the %s. Whoever looks after your account can "+
			"give it to you; then sign out here, and in again. Or sign out to come as somebody else.", a.Name, named(p.Roles))}
}

// send has the browser go to the provider.
func (p *Provider) send(c echo.Context) error {
	to := here(c.QueryParam("to"), p.site.Home())
	ctx, cancel := p.asking(c.Request().Context())
	defer cancel()
	k, err := p.discoverAgain(ctx) // a browser that is sent to a provider that is away says nothing of use
	if err != nil {
		return p.away(c, to, err)
	}
	person, options := "", []oauth2.AuthCodeOption(nil)
	if account, ok := p.sessions.Account(c); ok && c.QueryParam(confirming) != "" {
		person, options = account.ID, p.askAgain()
	}
	a := p.begin(c, to, person)
	return web.Redirect(c, k.AuthCodeURL(a.State, append(options, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier))...))
}

// away answers while the provider is, or says what cannot be used.
func (p *Provider) away(c echo.Context, to string, err error) error {
	p.failed(c, "the provider gives no answer that can be used", "")
	return &web.Error{Status: http.StatusServiceUnavailable, Err: err, Way: again(to),
		Message: "Signing in does not work at the moment: the sign-in service gives no answer that can be used. Please try again shortly. " +
			"Whoever is signed in goes on."}
}

func again(to string) *web.Link {
	link := signInLink(to)
	link.Label = "Try again"
	return link
}

// failed notes a sign-in that came to nothing.
func (p *Provider) failed(c echo.Context, reason, person string) {
	p.sessions.LogSecurity(c, web.SignInFailed, person, slog.String("reason", reason))
}

// callback is where the provider sends the browser back to.
func (p *Provider) callback(c echo.Context) error {
	a, ok := p.take(c, c.QueryParam("state"))
	if !ok {
		p.failed(c, "no such attempt", "")
		return &web.Error{Status: http.StatusBadRequest, Way: signInLink(""),
			Message: "This sign-in was not begun in this browser, took too long, or is over already. Nothing was done."}
	}
	if code := c.QueryParam("error"); code != "" {
		return p.refused(c, a, code)
	}
	ctx, cancel := p.asking(c.Request().Context())
	defer cancel()
	account, unknown, err := p.exchange(ctx, a, c.QueryParam("code"), c.QueryParam("iss"))
	if refusal, is := errors.AsType[*refusal](err); is {
		p.failed(c, refusal.Error(), account.ID)
		return &web.Error{Status: http.StatusForbidden, Way: again(a.To),
			Message: "You were not signed in: what the sign-in service answered could not be proved to be for you and this app, now. Nothing was done."}
	} else if err != nil {
		return p.away(c, a.To, err)
	}
	if a.Person != "" {
		return p.confirmed(c, a, account)
	}
	if err := p.sessions.SignIn(c, account, noted(unknown)...); err != nil {
		return err
	}
	if !p.entitles(account) {
		p.failed(c, "the person lacks the role", account.ID)
		return p.withoutRole(account)
	}
	return web.Redirect(c, a.To)
}

// refused answers when the provider says no, or the person did there.
func (p *Provider) refused(c echo.Context, a attempt, code string) error {
	switch code {
	case "server_error", "temporarily_unavailable":
		return p.away(c, a.To, errors.New("the provider says "+code))
	case "access_denied":
		p.failed(c, code, "")
		return &web.Error{Status: http.StatusForbidden, Way: again(a.To),
			Message: "You were not signed in: the sign-in was cancelled, or the sign-in service does not let you use this app."}
	}
	p.failed(c, "the provider says "+strings.ToValidUTF8(code[:min(len(code), 100)], ""), "")
	return &web.Error{Status: http.StatusForbidden, Way: again(a.To), Message: "You were not signed in: the sign-in service refused. Nothing was done."}
}

// refusal is why an answer does not count.
type refusal struct{ error }

func refuse(format string, args ...any) error { return &refusal{fmt.Errorf(format, args...)} }

// oldestToken is how long ago a token may have been issued that answers now.
const oldestToken = 5 * time.Minute

// exchange asks the provider who the code is about, and checks the answer. It returns also what is said to be
// a role of theirs, and is none.
func (p *Provider) exchange(ctx context.Context, a attempt, code, issuer string) (account web.Account, unknown []string, err error) {
	if issuer != "" && issuer != p.Issuer {
		return account, nil, refuse("the answer is of another issuer, %q", issuer)
	}
	k, err := p.discover(ctx)
	if err != nil {
		return account, nil, err
	}
	answer, err := k.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if no, is := errors.AsType[*oauth2.RetrieveError](err); is && no.ErrorCode == "invalid_grant" {
		return account, nil, refuse("the provider does not know the code")
	} else if err != nil {
		return account, nil, err
	}
	raw, _ := answer.Extra("id_token").(string)
	token, of, err := k.verify(ctx, raw, p.ClientID)
	if err != nil {
		return account, nil, err
	}
	if token.Nonce != a.Nonce {
		return account, nil, refuse("the token answers another attempt")
	}
	var asked time.Time
	if a.Person != "" {
		if asked, err = p.confirms(a, of); err != nil {
			return account, nil, refuse("%w", err)
		}
	}
	if err := p.complete(ctx, k, token, of, answer); err != nil {
		return account, nil, err
	}
	account = web.Account{Person: of.person(p.Issuer, token.Subject), ProviderSession: of.text("sid"), IDToken: raw, Asked: asked}
	account.Roles, unknown = p.roles(of)
	return account, unknown, nil
}

// verify checks what every token of the provider's must be.
func (k *known) verify(ctx context.Context, raw, clientID string) (token *oidc.IDToken, of claims, err error) {
	if token, err = k.tokens.Verify(ctx, raw); err != nil {
		if strings.Contains(err.Error(), "fetching keys") { // which the library says in a text only
			return nil, nil, err
		}
		return nil, nil, refuse("%w", err)
	}
	if err := token.Claims(&of); err != nil {
		return nil, nil, refuse("read the token's claims: %w", err)
	}
	if token.Subject == "" && of.text("sid") == "" {
		return nil, nil, refuse("the token is about nobody")
	}
	if err := errors.Join(recent(token, oldestToken), of.checkParty(token.Audience, clientID)); err != nil {
		return nil, nil, refuse("%w", err)
	}
	return token, of, nil
}

// complete asks the provider for what the token leaves out, as those of some providers do.
func (p *Provider) complete(ctx context.Context, k *known, token *oidc.IDToken, of claims, answer *oauth2.Token) error {
	if token.Subject == "" {
		return refuse("the token is about nobody")
	}
	_, named := of["name"]
	if _, known := of.values(p.RolesClaim); known && named || k.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := k.UserInfo(ctx, oauth2.StaticTokenSource(answer))
	if err != nil {
		return fmt.Errorf("ask the provider about the person: %w", err)
	}
	if info.Subject != token.Subject {
		return refuse("the provider tells about another person")
	}
	var more claims
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("read what the provider tells about the person: %w", err)
	}
	of.merge(more)
	return nil
}

// signOut ends this browser's session, here and at the provider.
func (p *Provider) signOut(c echo.Context) error {
	account, ok := p.sessions.Account(c)
	if ok {
		if err := p.sessions.SignOut(c); err != nil {
			return web.Unavailable("Signing out does not work at the moment. Please try again shortly.", err)
		}
		p.sessions.LogSecurity(c, web.SignedOut, account.ID, slog.String("how", "person"))
	}
	return p.Ended(c, account)
}

// Ended sends a browser on whose session has just ended, by way of the provider if that knows sign-outs.
func (p *Provider) Ended(c echo.Context, account web.Account) error {
	ctx, cancel := p.asking(c.Request().Context())
	defer cancel()
	k, err := p.discover(ctx)
	if err != nil || k.endSession == "" {
		return web.Redirect(c, signedOutPath)
	}
	u, err := url.Parse(k.endSession)
	if err != nil {
		return web.Redirect(c, signedOutPath)
	}
	q := u.Query()
	q.Set("client_id", p.ClientID)
	q.Set("post_logout_redirect_uri", p.address(signedOutPath))
	if account.IDToken != "" {
		q.Set("id_token_hint", account.IDToken)
	}
	u.RawQuery = q.Encode()
	return web.Redirect(c, u.String())
}

func (p *Provider) signedOut(c echo.Context) error {
	return p.site.Say(c, web.ErrorPage{Title: "You are signed out", Way: signInLink(""),
		Message: "Your session here has ended. Where others use this browser, make sure that you are signed out of the sign-in service, too."})
}

// logoutEvent is what a token that signs somebody out is about.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// backChannelLogout ends sessions when the provider says so (OpenID Connect Back-Channel Logout 1.0).
func (p *Provider) backChannelLogout(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	ctx, cancel := p.asking(c.Request().Context())
	defer cancel()
	ended, person, err := p.logout(ctx, c.FormValue("logout_token"))
	if refusal, is := errors.AsType[*refusal](err); is {
		p.sessions.LogSecurity(c, web.SignedOut, person, slog.String("how", "refused"), slog.String("reason", refusal.Error()))
		return c.JSON(http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": refusal.Error()})
	} else if err != nil {
		p.Log.WarnContext(ctx, "a sign-out by the provider could not be done", "error", err)
		return c.JSON(http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable"})
	}
	p.sessions.LogSecurity(c, web.SignedOut, person, slog.String("how", "provider"), slog.Int64("sessions", ended))
	return c.NoContent(http.StatusOK)
}

func (p *Provider) logout(ctx context.Context, raw string) (ended int64, person string, err error) {
	k, err := p.discover(ctx)
	if err != nil {
		return 0, "", err
	}
	token, of, err := k.verify(ctx, raw, p.ClientID)
	if err != nil {
		return 0, "", err
	}
	var events map[string]json.RawMessage
	_ = json.Unmarshal(of["events"], &events)
	_, nonce := of["nonce"]
	id := of.text("jti")
	switch {
	case !strings.HasPrefix(string(events[logoutEvent]), "{"):
		return 0, "", refuse("the token signs nobody out")
	case nonce:
		return 0, "", refuse("the token answers a sign-in")
	case id == "":
		return 0, "", refuse("the token has no jti")
	}
	if token.Subject != "" {
		person = personID(p.Issuer, token.Subject)
	}
	ended, fresh, err := p.sessions.EndOf(ctx, person, of.text("sid"), id, token.Expiry.Add(leeway))
	if err == nil && !fresh {
		err = refuse("the token was used before")
	}
	return ended, person, err
}
