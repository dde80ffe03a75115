package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// GateConfig says how much a replica works on at once; embed it in a service's configuration.
type GateConfig struct {
	RequestsAtOnce int `env:"REQUESTS_AT_ONCE" envDefault:"256" desc:"requests that one replica works on at a time, and fewer while its database is behind; what is above is refused at once; 0 for any number"`
}

// Check refuses a number that is none.
func (c GateConfig) Check() error { return checkLimit("REQUESTS_AT_ONCE", float64(c.RequestsAtOnce)) }

func checkLimit(name string, value float64) error {
	if !(value >= 0 && value <= 1e6) {
		return fmt.Errorf("%s is %v: use a number, or 0 for no limit", name, value)
	}
	return nil
}

// LimitConfig says how much all together, one browser, and one address may ask of a replica; embed it beside
// SessionConfig. Each limit is for itself, and 0 is none.
type LimitConfig struct {
	GateConfig
	RequestsPerSession float64 `env:"REQUESTS_PER_SESSION" envDefault:"20" desc:"requests a second of one browser, and ten times as many at once; 0 for any number"`
	RequestsPerAddress float64 `env:"REQUESTS_PER_ADDRESS" envDefault:"500" desc:"requests a second of one address (of IPv6: one /64), and ten times as many at once; 0 for any number"`
	SignInsPerAddress  float64 `env:"SIGN_INS_PER_ADDRESS" envDefault:"60" desc:"sign-ins a minute that begin at one address, and as many at once; 0 for any number"`
	SessionsPerAddress float64 `env:"SESSIONS_PER_ADDRESS" envDefault:"600" desc:"sessions a minute that begin at one address without signing in, and as many at once; a page beyond them is shown without one; 0 for any number"`
	SocketsPerSession  int     `env:"SOCKETS_PER_SESSION" envDefault:"20" desc:"live pages of one browser at a time; 0 for any number"`
	Sockets            int     `env:"SOCKETS" envDefault:"10000" desc:"live pages of one replica at a time; 0 for any number"`
}

// Check refuses limits that are none.
func (c LimitConfig) Check() error {
	errs := []error{c.GateConfig.Check()}
	for name, value := range map[string]float64{
		"REQUESTS_PER_SESSION": c.RequestsPerSession, "REQUESTS_PER_ADDRESS": c.RequestsPerAddress, "SIGN_INS_PER_ADDRESS": c.SignInsPerAddress,
		"SESSIONS_PER_ADDRESS": c.SessionsPerAddress, "SOCKETS_PER_SESSION": float64(c.SocketsPerSession), "SOCKETS": float64(c.Sockets),
	} {
		errs = append(errs, checkLimit(name, value))
	}
	return errors.Join(errs...)
}

// Limited is in the security log when somebody asks for more than a limit: once a second, however often.
const Limited = "limited"

// limits are what a site holds its requests to.
type limits struct {
	sessions                          *Sessions
	session, address, signedIn, begun *middleware.RateLimiterMemoryStore // nil: no limit
	told                              rate.Sometimes
	refused                           *prometheus.CounterVec
}

func newLimits(config LimitConfig, sessions *Sessions) *limits {
	return &limits{
		sessions: sessions,
		session:  limiter(config.RequestsPerSession, 10*config.RequestsPerSession),
		address:  limiter(config.RequestsPerAddress, 10*config.RequestsPerAddress),
		signedIn: limiter(config.SignInsPerAddress/60, config.SignInsPerAddress),
		begun:    limiter(config.SessionsPerAddress/60, config.SessionsPerAddress),
		told:     rate.Sometimes{Interval: time.Second},
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_limited_total", Help: "Requests that were refused for a limit.",
		}, []string{"limit"}),
	}
}

// limiter lets so many a second pass, and so many at once.
func limiter(perSecond, burst float64) *middleware.RateLimiterMemoryStore {
	if perSecond == 0 {
		return nil
	}
	return middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{
		Rate: rate.Limit(perSecond), Burst: max(1, int(burst)),
	})
}

// requests is middleware that refuses what is too much before anything is read for it. A browser is known by
// its cookie as it came: whoever makes cookies up is held to the limit of their address.
func (l *limits) requests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !allows(l.address, network(c)) {
			return l.refuse(c, "address", "Too many requests came from your network at once.")
		}
		if cookie, err := c.Cookie(l.sessions.manager.Cookie.Name); err == nil && cookie.Value != "" && !allows(l.session, hashOf(cookie.Value)) {
			return l.refuse(c, "session", "Too many requests came from this browser at once.")
		}
		return next(c)
	}
}

// signIns is middleware of the routes at which signing in begins.
func (l *limits) signIns(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !allows(l.signedIn, network(c)) {
			return l.refuse(c, "sign-in", "Too many sign-ins began at your network within a minute.")
		}
		return next(c)
	}
}

func allows(store *middleware.RateLimiterMemoryStore, key string) bool {
	if store == nil {
		return true
	}
	allowed, err := store.Allow(key)
	return allowed && err == nil
}

// network is where a request comes from: an address, or what one household has of IPv6.
func network(c echo.Context) string {
	address, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return c.RealIP()
	}
	if address = address.Unmap().WithZone(""); address.Is6() {
		prefix, _ := address.Prefix(64)
		return prefix.String()
	}
	return address.String()
}

// retryAfter is when a limit lets something pass again, in seconds.
const retryAfter = "2"

func (l *limits) refuse(c echo.Context, limit, what string) error {
	l.refused.WithLabelValues(limit).Inc()
	l.told.Do(func() {
		l.sessions.LogSecurity(c, Limited, PersonOf(c).ID, slog.String("limit", limit), slog.String("path", c.Path()))
	})
	c.Response().Header().Set(echo.HeaderRetryAfter, retryAfter)
	c.Set(strangerKey, true)
	return &Error{Status: http.StatusTooManyRequests, Message: what + " Please wait a moment, then try again."}
}
