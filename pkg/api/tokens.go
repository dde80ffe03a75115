package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

// minToken is the shortest token that is accepted, in characters.
const minToken = 16

const callerKey = "api.caller"

// Tokens are the services that may call, each with its bearer token.
type Tokens map[string]string

// UnmarshalText reads "manager-ui=<token>,other=<token>".
func (t *Tokens) UnmarshalText(text []byte) error {
	read := Tokens{}
	for entry := range strings.SplitSeq(string(text), ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		name, token, ok := strings.Cut(entry, "=")
		switch {
		case !ok || name == "":
			return errors.New("write service=token, separated by commas") // without the text: it may be a token
		case len(token) < minToken:
			return fmt.Errorf("the token of %s is shorter than %d characters", name, minToken)
		case read[name] != "":
			return fmt.Errorf("%s is there twice", name)
		}
		read[name] = token
	}
	*t = read
	return nil
}

// String names the services and keeps their tokens.
func (t Tokens) String() string {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// caller returns whose token it is; "" if nobody's. How long it takes reveals nothing about the
// tokens: all are compared, as hashes of one length.
func (t Tokens) caller(token string) string {
	given := sha256.Sum256([]byte(token))
	found := ""
	for name, known := range t {
		expected := sha256.Sum256([]byte(known))
		if subtle.ConstantTimeCompare(given[:], expected[:]) == 1 {
			found = name
		}
	}
	return found
}

// Authenticate is middleware that lets only known services in.
func (t Tokens) Authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		caller := ""
		if strings.EqualFold(scheme, "Bearer") {
			caller = t.caller(token)
		}
		if caller == "" {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
			return web.Unauthorized("This needs the token of a service.")
		}
		c.Set(callerKey, caller)
		return next(c)
	}
}

// Caller is the service whose token the request carries, behind Authenticate.
func Caller(c echo.Context) string {
	caller, _ := c.Get(callerKey).(string)
	return caller
}
