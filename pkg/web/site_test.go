package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

func wantText(t *testing.T, page string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(page, part) {
			t.Errorf("lacks %q in:\n%s", part, page)
		}
	}
}

func TestAPageIsWholeAndSafe(t *testing.T) {
	s := startSample(t)

	response, page := s.get(t, "/")

	wantText(t, page, `<title>Payments · Manager · Countersign</title>`, `cursor="epoch:1-0"`, `content="morph"`,
		`aria-current="page">Payments</a>`, `<option value="mia-weber" selected>Mia Weber</option>`, `data-relative>2 min ago</time>`,
		`1,250.00 <span class="money-currency">EUR</span>`, `&lt;script&gt;alert(1)`, `data-live-fragment="waiting-count">3<`)
	policy := response.Header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") {
		t.Error("the policy allows unsafe things:", policy)
	}
	_, nonce, _ := strings.Cut(policy, "'nonce-")
	nonce, _, _ = strings.Cut(nonce, "'")
	wantText(t, page, `<meta name="csp-nonce" content="`+nonce+`">`)
	for _, inline := range []string{"<style", "style=", "onclick", "<script>"} {
		if strings.Contains(page, inline) {
			t.Errorf("the page has %s, which the policy forbids", inline)
		}
	}
	if cookies := response.Cookies(); len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode ||
		cookies[0].MaxAge > 24*60*60+1 {
		t.Errorf("a first page sets %v", cookies)
	}
}

// What refuses too much has no compressor, and so no error's page has.
func TestPagesAreCompressedAndAnswersToFormsAndErrorsAreNot(t *testing.T) {
	s := startSample(t)
	for _, tc := range []struct{ method, path, want string }{
		{http.MethodGet, "/", "gzip"}, {http.MethodPost, "/nothing", ""}, {http.MethodGet, "/nothing", ""},
	} {
		response, body := s.do(t, tc.method, tc.path, nil, "Accept-Encoding", "gzip")
		if got := response.Header.Get("Content-Encoding"); got != tc.want || len(body) < 1024 {
			t.Errorf("%s %s: %d bytes come as %q, not %q", tc.method, tc.path, len(body), got, tc.want)
		}
	}
}

func TestAFragmentIsTheRowOfThePage(t *testing.T) {
	row := sampleRows()[0]
	html, err := paymentRow.HTML(mustRenderer(t, web.TestAssets()), row)
	if err != nil {
		t.Fatal(err)
	}
	_, page := startSample(t).get(t, "/")
	// The times differ by the clock; everything before does not.
	before, _, _ := strings.Cut(locale.English.Write(html), "<time")
	wantText(t, page, before)
}

func TestErrorsBecomeAnswers(t *testing.T) {
	s := startSample(t)
	for _, tc := range []struct {
		name, method, path string
		body               string
		header             []string
		status             int
		want               string
	}{
		{"an unknown page", "GET", "/nothing", "", nil, 404, "There is no such page."},
		{"a panic", "GET", "/panic", "", nil, 500, "This is our fault"},
		{"JSON is asked for", "GET", "/nothing", "", []string{"Accept", "application/json"}, 404, `"detail":"There is no such page."`},
		{"another site's form", "POST", "/form", "amount=1", []string{"Sec-Fetch-Site", "cross-site"}, 403, "came from another site"},
		{"another origin's form", "POST", "/form", "amount=1", []string{"Origin", "https://evil.example"}, 403, "came from another site"},
		{"10 MB", "POST", "/form", "amount=" + strings.Repeat("9", 10<<20), nil, 413, "That is too much text"},
		{"a multipart form", "POST", "/form", "x", []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "not understood"},
		{"half an escape", "POST", "/form", "amount=%z", nil, 400, "not understood"},
		{"a stranger", "POST", "/signed-in-as", "person=nobody", nil, 400, "There is no such person."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			header := append([]string{"Content-Type", "application/x-www-form-urlencoded"}, tc.header...)
			response, page := s.do(t, tc.method, tc.path, strings.NewReader(tc.body), header...)
			if response.StatusCode != tc.status {
				t.Errorf("status %d, want %d", response.StatusCode, tc.status)
			}
			wantText(t, page, tc.want)
			if strings.Contains(page, "secret") || strings.Contains(page, "goroutine") {
				t.Error("the page tells what is not for people")
			}
		})
	}
}

// Whoever meets an error reads what became of what they sent, and has a way on.
func TestAnErrorPageLeadsOn(t *testing.T) {
	s := startSample(t)
	from := []string{"Content-Type", "application/x-www-form-urlencoded", "Referer", s.URL + "/form?a=1&b=2"}
	const back, again, sure, unsure = `href="/form?a=1&amp;b=2">Back to the page before</a>`, `href="/panic?x=1">Try again</a>`, "Nothing was changed.", "sending it again does nothing twice"
	for _, tc := range []struct {
		method, path  string
		header        []string
		want, wantNot []string
	}{
		{"GET", "/nothing", from, []string{"Not found", back}, []string{sure, unsure, "Try again"}},
		{"GET", "/nothing", nil, []string{"Back to the start"}, []string{"page before"}},
		{"GET", "/nothing", []string{"Referer", "https://evil.example/form"}, []string{"Back to the start"}, []string{"page before", "evil"}},
		{"GET", "/nothing", []string{"Referer", s.URL + "//evil.example/form"}, []string{`href="/evil.example/form"`}, []string{`"//`}},
		{"GET", "/panic?x=1", from, []string{again, "tell whoever runs this"}, []string{sure, unsure}},
		{"POST", "/nothing", from, []string{back, sure}, []string{unsure}},
		{"POST", "/panic", from, []string{back, unsure}, []string{sure, "Try again"}},
		{"POST", "/late", from, []string{"Not possible any more", "Somebody was first.", sure, back}, nil},
	} {
		_, page := s.do(t, tc.method, tc.path, strings.NewReader(""), tc.header...)
		for _, want := range tc.want {
			wantText(t, page, want)
		}
		for _, not := range tc.wantNot {
			if strings.Contains(page, not) {
				t.Errorf("%s %s says %q", tc.method, tc.path, not)
			}
		}
	}
}

func TestABodyOfUnknownLengthIsLimitedToo(t *testing.T) {
	s := startSample(t)
	body := io.MultiReader(strings.NewReader("amount="), strings.NewReader(strings.Repeat("9", 1<<20)))
	response, page := s.do(t, "POST", "/form", body, "Content-Type", "application/x-www-form-urlencoded")
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
	wantText(t, page, "That is too much text")
}

func TestAFormKeepsWhatWasTyped(t *testing.T) {
	s := startSample(t)

	response, page := s.post(t, "/form", url.Values{"amount": {"1,5"}, "currency": {"XXX"}, "description": {"a\x00<b>"}})

	if response.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", response.StatusCode)
	}
	wantText(t, page, `value="1,5"`, `aria-describedby="amount-error amount-hint"`, `id="amount-error">Write the amount with a point`,
		`<option value="XXX" selected>XXX</option>`, "a&lt;b&gt;</textarea>", "characters that are not text")
}

func TestAMessageIsShownOnce(t *testing.T) {
	s := startSample(t)
	response, page := s.post(t, "/form", url.Values{"amount": {"1.50"}})
	if response.StatusCode != http.StatusOK || response.Request.URL.Path != "/" {
		t.Fatalf("was not sent on: %d %s", response.StatusCode, response.Request.URL)
	}
	wantText(t, page, "Requested. It waits for a manager.")
	if _, again := s.get(t, "/"); strings.Contains(again, "It waits for a manager.") {
		t.Error("the message is shown again")
	}
}

func TestOnlyWhoWillSeeItIsLeftAMessage(t *testing.T) {
	s := startSample(t)
	s.do(t, http.MethodHead, "/gone", nil)
	if _, page := s.get(t, "/"); strings.Contains(page, "It is gone.") {
		t.Error("a HEAD leaves a message")
	}
	if _, page := s.get(t, "/gone"); !strings.Contains(page, "It is gone.") {
		t.Error("a GET leaves none")
	}
}

func TestMessagesOfTwoFormsUnderWayAreBothShown(t *testing.T) {
	s := startSample(t)
	home, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	// given two forms, of which neither was sent with the other's answer
	var answers [][]*http.Cookie
	for range 2 {
		request, _ := http.NewRequest(http.MethodPost, s.URL+"/form", strings.NewReader("amount=1.50"))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		answers = append(answers, response.Cookies())
	}
	// when both answers are there
	for _, cookies := range answers {
		s.browser.Jar.SetCookies(home, cookies)
	}
	// then the next page shows both messages, once
	for _, want := range []int{2, 0} {
		if _, page := s.get(t, "/"); strings.Count(page, "Requested. It waits for a manager.") != want {
			t.Errorf("the message is not there %d times:\n%s", want, page)
		}
	}
}

func TestOnlyTheLastMessagesAreKept(t *testing.T) {
	s := startSample(t)
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for range 9 {
		s.post(t, "/form", url.Values{"amount": {"1.50"}})
	}
	if _, page := s.get(t, "/"); strings.Count(page, "Requested. It waits for a manager.") != 4 {
		t.Errorf("there are not the last four:\n%s", page)
	}
}

func TestABrowserStaysThePersonItChose(t *testing.T) {
	s := startSample(t)
	if _, who := s.get(t, "/whoami"); who != "Mia Weber" {
		t.Errorf("the first visit is %q", who)
	}
	_, page := s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	wantText(t, page, `<option value="tom-berg" selected>`)
	if _, who := s.get(t, "/whoami"); who != "Tom Berg" {
		t.Errorf("after choosing Tom it is %q", who)
	}
}

func TestAFirstPageBeginsASessionThatSigningInEnds(t *testing.T) {
	s := startSample(t)
	var sessions []string
	s.site.GET("/session", web.Own, func(c echo.Context) error {
		session, _ := s.site.SessionOf(c)
		return c.String(http.StatusOK, session)
	})
	session := func() string { _, text := s.get(t, "/session"); return text }

	// given a browser that has asked for everything but a page
	for _, request := range [][2]string{{http.MethodHead, "/"}, {http.MethodGet, "/whoami"}, {http.MethodGet, "/robots.txt"}} {
		if response, _ := s.do(t, request[0], request[1], nil); len(response.Cookies()) > 0 {
			t.Errorf("%s begins a session", request)
		}
	}
	if got := session(); got != "" {
		t.Errorf("it has the session %q", got)
	}
	// when it fetches pages, also one that there is not
	s.get(t, "/nowhere")
	sessions = append(sessions, session())
	s.get(t, "/")
	sessions = append(sessions, session())

	// then it has one session, which its sockets end with
	if sessions[0] == "" || sessions[0] != sessions[1] {
		t.Errorf("its sessions are %q", sessions)
	}
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	ended, err := s.sessions.Ended(t.Context(), append(sessions[:1:1], session()))
	if err != nil || len(ended) != 1 || ended[0] != sessions[0] {
		t.Errorf("ended: %q, %v", ended, err)
	}
}

func TestAFormOfAnotherPersonsPageIsRefused(t *testing.T) {
	s := startSample(t)
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})

	response, page := s.post(t, "/signed-in-as", url.Values{"person": {"mia-weber"}}, "Page-Of", "mia-weber")

	if response.StatusCode != http.StatusConflict {
		t.Errorf("status %d", response.StatusCode)
	}
	wantText(t, page, "this browser was switched to Tom Berg. Nothing was done.")
	if _, who := s.get(t, "/whoami", "Page-Of", "mia-weber"); who != "Tom Berg" {
		t.Errorf("it is %q", who)
	}
}

func TestPagesSaySoWhenSessionsAreAway(t *testing.T) {
	s := startSample(t)
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	s.dropTabl()

	response, page := s.get(t, "/")

	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", response.StatusCode)
	}
	wantText(t, page, "Your session cannot be read at the moment")
}

func TestTheHeaderSaysWhatIsLate(t *testing.T) {
	s := startSample(t)
	s.awayNow = []string{"redis"}
	_, page := s.get(t, "/")
	wantText(t, page, "Live updates are late")
	s.awayNow = []string{"signing"}
	_, page = s.get(t, "/")
	wantText(t, page, "what you do here is saved, and passed on once this app can sign again")
}

func TestDemoPeopleAreRefusedInProduction(t *testing.T) {
	for _, tc := range []struct{ identity, environment, want string }{
		{"demo", "production", "refused with ENVIRONMENT=production"},
		{"", "development", "IDENTITY=demo"},
		{"ldap", "production", `IDENTITY is "ldap"`},
		{"oidc", "development", "people sign in elsewhere"},
	} {
		_, err := web.NewDemo(web.IdentityConfig{Identity: tc.identity}, tc.environment, nil, web.Person{ID: "a"})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}

func TestAnAPIAnswersProblems(t *testing.T) {
	e := web.NewAPI(slog.New(slog.NewTextHandler(io.Discard, nil)), nil)
	e.POST("/capture", func(echo.Context) error {
		return &web.Error{Status: http.StatusConflict, Message: "Already released.", Extra: map[string]any{"by": "Mia Weber"}}
	})
	request := httptest.NewRequest(http.MethodPost, "/capture", nil)
	request.Header.Set(web.HeaderCorrelationID, "0198c0de-0000-7000-8000-000000000001")
	answer := httptest.NewRecorder()
	e.ServeHTTP(answer, request)
	if answer.Code != 409 || answer.Header().Get("Content-Type") != "application/problem+json" {
		t.Error(answer.Code, answer.Header())
	}
	wantText(t, answer.Body.String(), `"by":"Mia Weber"`, `"status":409`, `"instance":"urn:uuid:0198c0de-0000-7000-8000-000000000001"`)
}

func TestEveryAnswerIsInert(t *testing.T) {
	s := startSample(t)
	s.options.Production = true
	site, err := web.New(s.options)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"/sessions", "/nothing", "/sessions/", "/favicon.ico", "/robots.txt", "/assets/none.css", "/assets/app-none.js"} {
		answer := httptest.NewRecorder()
		site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, address, nil))
		h := answer.Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") != "max-age=31536000; includeSubDomains" {
			t.Errorf("%s: %v", address, h)
		}
		if policy := h.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: %q", address, policy)
		}
	}
	api := httptest.NewRecorder()
	web.NewAPI(slog.New(slog.DiscardHandler), nil).ServeHTTP(api, httptest.NewRequest(http.MethodGet, "/none", nil))
	if h := api.Header(); h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("an API: %v", h)
	}
}

// A form that is sent without scripts is followed by a page, as ever; a script has no use for one.
func TestAFormThatIsRefusedIsFollowedByAPage(t *testing.T) {
	s := startSample(t)
	for _, header := range [][]string{nil, {"Sec-Fetch-Mode", "navigate"}} {
		if _, body := s.post(t, "/shed", nil, header...); !strings.Contains(body, "<html") || !strings.Contains(body, "Nothing was changed") {
			t.Errorf("%q: answered %q", header, body)
		}
	}
	for _, header := range [][]string{{"Sec-Fetch-Mode", "cors"}, {"X-Turbo-Request-Id", "1"}} {
		if _, body := s.post(t, "/shed", nil, header...); body != "More is asked than can be done." {
			t.Errorf("%q: answered %q", header, body)
		}
	}
}
