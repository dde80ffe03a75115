package pages_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestAnAuditorReadsTheSecurityLog(t *testing.T) {
	o := open(t, nowhere)
	auditor := o.manager("iris-hahn")
	// given more lines than a page has, the newest with a mark-up in what a browser has sent
	for i := range 60 {
		kind, event, details := "sign-ins", "sign-in", ""
		if i%2 == 1 {
			kind, event, details = "refusals", "refused-origin", fmt.Sprintf("origin=<b>%d</b>", i)
		}
		_, err := o.db.Pool().Exec(t.Context(), `insert into security_log (at, kind, event, person, session, address, details)
			values (now() - make_interval(mins => 60 - $1), $2, $3, $4, 'abc', '192.0.2.7', $5)`, i, kind, event, fmt.Sprint("person-", i%3), details)
		o.must(err)
	}
	first := auditor.get("/security")
	if first.status != http.StatusOK || !strings.Contains(first.text, "origin=&lt;b&gt;59&lt;/b&gt;") || strings.Count(first.text, "192.0.2.7") != 50 {
		t.Fatalf("%d: %s", first.status, first.text)
	}
	older := auditor.get("/security" + hrefAfter(t, first.text, `rel="next" href="/security`))
	if strings.Count(older.text, "192.0.2.7") != 10 || !strings.Contains(older.text, "Newer") {
		t.Errorf("the older page: %s", older.text)
	}
	refused := auditor.get("/security?tab=refusals&person=person-2")
	if n := strings.Count(refused.text, "Refused: sent by another site"); n != 10 || strings.Contains(refused.text, "Signed in</span>") {
		t.Errorf("%d refusals of one: %s", n, refused.text)
	}
	if nothing := auditor.get("/security?tab=acts"); !strings.Contains(nothing.text, "Nothing here") {
		t.Errorf("%s", nothing.text)
	}
	for _, address := range []string{"?tab=x", "?before=x", "?person=%00", "?person=%ff", "?person=" + strings.Repeat("x", 300)} {
		if page := auditor.get("/security" + address); page.status != http.StatusNotFound {
			t.Errorf("%s is answered %d", address, page.status)
		}
	}
	// and nobody else reads it, or is led to it
	manager := o.manager("mia-weber")
	if page := manager.get("/security"); page.status != http.StatusForbidden || strings.Contains(page.text, "192.0.2.7") {
		t.Errorf("a manager: %d", page.status)
	}
	if strings.Contains(manager.get("/payments").text, `href="/security"`) || !strings.Contains(auditor.get("/payments").text, `href="/security"`) {
		t.Error("the navigation is not theirs")
	}
}

func TestWhoTakesAFileOutIsOnRecord(t *testing.T) {
	o := open(t, nowhere)
	o.manager("mia-weber").get("/payments/export?tab=all").is(http.StatusOK)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.sessions.KeepSecurityLog(ended) // it stores what waits
	o.manager("lena-roth").get("/security?tab=acts").is(http.StatusOK, "Took a file out", "path=/payments/export?tab=all", "mia-weber")
}

// hrefAfter is the rest of the address that stands behind a mark.
func hrefAfter(t *testing.T, page, mark string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, mark)
	href, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("%s is not on %s", mark, page)
	}
	return strings.ReplaceAll(href, "&amp;", "&")
}
