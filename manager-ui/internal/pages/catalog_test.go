package pages_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/catalogtest"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// shop is a testSite with the real catalog of ordering-core behind it, whose events are received before it
// answers.
type shop struct {
	*testSite
	catalog *catalogtest.Core
	deaf    atomic.Bool // nothing is received
	mu      sync.Mutex  // one command after the other: a client that waited too long sends its own again
	sent    []string    // the commands: "path key"
}

func openShop(tb testing.TB) (*shop, *manager) {
	tb.Helper()
	s := &shop{testSite: open(tb, nowhere), catalog: catalogtest.New(tb)}
	s.orderingAnswers(s.answer)
	return s, s.manager("mia-weber")
}

func (s *shop) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, r.URL.Path+" "+r.Header.Get("Idempotency-Key"))
	given := httptest.NewRecorder()
	s.catalog.ServeHTTP(given, r)
	if !s.deaf.Load() {
		s.receive(s.catalog.Written()...)
	}
	for name, values := range given.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(given.Code)
	_, _ = w.Write(given.Body.Bytes())
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)

// form is the hidden fields of a page's first form, with others.
func (a answer) form(fields ...string) []string {
	a.tb.Helper()
	_, first, _ := strings.Cut(a.text, `-form"`)
	first, _, found := strings.Cut(first, "</form>")
	if !found {
		a.tb.Fatalf("%s has no form:\n%s", a.path, a.text)
	}
	for _, m := range hidden.FindAllStringSubmatch(first, -1) {
		fields = append(fields, m[1], m[2])
	}
	return fields
}

var trIDs = regexp.MustCompile(`<tr id="((?:product|customer)-[0-9a-f-]+)"`)

// things are the rows of a list by name.
func (a answer) things() (ids []string) {
	for _, m := range trIDs.FindAllStringSubmatch(a.text, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// added is a product that ordering-core has told of.
func added(sku, name string, minor int64) event.Event {
	id := uuid.NewString()
	e := catalog.New("/ordering-core", id, catalog.ProductAdded{ProductID: id, SKU: sku, Name: name, Price: money.Amount{Minor: minor, Currency: "EUR"}})
	e.Time, e.Sequence = noon, 1
	return e
}

func TestAProductsLife(t *testing.T) {
	s, mia := openShop(t)
	mia.get("/catalog").is(200, "No products yet", `href="/catalog/new"`, `aria-current="page">Catalog</a>`)

	// when it is added, by pressing twice
	form := mia.get("/catalog/new").is(200).form("sku", "T-1", "name", "Tiles <grey>", "price", "12.50", "currency", "EUR")
	mia.post("/catalog", form...).is(200, "Added: Tiles &lt;grey&gt;, 12.50 EUR.", "T-1", `12.50 <span class="money-currency">EUR`)
	list := mia.post("/catalog", form...).is(200, "Added:")
	if len(list.things()) != 1 || len(s.sent) != 2 || s.sent[0] != s.sent[1] {
		t.Fatalf("pressing twice sent %v and made %v", s.sent, list.things())
	}
	page := "/catalog/" + strings.TrimPrefix(list.things()[0], "product-")

	// and changed
	mia.get(page).is(200, `value="12.50"`, "Tiles &lt;grey&gt;", `data-live-subject="product-`)
	form = mia.get(page).form("sku", "T-1", "name", "Tiles", "price", "13", "currency", "EUR")
	mia.post(page, form...).is(200, "Saved: Tiles, 13.00 EUR.")

	// then somebody who saw what it was is told what it is
	conflict := mia.post(page, append(form, "name", "Tile")...).is(409, "Not saved", "It was changed meanwhile by Mia Weber", "13.00 EUR", `value="Tile"`)
	mia.post(page, conflict.form("sku", "T-1", "name", "Tile", "price", "13", "currency", "EUR")...).is(200, "Saved: Tile, 13.00 EUR.")

	// and archived
	mia.get(page).is(200, `href="`+page+`/archive"`).without(`action="` + page + `/archive"`)
	key := mia.get(page+"/archive").is(200, "Archive this product?", "There is no way back", "Keep it").key()
	mia.post(page+"/archive", "key", key).is(200, "Archived: Tile.", "No products yet")
	mia.get("/catalog?tab=archived").is(200, "Tile", `href="/catalog/new?from=`+strings.TrimPrefix(page, "/catalog/")+`">Add anew`).without(">Change<")
	for _, gone := range []string{page, page + "/archive"} {
		mia.get(gone).is(200, "cannot be added to new ones", "Add product anew").without("<button class=\"btn btn-primary\"", "Archive this")
	}
	mia.post(page, append(form, "name", "Late")...).is(409, "It was archived by Mia Weber").without("is kept", "save again")
}

// Whoever saves second takes back nothing that they have not typed.
func TestTwoWhoChangeOneProduct(t *testing.T) {
	s, mia := openShop(t)
	tom := s.manager("tom-berg")
	form := mia.get("/catalog/new").form("sku", "T-1", "name", "Tiles", "price", "10", "currency", "EUR")
	page := "/catalog/" + strings.TrimPrefix(mia.post("/catalog", form...).is(200).things()[0], "product-")
	change := func(who *manager, from answer, fields ...string) answer {
		all := map[string]string{"sku": "T-1", "name": "Tiles", "price": "10.00", "currency": "EUR"}
		for name := range all {
			if m := regexp.MustCompile(`name="` + name + `" type="text" value="([^"]*)"`).FindStringSubmatch(from.text); m != nil {
				all[name] = m[1]
			}
		}
		if m := regexp.MustCompile(`<option value="([A-Z]+)" selected>`).FindStringSubmatch(from.text); m != nil {
			all["currency"] = m[1]
		}
		for i := 0; i < len(fields); i += 2 {
			all[fields[i]] = fields[i+1]
		}
		return who.post(page, from.form("sku", all["sku"], "name", all["name"], "price", all["price"], "currency", all["currency"])...)
	}

	// given two who look at it, of whom one sets another price
	seen := mia.get(page).is(200)
	change(tom, tom.get(page), "price", "20").is(200, "Saved: Tiles, 20.00 EUR.")

	// when the other has renamed it, then her name stands beside his price, which saving again keeps
	asked := change(mia, seen, "name", "Oak tiles").is(409, "Not saved", "changed meanwhile by Tom Berg", `value="Oak tiles"`, `value="20.00"`,
		`id="price-note">It was “10.00 EUR” when you began.`, "What you did not change is as it is now").without(`id="name-error"`)
	change(mia, asked).is(200, "Saved: Oak tiles, 20.00 EUR.")

	// when both change the price, then hers is kept beside his, and is what saving again sets
	seen = mia.get(page)
	change(tom, tom.get(page), "price", "30", "sku", "T-2").is(200, "Saved: Oak tiles, 30.00 EUR.")
	asked = change(mia, seen, "price", "25").is(409, `id="price-error">It is “30.00 EUR” now, and was “20.00 EUR” when you began. Yours is kept`,
		`value="25"`, `value="T-2"`, `id="sku-note">It was “T-1” when you began.`)
	change(mia, asked).is(200, "Saved: Oak tiles, 25.00 EUR.", "T-2")

	// and a third who was before that is asked again
	change(tom, seen, "name", "Tiles of oak").is(409, `value="25.00"`, `value="T-2"`)

	// and a price in another currency is another price
	seen = mia.get(page)
	change(tom, tom.get(page), "price", "3000", "currency", "JPY").is(200, "Saved: Oak tiles, 3,000 JPY.")
	change(mia, seen, "price", "26").is(409, `id="price-error">It is “3,000 JPY” now, and was “25.00 EUR” when you began.`, `value="26"`, `<option value="EUR" selected>`)
}

func TestTwoWhoChangeOneCustomer(t *testing.T) {
	s, mia := openShop(t)
	tom := s.manager("tom-berg")
	form := mia.get("/customers/new").form("name", "Hotel Sonne", "email", "office@sonne.example")
	page := "/customers/" + strings.TrimPrefix(mia.post("/customers", form...).is(200).things()[0], "customer-")
	seen := mia.get(page)
	tom.post(page, tom.get(page).form("name", "Hotel Sonne", "email", "new@sonne.example")...).is(200, "Saved: Hotel Sonne.")
	asked := mia.post(page, seen.form("name", "Hotel Sonne AG", "email", "office@sonne.example")...).is(409, `value="Hotel Sonne AG"`, `value="new@sonne.example"`,
		`id="email-note">It was “office@sonne.example” when you began.`)
	mia.post(page, asked.form("name", "Hotel Sonne AG", "email", "new@sonne.example")...).is(200, "Saved: Hotel Sonne AG.", "new@sonne.example")
}

func TestACustomersLife(t *testing.T) {
	s, mia := openShop(t)
	form := mia.get("/customers/new").is(200).form("name", "Hotel Sonne", "email", "office@sonne.example")
	list := mia.post("/customers", form...).is(200, "Added: Hotel Sonne.", "office@sonne.example")
	page := "/customers/" + strings.TrimPrefix(list.things()[0], "customer-")
	mia.post(page, mia.get(page).is(200).form("name", "Hotel Sonne AG", "email", "office@sonne.example")...).is(200, "Saved: Hotel Sonne AG.")
	form = mia.get("/customers/new").form("name", "X", "email", "OFFICE@sonne.example")
	mia.post("/customers", form...).is(409, "Another customer has the address", `value="X"`)

	// archived, which is not answered at first
	s.orderingAnswers(nil)
	ask := mia.get(page+"/archive").is(200, "Archive this customer?")
	if again := mia.post(page+"/archive", "key", ask.key()).is(503, "Perhaps not archived", "Archive this customer?"); again.key() != ask.key() {
		t.Error("pressing again is another command")
	}
	s.orderingAnswers(s.answer)
	mia.post(page+"/archive", "key", ask.key()).is(200, "Archived: Hotel Sonne AG.", "No customers yet")

	// and added again
	form = mia.get("/customers/new?from="+strings.TrimPrefix(page, "/customers/")).is(200, `value="Hotel Sonne AG"`).
		form("name", "Hotel Sonne AG", "email", "office@sonne.example")
	again := mia.post("/customers", form...).is(200, "Added: Hotel Sonne AG.").things()
	if len(again) != 1 || "/customers/"+strings.TrimPrefix(again[0], "customer-") == page {
		t.Errorf("lists %v", again)
	}
	mia.get("/customers/new?from=rubbish").is(404)
}

func TestWrongProducts(t *testing.T) {
	s, mia := openShop(t)
	for _, test := range []struct{ field, value, says string }{
		{"name", "", "Enter a name"}, {"name", strings.Repeat("x", 201), "200 characters at most"}, {"name", "a\x00b", "not text"},
		{"sku", " ", "Enter an SKU"}, {"price", "", "Enter an amount"}, {"price", "1,5.5", "point before the decimals"}, {"price", "$ 5", "the currency chosen is EUR"},
		{"name", "\u200b", "Enter a name"}, {"name", "Ti\u202eles", "turn the direction"}, {"name", "Ti\nles", "in one line"}, {"sku", "\u3164", "Enter an SKU"},
		{"price", "1.234", "can be read in two ways"}, {"price", "-1", "above zero"},
		{"price", "0", "above zero"}, {"price", "1e9", "in digits"}, {"price", "99999999999", "at most"}, {"currency", "XXX", "Choose a currency"},
	} {
		fields := map[string]string{"sku": "T-1", "name": "Tiles", "price": "12.50", "currency": "EUR"}
		fields[test.field] = test.value
		form := mia.get("/catalog/new").form()
		for name, value := range fields {
			form = append(form, name, value)
		}
		mia.post("/catalog", form...).is(422, test.says)
	}
	mia.post("/catalog", "name", "Tiles").is(400)
	mia.get("/catalog/"+uuid.NewString()).is(404, "There is no such product.")
	mia.get("/catalog/rubbish").is(404)
	mia.post("/catalog/"+uuid.NewString(), mia.get("/catalog/new").form("sku", "T")...).is(404)
	if len(s.sent) != 0 {
		t.Errorf("ordering-core was asked for %v", s.sent)
	}
}

func TestAPriceWithTwoReadingsIsAskedBack(t *testing.T) {
	s, mia := openShop(t)
	typed := append(mia.get("/catalog/new").form(), "sku", "T-1", "name", "Tiles", "price", "1,234", "currency", "KWD")
	mia.post("/catalog", typed...).is(422, `name="pick-price" value="1234.000">1,234.000 KWD</button>`, `name="pick-price" value="1.234">1.234 KWD</button>`)
	mia.post("/catalog", append(typed, "pick-price", "1.234")...).is(422, `value="1.234" autocomplete`, `value="Tiles"`, "Nothing has been sent yet")
	if len(s.sent) != 0 {
		t.Errorf("ordering-core was asked for %v", s.sent)
	}
}

func TestOrderingCoreMisbehaves(t *testing.T) {
	for name, test := range map[string]struct {
		core   http.HandlerFunc
		status int
		says   string
	}{
		"500":             {respond(500, "text/plain", "oops"), 503, "Perhaps not saved"},
		"rubbish":         {respond(200, "application/json", `{"hello":1}`), 503, "Perhaps not saved"},
		"another product": {respond(200, "application/json", `{"product_id":"x","sequence":2}`), 503, "Perhaps not saved"},
		"hangs up":        {nil, 503, "Perhaps not saved"},
		"never answers":   {silent, 503, "Perhaps not saved"},
		"is away":         {nil, 503, "ordering-core cannot be reached at the moment. Nothing was changed"},
		"denies":          {respond(401, "application/problem+json", `{"detail":"bad token"}`), 503, "Not saved.</strong> ordering-core does not take this from us. Nothing was changed"},
		"refuses":         {respond(409, "application/problem+json", `{"detail":"not today","code":"x"}`), 409, "Not saved.</strong> Not today."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t, nowhere)
			mia := o.manager("mia-weber")
			tiles := added("T-1", "Tiles", 1250)
			o.receive(tiles)
			o.orderingAnswers(test.core)
			if name == "is away" {
				o.core.Close()
			}
			form := mia.get("/catalog/"+tiles.Subject).form("sku", "T-2", "name", "What I typed", "price", "13", "currency", "EUR")
			page := mia.post("/catalog/"+tiles.Subject, form...).is(test.status, test.says, `value="What I typed"`, `value="T-2"`)
			if spent := page.key() != value(form, "key"); spent != (test.status == 409) {
				t.Errorf("the key was spent: %v", spent)
			}
			mia.get("/catalog").is(200, "Tiles") // what can be read still is
		})
	}
}

func value(form []string, name string) string {
	for i := 0; i+1 < len(form); i += 2 {
		if form[i] == name {
			return form[i+1]
		}
	}
	return ""
}

func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func respond(status int, media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestShownShortly(t *testing.T) {
	s, mia := openShop(t)
	s.deaf.Store(true)
	form := mia.get("/catalog/new").form("sku", "T-1", "name", "Tiles", "price", "12.50", "currency", "EUR")
	mia.post("/catalog", form...).is(200, "Saved. It is shown shortly.", "No products yet")
}

func TestListByName(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	var events []event.Event
	for i := range 2*readmodel.PageSize + 3 {
		events = append(events, added(fmt.Sprintf("S-%d", i), fmt.Sprintf("Product %03d", i/2), 1)) // two of each name
	}
	zinc := added("ZN-30x30", "Zinc gutter, Łódź", 100)
	o.receive(append(events, zinc)...)

	// when paging there and back
	var seen, pages []string
	page := mia.get("/catalog").is(200)
	for {
		seen, pages = append(seen, page.things()...), append(pages, strings.Join(page.things(), ","))
		next := page.link("next")
		if next == "" {
			break
		}
		page = mia.get(next).is(200)
	}
	slices.SortStableFunc(events, func(a, b event.Event) int {
		return strings.Compare(nameOf(t, a)+a.Subject, nameOf(t, b)+b.Subject)
	})
	for i, e := range append(events, zinc) {
		if i >= len(seen) || seen[i] != "product-"+e.Subject {
			t.Fatalf("row %d of %d is not in its place", i, len(seen))
		}
	}
	for i := len(pages) - 2; i >= 0; i-- {
		if page = mia.get(page.link("prev")).is(200); strings.Join(page.things(), ",") != pages[i] {
			t.Errorf("page %d backwards differs", i)
		}
	}

	// then a search finds parts of words, and of two letters their beginnings
	for query, found := range map[string]bool{
		"zinc": true, "GUT": true, "zn": true, "30x": true, "%C5%82%C3%B3d": true, "zinc+gutter": true, "inc": true, "in": false, "zinc+tiles": false, "%2B%2F": false, "%25": false,
	} {
		if got := mia.get("/catalog?q=" + query).is(200).things(); (len(got) == 1) != found {
			t.Errorf("%s finds %v", query, got)
		}
	}
	mia.get("/catalog?tab=archived&q=zinc").is(200, "Nothing found")
	mia.get("/catalog?after=rubbish").is(400)
	mia.get("/catalog?tab=x").is(404)
}

func nameOf(tb testing.TB, e event.Event) string {
	body, err := catalog.Decode(e.Type, e.Data)
	if err != nil {
		tb.Fatal(err)
	}
	return body.(catalog.ProductAdded).Name
}

func TestCatalogLiveEqualsPage(t *testing.T) {
	s, mia := openShop(t)
	mia.post("/catalog", mia.get("/catalog/new").form("sku", "T", "name", "<b>Tiles", "price", "1", "currency", "JPY")...).is(200)
	mia.post("/customers", mia.get("/customers/new").form("name", "Hotel", "email", "a@b")...).is(200)
	for path, prefix := range map[string]string{"/catalog": "product-", "/customers": "customer-"} {
		page := mia.get(path).is(200)
		id := page.things()[0]
		rows, err := pages.NewLive(s.db, s.renderer).Rows(t.Context(), []string{id, prefix + uuid.NewString(), prefix})
		s.must(err)
		if len(rows) != 1 || !strings.Contains(page.text, forManagers(rows[0].HTML)) || rows[0].ID != id || rows[0].Revision != 2 ||
			!slices.Equal(rows[0].Tabs, []string{"current"}) || !strings.Contains(page.text, `data-live-list="`+rows[0].List+`"`) {
			t.Errorf("pushed %+v", rows)
		}
	}
}

// upload sends a file to be previewed.
func (m *manager) upload(path, content string) answer {
	m.tb.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "file.csv")
	m.must(err)
	_, _ = part.Write([]byte(content))
	m.must(form.Close())
	return m.send(http.MethodPost, path, body.String(), form.FormDataContentType(), "")
}
