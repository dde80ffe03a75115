package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
)

// Error is an error with an HTTP status and a message fit for the person who caused it.
type Error struct {
	Status  int
	Title   string // of the page, where the status says too little
	Message string
	// Extra goes into problem+json as members of its own, such as who was first.
	Extra map[string]any
	// Err is what really happened, for the log.
	Err error

	Way     *Link // on from here; nil: to the start
	SignOut bool  // a page offers to sign out
	Others  bool  // and to be somebody else, where anybody can
	Shed    bool  // it was refused before anything was done, as many are, and whoever refused it has told the log
}

// Redirected is an error that sends the browser to an address of this site instead.
type Redirected string

func (r Redirected) Error() string { return "go to " + string(r) }

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.Err)
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// BadRequest is for input that no form of ours sends.
func BadRequest(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: message}
}

// Unauthorized is for requests whose person or service is not known.
func Unauthorized(message string) *Error {
	return &Error{Status: http.StatusUnauthorized, Message: message}
}

// Forbidden is for what this person may never do.
func Forbidden(message string) *Error { return &Error{Status: http.StatusForbidden, Message: message} }

// NotFound is for what does not exist, or not for this person.
func NotFound(message string) *Error { return &Error{Status: http.StatusNotFound, Message: message} }

// Conflict is for what could have been done earlier, or by someone else was.
func Conflict(message string) *Error { return &Error{Status: http.StatusConflict, Message: message} }

// Unprocessable is for well-formed input that breaks a rule.
func Unprocessable(message string) *Error {
	return &Error{Status: http.StatusUnprocessableEntity, Message: message}
}

// Unavailable is for what works again by itself once err is over.
func Unavailable(message string, err error) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Message: message, Err: err}
}

// asError is the one place where any error becomes one that can be answered.
func asError(err error) *Error {
	var known *Error
	var tooLarge *http.MaxBytesError
	var fromEcho *echo.HTTPError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &tooLarge):
		return errTooLarge(tooLarge.Limit)
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable("This took too long. Please try again in a moment.", err)
	case pg.IsUnavailable(err):
		return Unavailable("The database cannot be reached at the moment. Please try again shortly.", err)
	case pg.IsTransient(err):
		return Unavailable("The database is busy at the moment. Please try again shortly.", err)
	case errors.As(err, &fromEcho):
		return fromEchoError(fromEcho)
	}
	return &Error{Status: http.StatusInternalServerError, Message: "This is our fault, not yours, and has been recorded. Please try again.", Err: err}
}

func fromEchoError(err *echo.HTTPError) *Error {
	messages := map[int]string{
		http.StatusNotFound:         "There is no such page.",
		http.StatusMethodNotAllowed: "This page cannot be used that way.",
	}
	message, ok := messages[err.Code]
	if !ok {
		message = http.StatusText(err.Code) + "."
	}
	return &Error{Status: err.Code, Message: message, Err: err}
}

func errTooLarge(limit int64) *Error {
	return &Error{
		Status:  http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("That is too much text: a form may have %d KB. Nothing was saved.", limit>>10),
	}
}

func answerProblem(log *slog.Logger, err error, c echo.Context) {
	e := asError(err)
	logError(log, c, e)
	if c.Response().Committed {
		return
	}
	_ = writeProblem(c, e, event.MetaFrom(c.Request().Context()).CorrelationID)
}

// logError logs our own faults; people see theirs on the page.
func logError(log *slog.Logger, c echo.Context, e *Error) {
	ctx := c.Request().Context()
	switch {
	case errors.Is(e, context.Canceled), e.Shed: // the browser has gone, or it is said already
	case e.Status == http.StatusServiceUnavailable:
		log.WarnContext(ctx, "request could not be served", "method", c.Request().Method, "path", c.Path(), "error", e)
	case e.Status >= 500:
		log.ErrorContext(ctx, "request failed", "method", c.Request().Method, "path", c.Path(), "error", e)
	}
}

// writeProblem answers with application/problem+json (RFC 9457); the correlation id finds it in the logs.
func writeProblem(c echo.Context, e *Error, correlation string) error {
	body := map[string]any{}
	for k, v := range e.Extra {
		body[k] = v
	}
	body["type"], body["title"] = "about:blank", http.StatusText(e.Status)
	body["status"], body["detail"] = e.Status, e.Message
	if correlation != "" {
		body["instance"] = "urn:uuid:" + correlation
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	c.Response().WriteHeader(e.Status)
	return c.Echo().JSONSerializer.Serialize(c, body, "")
}

// Navigates reports whether a browser asks for a page in a window of its own, which may be led elsewhere:
// what a page fetches may not follow to another site.
func Navigates(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !wantsProblem(r) && !fetched(r)
}

// fetched reports whether a page's script asks, and not a browser for what is to be a page or follows a form.
func fetched(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode != "" && mode != "navigate" || mode == "" && r.Header.Get("X-Turbo-Request-Id") != ""
}

// wantsProblem is true for clients that asked for JSON and not for a page.
func wantsProblem(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// errorTitle heads an error page in words that say whose turn it is.
func errorTitle(status int) string {
	switch {
	case status == http.StatusServiceUnavailable:
		return "Not available at the moment"
	case status >= 500:
		return "Something went wrong"
	case status == http.StatusUnauthorized:
		return "Please sign in"
	}
	if title := errorTitles[status]; title != "" {
		return title
	}
	return http.StatusText(status)
}

var errorTitles = map[int]string{
	http.StatusBadRequest: "Not understood", http.StatusForbidden: "Not allowed", http.StatusNotFound: "Not found",
	http.StatusConflict: "Not possible any more", http.StatusRequestEntityTooLarge: "Too much at once",
	http.StatusTooManyRequests: "One thing after another",
}

// kept says what became of what somebody sent, of which nothing is lost: a form can be sent again, and does
// nothing twice.
func kept(c echo.Context, e *Error) string {
	switch {
	case isView(c):
		return ""
	case e.Shed:
		return "Nothing was changed. The page before has what you typed."
	case e.Status < http.StatusInternalServerError:
		return "Nothing was changed."
	}
	return "It may have been done. The page before has what you typed, and sending it again does nothing twice."
}

// wayOn leads back to where a form is, or once more to a page that could not be shown.
func wayOn(c echo.Context, status int) *Link {
	if isView(c) && status >= http.StatusInternalServerError {
		return &Link{"Try again", onThisSite(c.Request().URL)}
	}
	from := referer(c)
	if from == nil || from.RequestURI() == c.Request().URL.RequestURI() {
		return nil
	}
	return &Link{"Back to the page before", onThisSite(from)}
}

// onThisSite is an address for a link: one that begins with two slashes would lead to another site.
func onThisSite(u *url.URL) string { return "/" + strings.TrimLeft(u.RequestURI(), "/") }
