package web

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Addressed passes on what is addressed to this app, and refuses the rest with 421: a page of another name,
// which its owner lets lead to this address, would be of the same site as this app to a browser. That Origin
// is Host is checked elsewhere, and so it is PUBLIC_URL's. In development this machine's names pass, too, and
// addresses, which nobody else can let lead here.
func (c IdentityConfig) Addressed(next http.Handler, environment string) http.Handler {
	names := slices.Clone(c.AllowedHosts)
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" {
		names = append(names, u.Hostname())
	}
	ours := func(host string) bool {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.Trim(strings.TrimSuffix(host, "."), "[]")
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) }) ||
			environment != "production" && (isLocal(host) || net.ParseIP(host) != nil)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ours(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusMisdirectedRequest)
		_, _ = w.Write([]byte("This app is not known by the name in this address, so nothing was done.\n" +
			"Whoever operates it: PUBLIC_URL and ALLOWED_HOSTS say by which names it is.\n"))
	})
}

func isLocal(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
