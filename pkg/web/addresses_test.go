package web_test

import (
	"bytes"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestHeadAnswersAsGetWithoutABody(t *testing.T) {
	s := startSample(t)
	for _, path := range []string{"/", "/form", "/whoami", "/nothing", "/panic", "/robots.txt", "/favicon.ico"} {
		got, _ := s.get(t, path)
		head, body := s.do(t, http.MethodHead, path, nil)
		if head.StatusCode != got.StatusCode || head.Header.Get("Content-Type") != got.Header.Get("Content-Type") || body != "" {
			t.Errorf("%s: HEAD %d %s %q, GET %d %s", path, head.StatusCode, head.Header.Get("Content-Type"), body, got.StatusCode, got.Header.Get("Content-Type"))
		}
	}
}

func TestHeadKeepsTheMessageForWhoeverLooks(t *testing.T) {
	s := startSample(t)
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.post(t, "/form", url.Values{"amount": {"1.50"}})
	s.do(t, http.MethodHead, "/", nil)
	_, page := s.get(t, "/")
	wantText(t, page, "Requested. It waits for a manager.")
}

func TestSlashesAtTheEndLeadToTheAddressWithout(t *testing.T) {
	s := startSample(t)
	// Sent as they stand: a client would tidy some of them.
	ask := func(method, target string) (status int, location string) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, method+" "+target+" HTTP/1.1\r\nHost: sample\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		answer, _ := io.ReadAll(conn)
		first, rest, _ := bytes.Cut(answer, []byte("\r\n"))
		for line := range strings.SplitSeq(string(rest), "\r\n") {
			if name, value, ok := strings.Cut(line, ": "); ok && name == "Location" {
				location = value
			}
		}
		return int(first[9]-'0')*100 + int(first[10]-'0')*10 + int(first[11]-'0'), location
	}
	for target, want := range map[string]string{
		"/form/":                        "/form",
		"/form///":                      "/form",
		"/form/?a=1&b=%2F":              "/form?a=1&b=%2F",
		"//evil.example/":               "/evil.example",
		"///evil.example/%2e%2e/":       "/evil.example/%2e%2e",
		`/\evil.example/`:               "/%5Cevil.example",
		"/%5Cevil.example/":             "/%5Cevil.example",
		"/%09/evil.example/":            "/%09/evil.example",
		"/%0d%0aLocation:%20x/":         "/%0d%0aLocation:%20x",
		"http://evil.example/form/":     "/form",
		"http://evil.example//x.com/?q": "/x.com?q",
		"//":                            "/",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			if status, location := ask(method, target); status != http.StatusPermanentRedirect || location != want {
				t.Errorf("%s %s: %d to %q, not %q", method, target, status, location, want)
			}
		}
	}
	if status, location := ask(http.MethodGet, "/"); status != http.StatusOK || location != "" {
		t.Errorf("the root: %d to %q", status, location)
	}
}

func TestWhatEverySiteIsAskedFor(t *testing.T) {
	s := startSample(t)
	s.dropTabl() // nothing of it needs a session
	if response, text := s.get(t, "/robots.txt"); response.StatusCode != http.StatusOK || text != "User-agent: *\nDisallow: /\n" {
		t.Errorf("robots: %d %q", response.StatusCode, text)
	}
	if response, text := s.get(t, "/licences"); response.StatusCode != http.StatusOK || !strings.Contains(text, "Mozilla Public License") ||
		response.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("licences: %d %.100s", response.StatusCode, text)
	}
	response, icon := s.get(t, "/favicon.ico")
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "image/x-icon" || !strings.HasPrefix(icon, "\x00\x00\x01\x00") {
		t.Fatalf("icon: %d %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	first := strings.Index(icon, "\x89PNG")
	if first < 0 {
		t.Fatal("the icon holds no picture")
	}
	if picture, err := png.Decode(strings.NewReader(icon[first:])); err != nil || picture.Bounds().Dx() != 16 {
		t.Errorf("the first picture: %v", err)
	}
}
