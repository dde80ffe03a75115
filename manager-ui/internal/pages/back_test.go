package pages_test

import (
	"strings"
	"testing"
)

// openFrom follows a link of a page, as a browser does.
func (m *manager) openFrom(page, path string) answer {
	m.tb.Helper()
	return m.do("GET", path, "", page)
}

func TestEverythingLeadsBackToTheListAsItWas(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	const list, back = "/payments?q=fit&tab=all", "/payments?q=fit&amp;tab=all"
	first, second := requested(ada, 100, "Fitting", 0), requested(ada, 200, "Fitting again", 1)
	o.receive(first, second)

	// Without scripts: the page knows by where one came from, its forms by what they carry.
	mia.openFrom(list, "/payments/"+first.Subject).is(200, `<a href="`+back+`">Payments</a>`, `name="back" value="`+back+`"`)
	mia.openFrom(list, "/payments/"+first.Subject+"/reject").is(200, `<a class="btn" href="`+back+`">Back</a>`, `name="back" value="`+back+`"`)
	mia.get("/payments/"+first.Subject).is(200, `<a href="/payments">Payments</a>`)
	mia.get("/payments/"+first.Subject+"?back=%2F%2Fevil.example").is(200, `<a href="/payments">Payments</a>`).without("evil.example")
	page := "/payments/" + first.Subject
	if wrong := mia.postFrom(page+"/reject", page+"/reject", "back", list).is(422, back); wrong.path != page+"/reject" {
		t.Errorf("what is wrong is shown at %s", wrong.path)
	}
	if to := mia.postFrom(page+"/reject", page+"/reject", "back", list, "reason", "Twice").is(200, "Rejected: "); to.path != list {
		t.Errorf("Reject led to %s", to.path)
	}
	page = "/payments/" + second.Subject
	if to := mia.postFrom(page, page+"/accept", "back", "https://evil.example/payments"); to.path != page {
		t.Errorf("a strange address led to %s", to.path)
	}
}

func TestSaveLeadsBackToTheProductsAsTheyWere(t *testing.T) {
	_, mia := openShop(t)
	const list = "/catalog?q=til"
	fields := []string{"sku", "T-1", "name", "Tiles", "price", "12.50", "currency", "EUR"}
	form := mia.openFrom(list, "/catalog/new").is(200, `<a href="`+list+`">Catalog</a>`).form(fields...)
	added := mia.post("/catalog", form...).is(200, "Added: ")
	page := "/catalog/" + strings.TrimPrefix(added.things()[0], "product-")
	saved := mia.post(page, mia.openFrom(list, page).is(200, `<a class="btn btn-link" href="`+list+`">Back</a>`).form(fields...)...).is(200, "Saved: ")
	if added.path != list || saved.path != list {
		t.Errorf("Add led to %s, and Save to %s", added.path, saved.path)
	}
}
