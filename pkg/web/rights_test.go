package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

func TestWhatIsNotForSomebodyIsRefusedInWordsAndOnRecord(t *testing.T) {
	s := startSample(t)
	s.site.GET("/live", try, func(c echo.Context) error { return c.String(http.StatusOK, "a socket") })
	s.post(t, "/signed-in-as", url.Values{"person": {"iris-hahn"}})
	const said = "You may not try this. That is for managers: ask one of them, or have whoever looks after your account make you one."

	for _, path := range []string{"/form", "/live"} {
		if response, page := s.get(t, path); response.StatusCode != http.StatusForbidden || !strings.Contains(page, said) {
			t.Errorf("%s: %d\n%s", path, response.StatusCode, page)
		}
	}
	if response, _ := s.do(t, http.MethodHead, "/form", nil); response.StatusCode != http.StatusForbidden {
		t.Errorf("HEAD is answered with %d", response.StatusCode)
	}
	response, page := s.post(t, "/form", url.Values{"amount": {"1.00"}})
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("the form is answered with %d", response.StatusCode)
	}
	wantText(t, page, said, "Nothing was changed.", "Not allowed")
	wantText(t, s.log.String(), "security=true event=refused-right person=iris-hahn session=", "right=try roles=auditor method=POST path=/form")

	// what is hers, and what there is not, is not refused
	if _, who := s.get(t, "/whoami"); who != "Iris Hahn" {
		t.Errorf("it is %s", who)
	}
	for path, want := range map[string]int{"/nowhere": http.StatusNotFound, "/late": http.StatusMethodNotAllowed} {
		if response, _ := s.get(t, path); response.StatusCode != want {
			t.Errorf("%s is answered with %d", path, response.StatusCode)
		}
	}
}

func TestASiteWithARouteForNobodyDoesNotStart(t *testing.T) {
	s := startSample(t)
	if err := s.site.Check(); err != nil {
		t.Fatal(err)
	}
	s.site.GET("/forgotten", rights.Right{}, func(c echo.Context) error { return nil })
	s.site.POST("/twice", rights.Right{Name: "try", To: "try this", Roles: rights.Roles}, func(c echo.Context) error { return nil })
	err := s.site.Check()
	if err == nil {
		t.Fatal("it starts")
	}
	wantText(t, err.Error(), "GET /forgotten", `two rights called "try"`)
	if response, _ := s.get(t, "/forgotten"); response.StatusCode != http.StatusForbidden {
		t.Errorf("who comes anyway is answered with %d", response.StatusCode)
	}
}

func TestPagesHideWhatIsNotForTheirReader(t *testing.T) {
	s := startSample(t)
	view := web.NewView[string]("hides")
	renderer, err := web.NewRenderer(fstest.MapFS{"templates/views/hides.html": {Data: []byte(
		`{{define "content"}}<only-for try><p>a button</p></only-for><not-for try><p>You may look.</p></not-for><p>{{.}}</p>{{end}}`)}}, web.TestAssets(), nil, view)
	if err != nil {
		t.Fatal(err)
	}
	o := s.options
	o.Renderer = renderer
	site, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Check(); err == nil || !strings.Contains(err.Error(), `the right "try", which no route needs`) {
		t.Errorf("nobody could see the button: %v", err)
	}
	site.POST("/try", try, func(c echo.Context) error { return nil })
	site.GET("/", web.Own, func(c echo.Context) error {
		return view.Render(c, http.StatusOK, web.Page{}, "<only-for nothing>what somebody typed</only-for>")
	})
	s.Config.Handler = site
	const typed = "<p>&lt;only-for nothing&gt;what somebody typed&lt;/only-for&gt;</p>"
	for person, want := range map[string]string{"mia-weber": "<p>a button</p>" + typed, "iris-hahn": "<p>You may look.</p>" + typed} {
		s.post(t, "/signed-in-as", url.Values{"person": {person}})
		_, page := s.get(t, "/")
		wantText(t, page, want)
		if strings.Contains(page, "<only-for") || strings.Contains(page, "<not-for") {
			t.Errorf("%s gets the marks:\n%s", person, page)
		}
	}
}
