package web

import (
	"bytes"
	"embed"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

//go:embed static
var static embed.FS

// known are the addresses that browsers and robots ask every site for, and the licences of what it has of
// others.
var known = map[string]string{"/favicon.ico": "image/x-icon", "/robots.txt": "text/plain; charset=utf-8", "/licences": "text/plain; charset=utf-8"}

// serveKnown answers for one of those; false for any other request.
func serveKnown(w http.ResponseWriter, r *http.Request) bool {
	media, ok := known[r.URL.Path]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	data, err := static.ReadFile("static" + r.URL.Path)
	if err != nil {
		return false // never: a test asks for each
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "public, max-age=86400")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	return true
}

// withoutSlash is where a request for an address that ends with a slash is sent: the same without, on this
// site; "" for every other request, and for the root.
func withoutSlash(u *url.URL) string {
	if !strings.HasSuffix(u.Path, "/") || u.Path == "/" {
		return ""
	}
	// Neither "//host" nor "/\\host" may come of it, which browsers take for another site: slashes in front
	// are taken away, too, and EscapedPath leaves no backslash and no control character.
	to := "/" + strings.Trim(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		to += "?" + u.RawQuery
	}
	return to
}

// answerHead has every page that answers GET answer HEAD: by the same handler, whose body the server leaves
// out.
func answerHead(e *echo.Echo) {
	e.OnAddRouteHandler = func(_ string, route echo.Route, handler echo.HandlerFunc, middleware []echo.MiddlewareFunc) {
		if route.Method == http.MethodGet {
			e.HEAD(route.Path, handler, middleware...)
		}
	}
}
