package signin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const confirm = "/sign-in?confirm=yes&to=%2Fmuch"

// asks has the provider say that it has asked the person, when and how.
func (p *provider) asks(ago time.Duration, acr string, more func(claims map[string]any)) {
	p.tells(func(claims map[string]any) {
		claims["auth_time"], claims["acr"] = time.Now().Add(-ago).Unix(), acr
		if more != nil {
			more(claims)
		}
	})
}

func TestWhoDecidesAboutMuchProvesAgainWhoTheyAre(t *testing.T) {
	a := startApp(t)
	mia := a.browser()
	mia.signIn("/payments").want(t, http.StatusOK, "Mia Weber")
	mia.do(http.MethodPost, "/much", nil).want(t, http.StatusUnauthorized, "Once more.", `href="/sign-in?confirm=yes&amp;to=%2Fmuch"`)

	// what a page fetches by itself, of another tab or because she points at a link, leaves her what she typed
	mia.get("/much", "Page-Refresh", "1").want(t, http.StatusOK, "nothing kept")
	mia.get("/much", "X-Sec-Purpose", "prefetch").want(t, http.StatusOK, "kept")
	mia.do(http.MethodHead, "/much", nil).want(t, http.StatusOK)

	// when she confirms, then the provider is told to ask her, and how
	wanted := mia.begin(confirm)
	if q := wanted.Query(); q.Get("prompt") != "login" || q.Get("max_age") != "0" || q.Get("acr_values") != "strong" {
		t.Errorf("the provider is asked for %v", q)
	}
	a.provider.asks(0, "strong", nil)
	mia.get(a.provider.authorize(wanted)).want(t, http.StatusOK, "kept")
	mia.get("/much").want(t, http.StatusOK, "nothing kept")
	mia.do(http.MethodPost, "/much", nil).want(t, http.StatusOK, "Done by Mia Weber")
	a.logged(t, "event=confirmed")
}

func TestAConfirmationCountsFromWhenThePersonWasAsked(t *testing.T) {
	a := startApp(t)
	mia := a.browser()
	mia.signIn("/payments")
	// when the browser, which has the attempt, says that it began earlier than it did, then an older proof is
	// no newer
	wanted := mia.begin(confirm)
	a.provider.asks(40*time.Second, "strong", nil)
	mia.get(a.provider.authorize(wanted)).want(t, http.StatusOK, "kept")
	mia.do(http.MethodPost, "/much", nil).want(t, http.StatusUnauthorized, "Once more.")
}

func TestAConfirmationThatProvesNothingIsRefused(t *testing.T) {
	for name, asks := range map[string]func(p *provider){
		"of before":           func(p *provider) { p.asks(5*time.Minute, "strong", nil) },
		"in a weaker way":     func(p *provider) { p.asks(0, "password", nil) },
		"without a time":      func(p *provider) { p.asks(0, "strong", func(c map[string]any) { delete(c, "auth_time") }) },
		"with rubbish for it": func(p *provider) { p.asks(0, "strong", func(c map[string]any) { c["auth_time"] = "now" }) },
		"by somebody else": func(p *provider) {
			p.asks(0, "strong", func(c map[string]any) { c["sub"], c["name"] = "tom", "Tom Berg" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := startApp(t)
			mia := a.browser()
			mia.signIn("/payments")
			wanted := mia.begin(confirm)
			asks(a.provider)
			p := mia.get(a.provider.authorize(wanted))
			p.want(t, http.StatusForbidden)
			if !strings.Contains(p.text, "Nothing was done.") {
				t.Errorf("it says %s", p.text)
			}
			mia.do(http.MethodPost, "/much", nil).want(t, http.StatusUnauthorized, "Once more.")
			mia.get("/payments").want(t, http.StatusOK, "Mia Weber")
		})
	}
}
