package browser_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"countersign.example/test/browser"
)

const page = `<!doctype html><title>t</title><form method="post"><label for="a">Amount</label><input id="a" name="a">
<button>Send</button></form><p>hello</p><p hidden>secret</p>`

func TestMain(m *testing.M) {
	code := m.Run()
	browser.Quit()
	os.Exit(code)
}

func TestBrowsersShareNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "a stranger"
		if cookie, err := r.Cookie("who"); err == nil {
			who = cookie.Value
		}
		if name := r.FormValue("name"); name != "" {
			http.SetCookie(w, &http.Cookie{Name: "who", Value: name})
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>you are "+who)
	}))
	t.Cleanup(server.Close)
	one, other := browser.New(t), browser.New(t)
	one.Tab(t, server.URL+"?name=mia").See("you are a stranger")
	one.Tab(t, server.URL).See("you are mia")
	other.Tab(t, server.URL).See("you are a stranger")
}

func TestAPersonFillsPressesAndSees(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, page+"<p>sent: "+r.FormValue("a")+"</p>")
	}))
	t.Cleanup(server.Close)
	b := browser.New(t)
	for name, options := range map[string][]browser.Option{"with scripts": nil, "without": {browser.WithoutJavaScript}} {
		t.Run(name, func(t *testing.T) {
			tab := b.Tab(t, server.URL, options...)
			tab.See("hello")
			tab.SeeNot("secret")
			tab.Fill("Amount", "12.50")
			tab.Press("Send")
			tab.See("sent: 12.50")
		})
	}
}
