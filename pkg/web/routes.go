package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/rights"
)

// Own is the right to what everybody has of their own, such as their sessions.
var Own = rights.Right{Name: "own", To: "use this app", Roles: rights.Roles}

// GET adds a page for those who have a right; HEAD answers as it does.
func (s *Site) GET(path string, right rights.Right, handler echo.HandlerFunc) {
	s.add(rights.Route{Method: http.MethodGet, Path: path, Right: right}, handler)
}

// POST adds what a form is sent to, for those who have a right.
func (s *Site) POST(path string, right rights.Right, handler echo.HandlerFunc) {
	s.add(rights.Route{Method: http.MethodPost, Path: path, Right: right}, handler)
}

// Open adds a route for which nobody needs to be signed in.
func (s *Site) Open(method, path string, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) {
	s.add(rights.Route{Method: method, Path: path, Open: true}, handler, middleware...)
}

// add is the one way to a route. The echo is the site's own, so that there is none without a right.
func (s *Site) add(r rights.Route, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) {
	s.echo.Add(r.Method, r.Path, handler, middleware...)
	s.routes[routeKey{r.Method, r.Path}] = r
	if !r.Open && !slices.ContainsFunc(s.rights, r.Right.Equal) {
		s.rights = append(s.rights, r.Right)
	}
}

type routeKey struct{ method, path string }

// route is what answers a request; false where only an error does.
func (s *Site) route(c echo.Context) (rights.Route, bool) {
	method := c.Request().Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	r, known := s.routes[routeKey{method, c.Path()}]
	return r, known
}

// Routes are all that the router knows. HEAD is GET's.
func (s *Site) Routes() (routes []rights.Route) {
	for _, known := range s.echo.Routes() {
		if known.Method != http.MethodHead {
			r := s.routes[routeKey{known.Method, known.Path}]
			r.Method, r.Path = known.Method, known.Path
			routes = append(routes, r)
		}
	}
	return routes
}

// Check refuses a site with a route that nobody may use, or whose templates hide something by a right that
// none of its routes needs. It does not start.
func (s *Site) Check() error {
	var problems []error
	for _, r := range s.Routes() {
		if err := r.Right.Check(); err != nil && !r.Open {
			problems = append(problems, fmt.Errorf("%s %s: %w", r.Method, r.Path, err))
		}
	}
	for i, r := range s.rights {
		if slices.ContainsFunc(s.rights[:i], func(other rights.Right) bool { return other.Name == r.Name }) {
			problems = append(problems, fmt.Errorf("there are two rights called %q", r.Name))
		}
	}
	for _, name := range s.options.Renderer.rights {
		if !slices.ContainsFunc(s.rights, func(r rights.Right) bool { return r.Name == name }) {
			problems = append(problems, fmt.Errorf("a template is about the right %q, which no route needs", name))
		}
	}
	return errors.Join(problems...)
}

// held are the rights of whoever makes a request.
func (s *Site) held(c echo.Context) rights.Held { return rights.HeldBy(PersonOf(c).Roles, s.rights) }

// allow refuses what is not for the person, and has it on record. The request is made in the first role of
// the right that the person has. A core takes the right's first for granted, so that one is not said.
func (s *Site) allow(c echo.Context, p Person) error {
	r, known := s.route(c)
	if !known {
		return nil // there is nothing to be allowed where there is no route
	}
	if in := rights.Common(r.Right.Roles, p.Roles); len(in) > 0 {
		if in[0] != r.Right.Roles[0] {
			c.SetRequest(c.Request().WithContext(rights.As(c.Request().Context(), in[0])))
		}
		return nil
	}
	s.options.Sessions.LogSecurity(c, RefusedRight, p.ID, slog.String("right", r.Right.Name), slog.String("roles", rights.Join(p.Roles)),
		slog.String("method", c.Request().Method), slog.String("path", c.Request().URL.Path))
	return Forbidden(r.Right.Refusal())
}
