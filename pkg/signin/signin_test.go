package signin_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSomebodySignsInAndIsWhereTheyWantedToGo(t *testing.T) {
	a := startApp(t)
	mia := a.browser()
	wanted := mia.begin("/payments?q=sand&tab=all")
	q := wanted.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" || q.Get("redirect_uri") != a.URL+"/sign-in/callback" ||
		q.Get("client_id") != clientID || q.Get("scope") != "openid profile email" || len(q.Get("state")) < 20 || len(q.Get("nonce")) < 20 {
		t.Errorf("the provider is asked for %s", wanted)
	}
	mia.get(a.provider.authorize(wanted)).want(t, http.StatusOK, "/payments?q=sand&tab=all|Mia Weber|mia@example.com|person-")
	a.logged(t, "security=true event=sign-in person=person-")

	// and goes on, without asking the provider for anything, also while that is away
	a.provider.Close()
	mia.get("/").want(t, http.StatusOK, "/|Mia Weber")
	// while others are told that they cannot sign in just now
	tom := a.browser()
	tom.get("/payments").want(t, http.StatusServiceUnavailable, "Signing in does not work at the moment", "Try again", "Whoever is signed in goes on")
}

func TestAPersonHasOneIDInBothApps(t *testing.T) {
	id := func(p page) string { return p.text[strings.LastIndex(p.text, "|")+1:] }
	a := startApp(t)
	mia := id(a.browser().signIn("/"))
	// however they are called now
	a.provider.tells(func(claims map[string]any) { claims["name"], claims["email"] = "Mia Weber-Lang", "lang@example.com" })
	if again := id(a.browser().signIn("/")); again != mia || len(mia) != len("person-")+32 {
		t.Errorf("%q is %q now", mia, again)
	}
	a.provider.about("tom", "Mia Weber", "manager")
	if other := id(a.browser().signIn("/")); other == mia {
		t.Error("two people of one name are one")
	}
}

func TestAServiceStartsWithoutTheProvider(t *testing.T) {
	a := startApp(t)
	a.provider.now("/.well-known/openid-configuration", http.NotFound)
	a.browser().get("/").want(t, http.StatusServiceUnavailable, "Please try again shortly")
	a.provider.now("/.well-known/openid-configuration", nil)
	a.browser().signIn("/").want(t, http.StatusOK, "Mia Weber")
}

func TestRubbishAndSlowAnswersAreRefusedWithWords(t *testing.T) {
	rubbish := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>{]")) }
	silent := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that nobody waits any more
		<-r.Context().Done()
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for range 64 {
			_, _ = w.Write([]byte(strings.Repeat(" ", 64<<10)))
		}
	}
	elsewhere := func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": "https://evil.example", "authorization_endpoint": "https://evil.example", "jwks_uri": "https://evil.example"})
	}
	for name, tc := range map[string]struct {
		path string
		does http.HandlerFunc
	}{
		"rubbish about itself":   {"/.well-known/openid-configuration", rubbish},
		"another issuer":         {"/.well-known/openid-configuration", elsewhere},
		"endless about itself":   {"/.well-known/openid-configuration", endless},
		"silent about itself":    {"/.well-known/openid-configuration", silent},
		"rubbish for a token":    {"/token", rubbish},
		"silent about a token":   {"/token", silent},
		"no token":               {"/token", http.NotFound},
		"rubbish for keys":       {"/keys", rubbish},
		"silent about the keys":  {"/keys", silent},
		"a redirect for a token": {"/token", http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect).ServeHTTP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startApp(t)
			mia := a.browser()
			began := time.Now()
			var p page
			if tc.path == "/.well-known/openid-configuration" {
				a.provider.now(tc.path, tc.does)
				p = mia.get("/payments")
			} else {
				wanted := mia.begin("/payments")
				a.provider.now(tc.path, tc.does)
				p = mia.get(a.provider.authorize(wanted))
			}
			p.want(t, http.StatusServiceUnavailable, "Signing in does not work at the moment", "Try again", `href="/sign-in?to=%2Fpayments"`)
			if took := time.Since(began); took > 9*time.Second {
				t.Errorf("it took %s", took)
			}
			a.logged(t, "event=sign-in-failed")
		})
	}
}

func TestATokenThatIsNotForUsNowIsRefusedWithWords(t *testing.T) {
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	for name, says := range map[string]func(claims map[string]any){
		"of another audience":         func(c map[string]any) { c["aud"] = "contractor-ui" },
		"issued to another":           func(c map[string]any) { c["aud"] = []string{clientID, "contractor-ui"}; c["azp"] = "contractor-ui" },
		"of another issuer":           func(c map[string]any) { c["iss"] = "https://evil.example" },
		"expired":                     func(c map[string]any) { c["iat"], c["exp"] = ago(15*time.Minute), ago(10*time.Minute) },
		"of a clock ten minutes fast": func(c map[string]any) { c["iat"], c["exp"] = ago(-10*time.Minute), ago(-15*time.Minute) },
		"of a clock ten minutes slow": func(c map[string]any) { c["iat"], c["exp"] = ago(10*time.Minute), ago(-50*time.Minute) },
		"of another attempt":          func(c map[string]any) { c["nonce"] = "another" },
		"without a nonce":             func(c map[string]any) { delete(c, "nonce") },
		"about nobody":                func(c map[string]any) { delete(c, "sub") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startApp(t)
			a.provider.tells(says)
			mia := a.browser()
			mia.signIn("/payments").want(t, http.StatusForbidden, "You were not signed in", "could not be proved", "Try again")
			mia.begin("/payments") // nobody is signed in
			a.logged(t, "event=sign-in-failed", "reason=")
		})
	}
	t.Run("a clock half a minute off is none", func(t *testing.T) {
		a := startApp(t)
		a.provider.tells(func(c map[string]any) { c["iat"], c["exp"] = ago(-30*time.Second), ago(30*time.Second) })
		a.browser().signIn("/payments").want(t, http.StatusOK, "Mia Weber")
	})
}

func TestATokenNeedsTheProvidersSignature(t *testing.T) {
	other := newProvider(t)
	for name, token := range map[string]func(p *provider, claims map[string]any) string{
		"alg=none": func(p *provider, claims map[string]any) string {
			parts := strings.Split(p.sign(claims), ".")
			return "eyJhbGciOiJub25lIn0." + parts[1] + "."
		},
		"somebody else's key": func(_ *provider, claims map[string]any) string { return other.sign(claims) },
		"changed": func(p *provider, claims map[string]any) string {
			parts := strings.Split(p.sign(claims), ".")
			claims["sub"] = "tom"
			return parts[0] + "." + strings.Split(p.sign(claims), ".")[1] + "." + parts[2]
		},
		"rubbish": func(*provider, map[string]any) string { return "rubbish" },
		"none":    func(*provider, map[string]any) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			a := startApp(t)
			mia := a.browser()
			wanted := mia.begin("/")
			a.provider.now("/token", func(w http.ResponseWriter, _ *http.Request) {
				answer(w, map[string]any{"access_token": "opaque", "token_type": "Bearer",
					"id_token": token(a.provider, a.provider.claims(map[string]any{"nonce": wanted.Query().Get("nonce")}))})
			})
			mia.get(a.provider.authorize(wanted)).want(t, http.StatusForbidden, "You were not signed in", "Try again")
		})
	}
}

func TestAStateThatIsNotThisBrowsersIsRefusedWithWords(t *testing.T) {
	a := startApp(t)
	mia, eve := a.browser(), a.browser()
	wanted := mia.begin("/")
	back := a.provider.authorize(wanted)
	// somebody else's, unknown, and none
	eve.get(back).want(t, http.StatusBadRequest, "was not begun in this browser", "Sign in")
	mia.get("/sign-in/callback?code=x&state=unknown").want(t, http.StatusBadRequest, "was not begun in this browser", "Sign in")
	mia.get("/sign-in/callback").want(t, http.StatusBadRequest, "was not begun in this browser", "Sign in")
	// hers, once
	mia.get(back).want(t, http.StatusOK, "Mia Weber")
	mia.get(back).want(t, http.StatusBadRequest, "is over already", "Sign in")
	mia.get("/").want(t, http.StatusOK, "Mia Weber")
	a.logged(t, `event=sign-in-failed person="" session="" address=127.0.0.1 reason="no such attempt"`)
}

func TestWhatTheProviderRefusesIsSaidInWords(t *testing.T) {
	for code, want := range map[string]struct {
		status int
		text   string
	}{
		"access_denied":           {http.StatusForbidden, "the sign-in was cancelled"},
		"login_required":          {http.StatusForbidden, "the sign-in service refused"},
		"temporarily_unavailable": {http.StatusServiceUnavailable, "Signing in does not work at the moment"},
		"<script>":                {http.StatusForbidden, "the sign-in service refused"},
	} {
		a := startApp(t)
		mia := a.browser()
		wanted := mia.begin("/payments")
		p := mia.get("/sign-in/callback?" + url.Values{"error": {code}, "state": {wanted.Query().Get("state")}}.Encode())
		p.want(t, want.status, want.text, `href="/sign-in?to=%2Fpayments"`)
		a.logged(t, "event=sign-in-failed")
		// an answer of another issuer is none
		wanted = mia.begin("/payments")
		mia.get(a.provider.authorize(wanted)+"&iss=https%3A%2F%2Fevil.example").want(t, http.StatusForbidden, "Try again")
	}
}

func TestTwoTabsSignInAsTwoPeople(t *testing.T) {
	a := startApp(t)
	tabs := a.browser()
	// given two tabs that have both begun
	first, second := tabs.begin("/payments"), tabs.begin("/")
	tabs.get(a.provider.authorize(first)).want(t, http.StatusOK, "/payments|Mia Weber")
	// when the other one comes as somebody else, the browser is theirs
	a.provider.about("tom", "Tom Berg", "manager")
	tom := tabs.get(a.provider.authorize(second))
	tom.want(t, http.StatusOK, "/|Tom Berg")
	// then a form from the page of the first does nothing, and says why
	mias := "person-of-mia"
	tabs.do(http.MethodPost, "/payments", nil, "Page-Of", mias).want(t, http.StatusConflict, "this browser was switched to Tom Berg. Nothing was done.")
}

func TestOnlyTheLastAttemptsAreKept(t *testing.T) {
	a := startApp(t)
	mia := a.browser()
	first := mia.begin("/")
	for range 7 {
		mia.begin("/")
	}
	home, _ := url.Parse(a.URL)
	if kept := len(mia.client.Jar.Cookies(home)); kept != 5 {
		t.Errorf("%d cookies are kept", kept)
	}
	mia.get(a.provider.authorize(first)).want(t, http.StatusBadRequest, "Sign in")
}

func TestWhoLacksTheRoleIsToldSo(t *testing.T) {
	for name, roles := range map[string]any{"another": []string{"contractor"}, "none": []string{}, "rubbish": 7, "unknown": "Manager"} {
		t.Run(name, func(t *testing.T) {
			a := startApp(t)
			a.provider.tells(func(claims map[string]any) { claims["roles"] = roles })
			ada := a.browser()
			for _, p := range []page{ada.signIn("/payments"), ada.get("/"), ada.do(http.MethodPost, "/payments", nil)} {
				p.want(t, http.StatusForbidden, "You are signed in as Mia Weber, who may not use this app: it is for the role manager.", `action="/sign-out"`)
			}
			a.logged(t, "event=sign-in-failed", "lacks the role")
			if p := ada.do(http.MethodPost, "/sign-out", nil); p.location == nil || p.location.Path != "/end" {
				t.Errorf("signing out leads to %v", p.location)
			}
		})
	}
}

func TestWhoHasSeveralRolesHasThemAllAndWhatIsNoRoleGivesNothing(t *testing.T) {
	a := startApp(t)
	a.provider.tells(func(claims map[string]any) {
		claims["roles"] = []string{"auditor", "root\nsecurity=false", "manager", "manager", "offline_access"}
	})
	mia := a.browser()
	mia.signIn("/roles").want(t, http.StatusOK, "[auditor manager]")
	a.logged(t, "event=sign-in person=person-", `roles=auditor,manager`, `unknown_roles="root\nsecurity=false,offline_access"`)

	// given her session is one of the version that kept no roles, then she signs in again
	if _, err := a.db.Pool().Exec(t.Context(), `update sessions set data = replace(encode(data, 'escape'), 'roles', 'r0les')::bytea`); err != nil {
		t.Fatal(err)
	}
	mia.get("/roles").want(t, http.StatusUnauthorized, "Sign in")
}

func TestRolesAndNamesMayComeFromUserinfo(t *testing.T) {
	a := startApp(t)
	a.provider.tells(func(claims map[string]any) { delete(claims, "roles"); delete(claims, "name") })
	a.browser().signIn("/").want(t, http.StatusOK, "/|Mia Weber|mia@example.com")
	a.provider.tells(func(claims map[string]any) { delete(claims, "roles"); claims["sub"] = "tom" })
	a.browser().signIn("/").want(t, http.StatusForbidden, "could not be proved") // userinfo is about Mia
}

func TestALinkLeadsToThisSiteOnly(t *testing.T) {
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/%2f/evil.example/..", "javascript:alert(1)", "/sign-in/callback", "payments",
		"/\t/evil.example", "/" + strings.Repeat("x", 2000)} {
		a := startApp(t)
		mia := a.browser()
		mia.signIn("/sign-in?"+url.Values{"to": {to}}.Encode()).want(t, http.StatusOK, "/|Mia Weber")
	}
}
