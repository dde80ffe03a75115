package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/event"
	"countersign.example/pkg/telemetry"
	"countersign.example/pkg/tracing"
)

const (
	// formLimit is how much a form may send, in bytes, where its route is not Large.
	formLimit = 64 << 10
	// drainLimit is how much of a body that is too large is still read and thrown away: a
	// browser that is cut off while sending shows a connection error and not our message.
	drainLimit = 16 << 20
	// RequestTimeout bounds a request's work where its route has no limit of its own; sockets are not bound
	// by it.
	RequestTimeout = 10 * time.Second
	// LongRequestTimeout is for a route that does much at once, such as an import. The server's own limit is
	// above it.
	LongRequestTimeout = 25 * time.Second
)

var (
	traceParent   = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][13579bdf]$`) // a recorded one
	correlationID = regexp.MustCompile(`^[0-9A-Za-z-]{8,64}$`)
)

// HeaderCorrelationID carries the correlation id between our services.
const HeaderCorrelationID = "X-Correlation-Id"

// correlate puts event.Meta into the request's context, and begins the request's span; a socket, which is
// open for hours, has none. Only a service's correlation id and trace are believed; a browser could make
// people's traces look related.
func correlate(trustHeader bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.URL.Path != livePath {
				traced, end := tracing.Request(r, telemetry.Route(c.Path()), trustHeader)
				defer func() { end(c.Response().Status) }()
				r = traced
			}
			meta := event.Meta{TraceParent: tracing.Parent(r.Context())}
			if h := r.Header.Get(HeaderCorrelationID); trustHeader && correlationID.MatchString(h) {
				meta.CorrelationID = h
			} else {
				meta.CorrelationID = uuid.Must(uuid.NewV7()).String()
			}
			if h := r.Header.Get("Traceparent"); trustHeader && meta.TraceParent == "" && traceParent.MatchString(h) {
				meta.TraceParent = h // handed on where this process does not trace
			}
			c.SetRequest(r.WithContext(event.WithMeta(r.Context(), meta)))
			c.Response().Header().Set(HeaderCorrelationID, meta.CorrelationID)
			return next(c)
		}
	}
}

// observe measures every request, and answers errors itself so that it sees the status.
func observe(metrics *telemetry.Metrics, log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			began := time.Now()
			if err := next(c); err != nil {
				c.Error(err)
			}
			took := time.Since(began)
			if metrics != nil {
				metrics.Request(c.Request().Method, c.Path(), c.Response().Status, took)
			}
			log.DebugContext(c.Request().Context(), "request", "method", c.Request().Method,
				"path", c.Request().URL.Path, "status", c.Response().Status, "took", took.String())
			return nil
		}
	}
}

// recoverPanics turns a panic into an error with its stack, and lets http.ErrAbortHandler be.
func recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		return next(c)
	}
}

// Large is a route that takes more than others, such as "/catalog/import": more bytes, more time, or both.
type Large struct {
	Route  string
	Limit  int64         // of a body, in bytes; formLimit where it is less
	Within time.Duration // the time for a request; RequestTimeout where it is less
}

// limit ends the request's context after its route's time, unless the path is a socket's, and refuses bodies
// beyond its route's size with 413, whether their length is announced or not.
func limit(large []Large, socket string) echo.MiddlewareFunc {
	routes := make(map[string]Large, len(large))
	for _, l := range large {
		routes[l.Route] = l
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r, route := c.Request(), routes[c.Path()]
			limit, whole := max(formLimit, route.Limit), r.Body
			if r.ContentLength > limit {
				drain(whole)
				return errTooLarge(limit)
			}
			r.Body = http.MaxBytesReader(c.Response(), whole, limit)
			if socket == "" || r.URL.Path != socket {
				ctx, cancel := context.WithTimeout(r.Context(), max(RequestTimeout, route.Within))
				defer cancel()
				c.SetRequest(r.WithContext(ctx))
			}
			err := next(c)
			if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
				drain(whole)
			}
			return err
		}
	}
}

func drain(body io.Reader) { _, _ = io.CopyN(io.Discard, body, drainLimit) }

// refuseCrossSite stops forms that another site sends in the person's name.
func refuseCrossSite(sessions *Sessions) echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := protection.Check(c.Request()); err != nil {
				sessions.logRefusedOrigin(c)
				return &Error{Status: http.StatusForbidden, Message: "This request came from another site and was refused.", Err: err}
			}
			return next(c)
		}
	}
}

const nonceKey = "web.nonce"

// secureHeaders sets the policy of every page. 'self' covers websockets of the same origin
// (CSP 3). The nonce is for the style element of Turbo's progress bar.
// Browsers apply form-action to where a form's answer leads, too.
func secureHeaders(formOrigin string) echo.MiddlewareFunc {
	formAction := strings.TrimSpace("form-action 'self' " + formOrigin)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			nonce := rand.Text()
			c.Set(nonceKey, nonce)
			h := c.Response().Header()
			h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+"'; "+
				"img-src 'self' data:; font-src 'self'; connect-src 'self'; "+formAction+"; "+
				"base-uri 'none'; frame-ancestors 'none'")
			h.Set("Referrer-Policy", "same-origin")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
			return next(c)
		}
	}
}

// inert sets what every answer has: no browser takes it for a document of another kind, runs or loads
// anything for it, or shows it in a frame. A page has a policy of its own, see secureHeaders. In production
// browsers come by HTTPS alone from then on.
func inert(production bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			if production {
				h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
			}
			return next(c)
		}
	}
}
