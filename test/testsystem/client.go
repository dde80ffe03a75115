package testsystem

import (
	"testing"

	"countersign.example/deploy/visit"
)

// Visitor is a person at an app with a browser that runs no scripts. Unlike the people of test/browser it is
// cheap, and reports what failed instead of ending the test.
type (
	Visitor     = visit.Visitor
	Page        = visit.Page
	StatusError = visit.StatusError
)

// Visit signs person ("Ada Nowak") in at an app.
func (s *System) Visit(tb testing.TB, app, person string) *Visitor {
	tb.Helper()
	v := s.Stranger(tb, app)
	if err := v.SignIn(person); err != nil {
		tb.Fatal(err)
	}
	return v
}

// Stranger comes to an app for the first time, without a cookie.
func (s *System) Stranger(tb testing.TB, app string) *Visitor {
	tb.Helper()
	v := visit.New(s.URL(app))
	tb.Cleanup(v.Close)
	return v
}
