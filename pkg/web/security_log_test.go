package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign.example/pkg/web"
)

func TestTheSecurityLogIsStoredForPeopleToLookAt(t *testing.T) {
	// given lines, one with what no database takes
	s := startSample(t)
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	for _, origin := range []string{"https://evil.example", "\xff" + strings.Repeat("x", 600)} {
		s.post(t, "/form", nil, "Origin", origin, "Sec-Fetch-Site", "cross-site")
	}
	// then the printed log has the demo's people, who prove nothing, at debug only
	wantText(t, s.log.String(), `level=DEBUG msg="security: sign-in"`, `level=INFO msg="security: refused-origin"`)
	// when the service stops at once, then all of them are stored
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = s.sessions.KeepSecurityLog(ctx)

	read := func(kind web.SecurityKind, person string, before int64, limit int) []web.SecurityLine {
		t.Helper()
		lines, err := s.sessions.SecurityLog(t.Context(), kind, person, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	all := read("", "", 0, 10)
	if len(all) != 3 || all[2].Event != web.SignedIn || all[2].Person != "tom-berg" || all[2].Address != "127.0.0.1" || len(all[2].Session) != 16 {
		t.Fatalf("%+v", all)
	}
	if !strings.HasPrefix(all[1].Details, "origin=https://evil.example") || !strings.HasPrefix(all[0].Details, "origin=\uFFFDxxx") || len([]rune(all[0].Details)) != 501 {
		t.Errorf("%+v", all)
	}
	if lines := read(web.Refusals, "", all[0].ID, 10); len(lines) != 1 || lines[0] != all[1] {
		t.Errorf("refused before: %+v", lines)
	}
	if lines := read("", "tom-berg", 0, 1); len(lines) != 1 {
		t.Errorf("of Tom: %+v", lines)
	}
	// and lines go after their time
	if n, err := web.SecurityLogRetention.Apply(t.Context(), s.db, time.Now().Add(91*24*time.Hour)); err != nil || n != 3 {
		t.Errorf("%d lines are deleted: %v", n, err)
	}
}

func TestNobodyWaitsForTheSecurityLog(t *testing.T) {
	// given a log that nobody stores
	s := startSample(t)
	for range 1100 {
		if response, _ := s.post(t, "/form", nil, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); response.StatusCode != http.StatusForbidden {
			t.Fatal(response.StatusCode)
		}
	}
	if n := strings.Count(s.log.String(), "event="+web.RefusedOrigin); n != 1100 {
		t.Errorf("the printed log has %d of them", n)
	}
	// and whoever floods it, whom nobody knows, fills no table and hides nobody who is known
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 { // what waits is stored in parts
		_ = s.sessions.KeepSecurityLog(ctx)
	}
	lines, err := s.sessions.SecurityLog(t.Context(), "", "", 0, 2000)
	if err != nil || len(lines) < 100 || len(lines) > 200 || lines[0].Person != "tom-berg" {
		t.Errorf("%d lines are stored: %v", len(lines), err)
	}
}

func TestAPersonSeesWhatIsOnRecordAboutThem(t *testing.T) {
	// given lines about two people
	s := startSample(t)
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	s.post(t, "/form", nil, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = s.sessions.KeepSecurityLog(ended) // it stores what waits
	if _, err := s.db.Pool().Exec(t.Context(), `insert into security_log (at, kind, event, person, session, address, details) values
		(now(), 'acts', 'export', 'mia-weber', 'abc', '192.0.2.7', 'path=/theirs'), (now(), 'refusals', 'refused-right', 'tom-berg', 'fedcba', '192.0.2.8', 'route=/mine')`); err != nil {
		t.Fatal(err)
	}

	_, page := s.get(t, "/sessions")

	// then one of them sees their own, and of no session what stands for it
	wantText(t, page, "On record about you", "Signed in", "Refused: without the right", "route=/mine", "192.0.2.8", "127.0.0.1")
	for _, not := range []string{"192.0.2.7", "/theirs", "Took a file out", "fedcba"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q", not)
		}
	}
}
