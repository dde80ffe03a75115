package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

func TestASectionOfTheNavigationShowsItsPartsToWhomTheyAreFor(t *testing.T) {
	s := startSample(t)
	look := rights.Right{Name: "look", To: "look", Roles: []rights.Role{rights.Auditor, rights.Manager}}
	o := s.options
	o.Nav = []web.NavItem{
		{Key: "payments", Label: "Payments", Href: "/"},
		{Key: "operations", Label: "Operations", Parts: []web.NavItem{
			{Key: "secret", Label: "Managers only", Href: "/secret", Right: try}, {Key: "seen", Label: "For both", Href: "/seen", Right: look},
		}},
		{Key: "nothing", Label: "For nobody here", Parts: []web.NavItem{{Key: "admins", Label: "For admins", Href: "/admins",
			Right: rights.Right{Name: "admin", To: "administer", Roles: []rights.Role{rights.Admin}}}}},
	}
	site, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	page := func(nav string) func(c echo.Context) error {
		return func(c echo.Context) error {
			return formView.Render(c, http.StatusOK, web.Page{Title: "A page", Nav: nav}, web.NewForm(nil))
		}
	}
	site.GET("/", look, page("payments"))
	site.GET("/seen", look, page("seen"))
	s.Config.Handler = site

	for person, want := range map[string][]string{
		"mia-weber": {
			`<a href="/secret" aria-current="page">Operations</a>`, `<nav class="section" aria-label="Operations">`,
			`<a href="/secret">Managers only</a>`, `<a href="/seen" aria-current="page">For both</a>`,
		},
		"iris-hahn": {`<a href="/seen" aria-current="page">Operations</a>`, `<a href="/seen" aria-current="page">For both</a>`},
	} {
		s.post(t, "/signed-in-as", url.Values{"person": {person}})
		_, seen := s.get(t, "/seen")
		wantText(t, seen, want...)
		if person == "iris-hahn" && strings.Contains(seen, "Managers only") || strings.Contains(seen, "For nobody here") {
			t.Errorf("%s is shown what is not for them:\n%s", person, seen)
		}
		if _, first := s.get(t, "/"); strings.Contains(first, `class="section"`) {
			t.Errorf("a page outside of the section has its tabs:\n%s", first)
		}
	}
}
