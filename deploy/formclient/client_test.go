package formclient_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"countersign.example/deploy/formclient"
)

const page = `<!doctype html><title>t</title><main><div class="flash tone-good" id="flash-1"><div>Added. <a href="/x">See it</a></div></div><p class="flash tone-bad">always</p><a href="/orders/1">one</a> <a href="orders/2">two</a> <a href="/other">other</a>
<form method="post" action="/add"><input type="hidden" name="key" value="k1"><label for="p">Product (required)</label>
<select id="p" name="product"><option value="">Choose</option><option value="c">Cement</option></select>
<label>Quantity <input name="quantity" value="1"></label>
<button>Add</button><button aria-label="Remove one" name="quantity" value="-1" formaction="/remove"><svg></svg></button>
<button formmethod="get" formaction="/look">Look</button><button disabled>Submit</button></form></main>`

func TestAPersonWithoutScripts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && r.Header.Get("Origin") == "":
			w.WriteHeader(http.StatusForbidden)
		case r.Method == http.MethodPost:
			fmt.Fprintf(w, "<body>%s %s × %s, key %s</body>", r.URL.Path, r.FormValue("product"), r.FormValue("quantity"), r.FormValue("key"))
		case r.URL.Path == "/look":
			fmt.Fprintf(w, "<body>%s %s</body>", r.Method, r.FormValue("product"))
		case r.URL.Path == "/gone":
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "<body>nothing here</body>")
		default:
			fmt.Fprint(w, page)
		}
	}))
	t.Cleanup(server.Close)
	c := formclient.New(server.URL + "/")
	t.Cleanup(c.Close)

	open, err := c.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	if got := open.Links("/orders/"); !slices.Equal(got, []string{"/orders/1", "/orders/2"}) {
		t.Errorf("links: %v", got)
	}
	if got := open.Value("Add", "key"); got != "k1" {
		t.Errorf("key: %q", got)
	}
	if got := open.Messages(); !slices.Equal(got, []formclient.Message{{Tone: "good", Text: "Added. See it"}}) {
		t.Errorf("messages: %v", got)
	}
	for name, want := range map[string]string{"Add": "/add c × 2, key k1", "Remove one": "/remove c × -1, key k1", "Look": "GET c"} {
		shown, err := open.Press(name, "Product", "Cement", "Quantity", "2")
		if err != nil || shown.Text() != want {
			t.Errorf("%s: %q (%v), not %q", name, shown.Text(), err, want)
		}
	}
	if open.Has("Submit") {
		t.Error("a button that is disabled can be pressed")
	}
	if _, err := open.Press("Add", "Product", "Gold"); err == nil {
		t.Error("what no list offers was chosen")
	}
	var status *formclient.StatusError
	if _, err := c.Open("/gone"); !errors.As(err, &status) || status.Status != http.StatusNotFound {
		t.Errorf("a page that is not there: %v", err)
	}
}
