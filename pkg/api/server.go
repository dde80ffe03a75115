package api

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/rights"
	"countersign.example/pkg/telemetry"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// Callers are the services that may call, and what the people are for whom each may speak: the first where it
// does not say.
type Callers map[string][]rights.Role

// Options make a Server. Metrics may be nil.
type Options struct {
	Tokens  Tokens
	Callers Callers
	Log     *slog.Logger
	Metrics *telemetry.Metrics
	Large   []web.Large
	AtOnce  int       // requests that are worked on at most, as web.GateConfig has it
	Waits   web.Waits // of the database, by which requests are refused when there are too many; nil: none are
}

// Server is a core's API. Each of its routes says which right it needs: a service may use it for people who
// have that right and for whom it may speak.
type Server struct {
	Options
	echo   *echo.Echo
	routes []rights.Route
}

// NewServer returns an API without routes.
func NewServer(o Options) *Server {
	s := &Server{Options: o, echo: web.NewAPI(o.Log, o.Metrics, o.Large...)}
	s.echo.Use(web.Gate(o.AtOnce, web.BurstOfServices, o.Waits, o.Log, o.Metrics, o.Large))
	return s
}

// ServeHTTP answers requests.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// GET adds something to look at. HEAD answers as it does.
func (s *Server) GET(path string, right rights.Right, handler echo.HandlerFunc) {
	s.add(http.MethodGet, path, right, handler)
}

// POST adds a command, which Handle makes.
func (s *Server) POST(path string, right rights.Right, handler echo.HandlerFunc) {
	s.add(http.MethodPost, path, right, handler)
}

func (s *Server) add(method, path string, right rights.Right, handler echo.HandlerFunc) {
	if err := right.Check(); err != nil {
		panic(method + " " + path + ": " + err.Error()) // a route for nobody does not start
	}
	s.echo.Add(method, path, s.authenticate(s.allow(right, handler)))
	s.routes = append(s.routes, rights.Route{Method: method, Path: path, Right: right})
}

// Routes are all that the router knows; HEAD is GET's.
func (s *Server) Routes() (routes []rights.Route) {
	for _, known := range s.echo.Routes() {
		i := slices.IndexFunc(s.routes, func(r rights.Route) bool { return r.Method == known.Method && r.Path == known.Path })
		switch {
		case i >= 0:
			routes = append(routes, s.routes[i])
		case known.Method != http.MethodHead:
			routes = append(routes, rights.Route{Method: known.Method, Path: known.Path})
		}
	}
	return routes
}

const (
	callerKey   = "api.caller"
	speakersKey = "api.roles"
)

// authenticate lets only known services in.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		caller := ""
		if strings.EqualFold(scheme, "Bearer") {
			caller = s.Tokens.caller(token)
		}
		if caller == "" {
			s.logSecurity(c, WrongToken)
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
			return web.Unauthorized("This needs the token of a service.")
		}
		c.Set(callerKey, caller)
		return next(c)
	}
}

// allow lets a service do what it may do for some of the people for whom it speaks. For whom it does here is
// judged once that is known: at once where the request only looks, and with the body of a command.
func (s *Server) allow(right rights.Right, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		may := rights.Common(s.Callers[callerOf(c)], right.Roles)
		c.Set(speakersKey, speakers{s, right, may})
		if len(may) == 0 {
			return speakers{s, right, may}.refuse(c, "")
		}
		if c.Request().Method == http.MethodPost {
			return next(c) // Handle asks
		}
		if _, err := speaksFor(c, rights.Role(c.Request().Header.Get(headerRole))); err != nil {
			return err
		}
		return next(c)
	}
}

// Who asks, where a request has no body.
const (
	headerActor = "Actor-Id"
	headerRole  = "Actor-Role"
)

// speakers are the roles for which a service may use a route.
type speakers struct {
	server *Server
	right  rights.Right
	roles  []rights.Role
}

func (s speakers) refuse(c echo.Context, role rights.Role) error {
	s.server.logSecurity(c, web.RefusedRight, slog.String("right", s.right.Name), slog.String("roles", string(role)))
	who := callerOf(c)
	if role != "" {
		who += " for " + string(role) + "s"
	}
	return web.Forbidden(who + " may not " + s.right.To + ".")
}

// speaksFor is the role for which a service asks, which it says, or which is the first of those that are
// possible.
func speaksFor(c echo.Context, said rights.Role) (rights.Role, error) {
	s, _ := c.Get(speakersKey).(speakers)
	switch {
	case said == "" && len(s.roles) > 0:
		return s.roles[0], nil
	case said != "" && slices.Contains(s.roles, said):
		return said, nil
	}
	return "", s.refuse(c, said)
}

// Contractor is the one contractor with whose things a request that looks may be answered, of which it has to
// say who that is; "" for everybody's.
func Contractor(c echo.Context) (string, error) {
	role, err := speaksFor(c, rights.Role(c.Request().Header.Get(headerRole)))
	if err != nil || role != rights.Contractor {
		return "", err
	}
	id, wrong := text.Line(c.Request().Header.Get(headerActor))
	if id == "" || wrong != "" || len(id) > maxActor {
		return "", web.Unprocessable("Send a header " + headerActor + " with the contractor's id.")
	}
	return id, nil
}

// Asking is for whom a request that looks is sent, as far as it says.
func Asking(c echo.Context) (actor string, role rights.Role) {
	return c.Request().Header.Get(headerActor), rights.Role(c.Request().Header.Get(headerRole))
}

// callerOf is the service whose token the request carries.
func callerOf(c echo.Context) string {
	caller, _ := c.Get(callerKey).(string)
	return caller
}

// WrongToken is what the security log tells of a request without the token of a service.
const WrongToken = "wrong-service-token"

func (s *Server) logSecurity(c echo.Context, event string, more ...slog.Attr) {
	attrs := append([]slog.Attr{slog.Bool("security", true), slog.String("event", event), slog.String("service", callerOf(c)),
		slog.String("address", c.RealIP()), slog.String("method", c.Request().Method), slog.String("path", c.Request().URL.Path)}, more...)
	s.Log.LogAttrs(c.Request().Context(), slog.LevelInfo, "security: "+event, attrs...)
}
