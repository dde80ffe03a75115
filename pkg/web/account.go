package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/rights"
)

// Account is what a session knows of the person who signed in.
type Account struct {
	Person
	ProviderSession string // at whoever signed them in, the sid; may be empty
	IDToken         string // by which they were signed in; may be empty
	Unproven        bool   // of the demo: its sign-ins are printed at debug
	// Asked is when they last proved who they are, where that was asked for.
	Asked time.Time
}

// The keys of an account in a session.
const (
	personKey          = "person"
	nameKey            = "name"
	addressKey         = "address"
	rolesKey           = "roles"
	providerSessionKey = "provider-session"
	idTokenKey         = "id-token"
)

// SignIn makes the browser's further requests those of somebody, under a new token. What the session held of
// somebody before is gone. Who is blocked does not get in. The security log is told, with more.
func (s *Sessions) SignIn(c echo.Context, a Account, more ...slog.Attr) error {
	m, ctx := s.manager, c.Request().Context()
	if err := s.admitted(c, a.ID); err != nil {
		return err
	}
	err := m.RenewToken(ctx)
	if err == nil {
		err = m.Clear(ctx)
	}
	if err == nil {
		s.put(ctx, a)
		err = s.save(c)
	}
	if err != nil {
		return Unavailable("Signing in does not work at the moment. Please try again shortly.", err)
	}
	level := slog.LevelInfo
	if a.Unproven {
		level = slog.LevelDebug
	}
	s.logSecurity(c, level, SignedIn, a.ID, append(more, slog.String("roles", rights.Join(a.Roles)))...)
	return nil
}

func (s *Sessions) put(ctx context.Context, a Account) {
	for key, value := range map[string]string{personKey: a.ID, nameKey: a.Name, addressKey: a.Address,
		rolesKey: rights.Join(a.Roles), providerSessionKey: a.ProviderSession, idTokenKey: a.IDToken} {
		s.manager.Put(ctx, key, value)
	}
}

// Account is who is signed in in the browser; false for nobody. A session of the version that kept no roles
// is nobody's.
func (s *Sessions) Account(c echo.Context) (Account, bool) {
	m, ctx := s.manager, c.Request().Context()
	a := Account{
		Person: Person{ID: m.GetString(ctx, personKey), Name: m.GetString(ctx, nameKey), Address: m.GetString(ctx, addressKey),
			Roles: rights.Split(m.GetString(ctx, rolesKey))},
		ProviderSession: m.GetString(ctx, providerSessionKey), IDToken: m.GetString(ctx, idTokenKey),
	}
	return a, a.ID != "" && m.Exists(ctx, rolesKey)
}

// Came reports whether the browser came with a session, be it one that has ended.
func (s *Sessions) Came(c echo.Context) bool {
	cookie, err := c.Cookie(s.manager.Cookie.Name)
	return err == nil && cookie.Value != ""
}

// SignOut ends the browser's session.
func (s *Sessions) SignOut(c echo.Context) error {
	if err := s.manager.Destroy(c.Request().Context()); err != nil {
		return err
	}
	return s.save(c)
}

// EndOf ends a person's sessions, or with sid only those of that session at the provider, by a token with an
// id that counts once: until it expires, it is not fresh the next time.
func (s *Sessions) EndOf(ctx context.Context, person, sid, id string, expires time.Time) (ended int64, fresh bool, err error) {
	err = s.db.Pool().QueryRow(ctx, endOf(person), hashOf(id), expires, person, sid).Scan(&ended, &fresh)
	if err != nil {
		err = fmt.Errorf("end sessions: %w", err)
	}
	return ended, fresh, err
}

// endOf is the statement of EndOf: it finds the sessions by an index, which one for a person or a sid or both
// would not, since its plan knows none of them.
func endOf(person string) string {
	theirs := "$3 = '' and provider_session = nullif($4, '')"
	if person != "" {
		theirs = "person = $3 and ($4 = '' or provider_session = $4)"
	}
	return `with token as (
			insert into logout_tokens (id, expiry) values ($1, $2) on conflict do nothing returning id),
		ended as (
			delete from sessions where exists (select from token) and ` + theirs + ` returning token)
		select (select count(*) from ended), exists (select from token)`
}

// SetCookie sets a cookie of the app's own, whose name begins with the session's; without a life it removes
// it.
func (s *Sessions) SetCookie(c echo.Context, name, value string, life time.Duration) {
	cookie := &http.Cookie{
		Name: s.manager.Cookie.Name + name, Value: value, Path: "/", HttpOnly: true, Secure: s.manager.Cookie.Secure,
		SameSite: http.SameSiteLaxMode, MaxAge: int(life.Seconds()),
	}
	if life == 0 {
		cookie.MaxAge = -1
	}
	unsetCookie(c, cookie.Name)
	http.SetCookie(c.Response(), cookie)
}

// Cookies are the app's own whose names go on with prefix, by what follows.
func (s *Sessions) Cookies(c echo.Context, prefix string) map[string]string {
	found := map[string]string{}
	for _, cookie := range c.Cookies() {
		if rest, ours := strings.CutPrefix(cookie.Name, s.manager.Cookie.Name+prefix); ours {
			found[rest] = cookie.Value
		}
	}
	return found
}
