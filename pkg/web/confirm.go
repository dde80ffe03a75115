package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// The keys of what a session knows of a person who was asked again who they are.
const (
	confirmedKey = "confirmed" // when they last proved it, in Unix time
	keptKey      = "kept"      // what they had typed then
)

// renew gives the session another token, and lets it last as long as before.
func (s *Sessions) renew(ctx context.Context) error {
	deadline := s.manager.Deadline(ctx)
	if err := s.manager.RenewToken(ctx); err != nil {
		return err
	}
	s.manager.SetDeadline(ctx, deadline)
	return nil
}

// Confirm notes that the person of the session has just proved again who they are, under a new token. What
// the session holds stays.
func (s *Sessions) Confirm(c echo.Context, a Account) error {
	if err := s.admitted(c, a.ID); err != nil {
		return err
	}
	ctx := c.Request().Context()
	err := s.renew(ctx)
	if err == nil {
		s.put(ctx, a)
		s.manager.Put(ctx, confirmedKey, strconv.FormatInt(min(a.Asked.Unix(), time.Now().Unix()), 10))
		err = s.save(c)
	}
	if err != nil {
		return Unavailable("Signing in does not work at the moment. Please try again shortly.", err)
	}
	s.LogSecurity(c, Confirmed, a.ID)
	return nil
}

// HasConfirmed reports whether the person of the session has proved again who they are within some time.
func (s *Sessions) HasConfirmed(c echo.Context, within time.Duration) bool {
	at, err := strconv.ParseInt(s.manager.GetString(c.Request().Context(), confirmedKey), 10, 64)
	return err == nil && time.Since(time.Unix(at, 0)) < within
}

// keptForm is a form that somebody is led away from.
type keptForm struct {
	Path   string
	Values map[string]string
}

// Keep keeps what somebody typed into a page's form until they are back there; of several pages the last
// one's.
func (s *Sessions) Keep(c echo.Context, path string, values map[string]string) {
	data, _ := json.Marshal(keptForm{path, values}) // texts: cannot fail
	s.manager.Put(c.Request().Context(), keptKey, string(data))
}

// Kept is the form that was kept of a page, once; nil if none was. What a page fetches by itself takes
// nothing away from the person.
func (s *Sessions) Kept(c echo.Context, path string) *Form {
	r := c.Request()
	var was keptForm
	if json.Unmarshal([]byte(s.manager.GetString(r.Context(), keptKey)), &was) != nil || was.Path != path ||
		r.Method == http.MethodHead || r.Header.Get(refreshHeader) != "" {
		return nil
	}
	if r.Header.Get("X-Sec-Purpose") != "prefetch" { // Turbo’s, of a link that is pointed at only
		s.manager.Remove(r.Context(), keptKey)
	}
	return NewForm(was.Values)
}
