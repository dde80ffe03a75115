package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

// limited is the sample with limits.
func limited(t *testing.T, limits web.LimitConfig) *sample {
	t.Helper()
	s := startSample(t)
	s.options.Limits = limits
	site, err := web.New(s.options)
	if err != nil {
		t.Fatal(err)
	}
	s.site = site
	s.site.GET("/", try, func(c echo.Context) error {
		return formView.Render(c, http.StatusOK, web.Page{Title: "Start"}, web.NewForm(nil))
	})
	return s
}

// from asks for the start as a browser of that address would, with a session's cookie perhaps.
func (s *sample) from(address, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = address
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "sample_session", Value: cookie})
	}
	answer := httptest.NewRecorder()
	s.site.ServeHTTP(answer, r)
	return answer
}

// passed is how many of n requests are served.
func passed(n int, do func() *httptest.ResponseRecorder) (served int) {
	for range n {
		if do().Code == http.StatusOK {
			served++
		}
	}
	return served
}

func TestABrowserIsHeldToSoManyRequestsAndOthersAreNot(t *testing.T) {
	s := limited(t, web.LimitConfig{RequestsPerSession: 0.5})
	if n := passed(9, func() *httptest.ResponseRecorder { return s.from("192.0.2.1:1", "one") }); n != 5 {
		t.Errorf("%d requests pass at once", n)
	}
	answer := s.from("192.0.2.2:1", "one")
	if answer.Code != http.StatusTooManyRequests || answer.Header().Get("Retry-After") == "" {
		t.Errorf("it is answered %d, %v", answer.Code, answer.Header())
	}
	if page := answer.Body.String(); !strings.Contains(page, "Too many requests came from this browser at once") || !strings.Contains(page, "Please wait a moment") {
		t.Errorf("the page says %s", page)
	}
	if answer := s.from("192.0.2.1:1", "another"); answer.Code != http.StatusOK {
		t.Errorf("another browser of that address is answered %d", answer.Code)
	}
	// and it is on record, though not once for each
	if n := strings.Count(s.log.String(), "event="+web.Limited); n != 1 || !strings.Contains(s.log.String(), "limit=session") {
		t.Errorf("the log tells it %d times: %s", n, s.log)
	}
}

func TestAnAddressIsHeldToSoManyRequestsWhateverCookiesItMakesUp(t *testing.T) {
	s := limited(t, web.LimitConfig{RequestsPerSession: 100, RequestsPerAddress: 0.5})
	cookie := "x"
	if n := passed(9, func() *httptest.ResponseRecorder { cookie += "x"; return s.from("192.0.2.1:1", cookie) }); n != 5 {
		t.Errorf("%d requests pass at once", n)
	}
	for address, status := range map[string]int{
		"192.0.2.1:2":          http.StatusTooManyRequests, // another port
		"[::ffff:192.0.2.1]:2": http.StatusTooManyRequests,
		"192.0.2.2:1":          http.StatusOK,
	} {
		if answer := s.from(address, ""); answer.Code != status {
			t.Errorf("%s is answered %d", address, answer.Code)
		}
	}
	// An address of IPv6 is as good as the whole network that it may choose from.
	for range 5 {
		s.from("[2001:db8::1]:1", "")
	}
	if answer := s.from("[2001:db8::ffff:2]:1", ""); answer.Code != http.StatusTooManyRequests {
		t.Errorf("a neighbour is answered %d", answer.Code)
	}
	if answer := s.from("[2001:db8:0:1::1]:1", ""); answer.Code != http.StatusOK {
		t.Errorf("another network is answered %d", answer.Code)
	}
	// What a browser says of itself moves nobody elsewhere.
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "192.0.2.1:1"
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	r.Header.Set("X-Real-Ip", "198.51.100.7")
	answer := httptest.NewRecorder()
	if s.site.ServeHTTP(answer, r); answer.Code != http.StatusTooManyRequests {
		t.Errorf("it is answered %d", answer.Code)
	}
}

func TestSignInsOfAnAddressAreLimited(t *testing.T) {
	s := limited(t, web.LimitConfig{SignInsPerAddress: 3})
	signIn := func() int {
		r := httptest.NewRequest(http.MethodPost, "/signed-in-as", strings.NewReader(url.Values{"person": {"tom-berg"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		s.site.ServeHTTP(answer, r)
		return answer.Code
	}
	for range 3 {
		if status := signIn(); status != http.StatusSeeOther {
			t.Fatal(status)
		}
	}
	if status := signIn(); status != http.StatusTooManyRequests {
		t.Errorf("the fourth is answered %d", status)
	}
	if answer := s.from("192.0.2.1:1", ""); answer.Code != http.StatusOK { // who is signed in goes on
		t.Errorf("a page is answered %d", answer.Code)
	}
}

func TestSessionsThatAnAddressBeginsAreLimitedAndPagesAreNot(t *testing.T) {
	s := limited(t, web.LimitConfig{SessionsPerAddress: 3})
	begun := 0
	for range 5 {
		answer := s.from("192.0.2.1:1", "")
		if answer.Code != http.StatusOK {
			t.Fatal(answer.Code)
		}
		begun += len(answer.Result().Cookies())
	}
	if begun != 3 {
		t.Errorf("%d sessions have begun", begun)
	}
}

func TestLimitsThatAreNoneAreRefused(t *testing.T) {
	if err := (web.LimitConfig{}).Check(); err != nil {
		t.Error(err)
	}
	err := web.LimitConfig{RequestsPerSession: -1, Sockets: -5}.Check()
	if err == nil || !strings.Contains(err.Error(), "REQUESTS_PER_SESSION") || !strings.Contains(err.Error(), "SOCKETS is -5") {
		t.Error(err)
	}
}
