package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

const tomsStream = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"

// access writes whether Tom may use the app, as a projector does.
func (s *sample) access(t *testing.T, blocked bool) {
	t.Helper()
	if err := s.db.InTx(t.Context(), func(tx *pg.Tx) error {
		return web.QueueAccess(tx, []web.Access{{ID: tomsStream, Person: "tom-berg", Blocked: blocked, ByName: "Lena Roth", At: time.Date(2026, 11, 30, 14, 5, 0, 0, time.UTC)}})
	}); err != nil {
		t.Fatal(err)
	}
}

// sessionsOf names the sessions of a person.
func (s *sample) sessionsOf(t *testing.T, person string) []string {
	t.Helper()
	var names []string
	if err := s.db.Pool().QueryRow(t.Context(), "select coalesce(array_agg(token), '{}') from sessions where person = $1", person).Scan(&names); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWhoIsBlockedIsOutAtOnceAndToldSo(t *testing.T) {
	s := startSample(t)
	mia := s.browser
	s.get(t, "/")
	s.browser = newBrowser()
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	tom := s.sessionsOf(t, "tom-berg")

	// when he is blocked
	s.access(t, true)

	// then his session has ended, and he is told who to ask
	if len(tom) != 1 || len(s.sessionsOf(t, "tom-berg")) != 0 {
		t.Errorf("of his sessions %v are left %v", tom, s.sessionsOf(t, "tom-berg"))
	}
	const words = "Lena Roth has blocked you, 30 Nov 2026, 14:05"
	for _, path := range []string{"/", "/form", "/live?as=tom-berg"} {
		response, page := s.get(t, path)
		if response.StatusCode != http.StatusForbidden || !strings.Contains(page, words) || !strings.Contains(page, `<option value="mia-weber">`) {
			t.Errorf("%s: %d %s", path, response.StatusCode, page)
		}
	}
	if response, page := s.post(t, "/form", url.Values{"amount": {"1"}}); response.StatusCode != http.StatusForbidden || !strings.Contains(page, "Nothing was changed.") {
		t.Errorf("a form: %d %s", response.StatusCode, page)
	}
	// and nobody can choose to be him, which is on record
	if response, page := s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}}); response.StatusCode != http.StatusForbidden || !strings.Contains(page, words) {
		t.Errorf("choosing him: %d %s", response.StatusCode, page)
	}
	if log := s.log.String(); !strings.Contains(log, "event=sign-in-failed person=tom-berg") || !strings.Contains(log, `reason="the person is blocked"`) {
		t.Errorf("the log is %s", log)
	}
	// and the browser can go on as somebody else, as others do
	if _, name := s.post(t, "/signed-in-as", url.Values{"person": {"mia-weber"}}); !strings.Contains(name, "Mia Weber") {
		t.Errorf("as somebody else: %s", name)
	}
	tomsBrowser := s.browser
	s.browser = mia
	if _, name := s.get(t, "/whoami"); name != "Mia Weber" {
		t.Errorf("others are %q", name)
	}

	// and when he is unblocked, he is in again
	s.access(t, false)
	s.browser = tomsBrowser
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	if _, name := s.get(t, "/whoami"); name != "Tom Berg" {
		t.Errorf("unblocked: %q", name)
	}
}

// A session that was begun in the moment of blocking is in the table, and is nobody's.
func TestASessionThatBeginsWhileItsPersonIsBlockedCountsForNothing(t *testing.T) {
	s := startSample(t)
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	if _, err := s.db.Pool().Exec(t.Context(), "insert into person_access values ($1, 'tom-berg', true, 'Lena Roth', now())", tomsStream); err != nil {
		t.Fatal(err)
	}
	tom := s.sessionsOf(t, "tom-berg")
	if response, _ := s.get(t, "/whoami"); response.StatusCode != http.StatusForbidden {
		t.Errorf("he acts with it: %d", response.StatusCode)
	}
	if ended, err := s.sessions.Ended(t.Context(), tom); err != nil || len(ended) != 1 {
		t.Errorf("its sockets stay: %v, %v", ended, err)
	}
}

func TestAChangeOfRightsGivesTheSessionAnotherToken(t *testing.T) {
	s := startSample(t)
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	var deadline, after time.Time
	read := func(into *time.Time) {
		if err := s.db.Pool().QueryRow(t.Context(), "select deadline from sessions").Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	s.set(t, "deadline = deadline - interval '1 minute', data = data")
	read(&deadline)
	before := s.cookie(t)

	// when his rights change, then what a page fetches by itself leaves the token, and his next page renews it
	if err := s.db.InTx(t.Context(), func(tx *pg.Tx) error { web.QueueRenewal(tx, "tom-berg"); return nil }); err != nil {
		t.Fatal(err)
	}
	s.get(t, "/whoami", "Page-Refresh", "1")
	s.get(t, "/whoami", "Sec-Fetch-Mode", "cors")
	if s.cookie(t) != before {
		t.Error("renewed by what a page fetches")
	}
	if _, name := s.get(t, "/whoami"); name != "Tom Berg" || s.cookie(t) == before {
		t.Errorf("%s has the same token", name)
	}
	read(&after)
	if after.After(deadline.Add(time.Minute + time.Second)) {
		t.Errorf("the session lasts until %s, not %s", after, deadline)
	}
	renewed := s.cookie(t)
	if _, name := s.get(t, "/whoami"); name != "Tom Berg" || s.cookie(t) != renewed {
		t.Error("renewed twice")
	}
	thief := httptest.NewRequest(http.MethodGet, "/whoami", nil)
	thief.AddCookie(&http.Cookie{Name: "sample_session", Value: before})
	answer := httptest.NewRecorder()
	s.site.ServeHTTP(answer, thief)
	if answer.Body.String() == "Tom Berg" {
		t.Error("the former token holds")
	}
}
