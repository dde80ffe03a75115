package testsystem

import (
	"testing"

	"countersign.example/deploy/formclient"
)

// Client is a person at an app with a browser that runs no scripts. Unlike the people of test/browser it is
// cheap, and reports what failed instead of ending the test.
type (
	Client      = formclient.Client
	Page        = formclient.Page
	StatusError = formclient.StatusError
)

// SignIn signs person ("Ada Nowak") in at an app.
func (s *System) SignIn(tb testing.TB, app, person string) *Client {
	tb.Helper()
	c := s.NewClient(tb, app)
	if err := c.SignIn(person); err != nil {
		tb.Fatal(err)
	}
	return c
}

// NewClient returns a client without a cookie.
func (s *System) NewClient(tb testing.TB, app string) *Client {
	tb.Helper()
	c := formclient.New(s.URL(app))
	tb.Cleanup(c.Close)
	return c
}
