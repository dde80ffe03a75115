package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// saves saves the view of the payments at a query, under a name.
func (b *browser) saves(query, name string) answer {
	b.d.t.Helper()
	return b.post("/payments/views"+query, url.Values{"view": {name}})
}

func (b *browser) never(a answer, text string) {
	b.d.t.Helper()
	if strings.Contains(a.text, text) {
		b.d.t.Errorf("%q is in the page:\n%s", text, a.text)
	}
}

func TestAViewOfPaymentsIsSavedOpenedAndDeleted(t *testing.T) {
	d := newTestSite(t)
	ada, jon := d.as("ada-nowak"), d.as("jon-park")
	saved := ada.saves("?tab=accepted&currency=EUR&least=100&sort=-amount&size=50&older=x&evil=//elsewhere", "  Large\u00a0ones ")
	ada.wants(saved, http.StatusBadRequest, "/payments/views") // a place that is none
	saved = ada.saves("?tab=accepted&currency=EUR&least=100&sort=-amount&size=50&evil=//elsewhere", "  Large ones ")
	address := "/?currency=EUR&amp;least=100&amp;size=50&amp;sort=-amount&amp;tab=accepted"
	link := `<a href="` + address + `" aria-current="true"><bdi>Large ones</bdi></a>`
	ada.wants(saved, http.StatusOK, "/", "This view is saved as “Large ones”.", link, `value="100"`)
	ada.never(saved, "elsewhere")
	ada.wants(ada.get("/"), http.StatusOK, "/", `<a href="`+address+`"><bdi>Large ones</bdi></a>`)

	// It is hers alone: of the same name, another person has another view, and neither deletes the other's.
	jon.never(jon.get("/"), "Large ones")
	jon.wants(jon.saves("", "Large ones"), http.StatusOK, "/", `<a href="/" aria-current="true"><bdi>Large ones</bdi></a>`)
	jon.never(jon.post("/payments/views/delete", url.Values{"view": {"LARGE ones"}}), "<bdi>")
	ada.wants(ada.get("/"), http.StatusOK, "/", "<bdi>Large ones</bdi>")
	deleted := ada.post("/payments/views/delete?tab=rejected", url.Values{"view": {"Large ones"}})
	ada.wants(deleted, http.StatusOK, "/", "The view “Large ones” is deleted.", `<a href="/?tab=rejected" aria-current="page">`)
	ada.never(deleted, "<bdi>Large ones</bdi>")
	ada.wants(ada.get("/payments/views?tab=rejected"), http.StatusOK, "/")
}

func TestAViewThatCannotBeSavedIsToldBesideItsName(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	ada.wants(ada.saves("?q=tiles", "Tiles"), http.StatusOK, "/")
	ada.wants(ada.saves("?q=tiles", "Tiles"), http.StatusOK, "/", "saved as “Tiles”") // sent again
	for name, says := range map[string]string{
		"": "Write a name for this view.", "\u200b\u2060": "Write a name for this view.", "\u0301": "Write a name for this view.",
		strings.Repeat("ä", 41): "Write 40 characters at most.", "TILES": "You have a view “Tiles” already.",
		"abc\u202edef": "turn the direction",
	} {
		ada.wants(ada.saves("?q=sand", name), http.StatusUnprocessableEntity, "/payments/views", says, `class="views" open>`, `action="/payments/views?q=sand"`)
	}
	ada.wants(ada.saves("?q=sand", strings.Repeat("ä", 41)), http.StatusUnprocessableEntity, "", `value="`+strings.Repeat("ä", 41)+`"`)
	ada.wants(ada.saves("?least=100", "Wrong"), http.StatusUnprocessableEntity, "", "The filter is not right.", "Choose the currency")
	ada.wants(ada.saves("?tab=nosuch", "Tab"), http.StatusNotFound, "")
	ada.wants(ada.saves("?sort=colour", "Sort"), http.StatusNotFound, "")

	// Many tabs at once save no more than there is place for.
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() { ada.saves("", fmt.Sprintf("View %d", i)) })
	}
	all.Wait()
	if n := strings.Count(ada.get("/").text, `aria-label="Delete the view `); n != 20 {
		t.Errorf("%d views were saved", n)
	}
	ada.wants(ada.saves("", "One more"), http.StatusUnprocessableEntity, "/payments/views", "You keep 20 views of this list", `value="One more"`)
	ada.post("/payments/views/delete", url.Values{"view": {"Tiles"}})
	ada.wants(ada.saves("", "One more"), http.StatusOK, "/", "saved as “One more”")
}
