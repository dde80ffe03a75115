package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"countersign.example/pkg/web"
)

func TestTheStartFailsOnTemplatesThatDoNotFit(t *testing.T) {
	view := func(body string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(body)} }
	for _, tc := range []struct {
		name     string
		files    fstest.MapFS
		declared []web.Declared
		want     string
	}{
		{"a view without a template", fstest.MapFS{}, []web.Declared{web.NewView[int]("lost")}, `view "lost" has no`},
		{"a template without a view", fstest.MapFS{"templates/views/x.html": view(`{{define "content"}}{{end}}`)}, nil, "declared by no view"},
		{"no content", fstest.MapFS{"templates/views/x.html": view(`x`)}, []web.Declared{web.NewView[int]("x")}, `does not define "content"`},
		{"a fragment nowhere", fstest.MapFS{}, []web.Declared{web.NewFragment[int]("row")}, `fragment "row" is defined in no partial`},
		{"a slip", fstest.MapFS{"templates/views/x.html": view(`{{if}}`)}, []web.Declared{web.NewView[int]("x")}, "parse view x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := web.NewRenderer(tc.files, web.TestAssets(), nil, tc.declared...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestAssetsAreServedSmallAndForEver(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	assets, err := web.NewAssets(fstest.MapFS{
		"manifest.json": file(`{"app.js":"app-A1.js","app.css":"app-B2.css","theme.js":"theme-C3.js"}`),
		"app-A1.js":     file("plain"), "app-A1.js.br": file("brotli"), "app-A1.js.gz": file("gzip"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path, accept, match string
		status              int
		body, encoding      string
	}{
		{"/assets/app-A1.js", "gzip, deflate, br", "", 200, "brotli", "br"},
		{"/assets/app-A1.js", "gzip", "", 200, "gzip", "gzip"},
		{"/assets/app-A1.js", "br;q=0, gzip;q=0.5", "", 200, "gzip", "gzip"},
		{"/assets/app-A1.js", "", "", 200, "plain", ""},
		{"/assets/app-A1.js", "br", `"app-A1.js.br"`, 304, "", ""},
		{"/assets/app-Z9.js", "br", "", 404, "There is no such file.\n", ""},
		{"/assets/manifest.json", "", "", 404, "There is no such file.\n", ""},
	} {
		request := httptest.NewRequest(http.MethodGet, tc.path, nil)
		request.Header.Set("Accept-Encoding", tc.accept)
		request.Header.Set("If-None-Match", tc.match)
		answer := httptest.NewRecorder()
		assets.ServeHTTP(answer, request)
		if answer.Code != tc.status || answer.Body.String() != tc.body || answer.Header().Get("Content-Encoding") != tc.encoding {
			t.Errorf("%+v: %d %q %v", tc, answer.Code, answer.Body, answer.Header())
		}
		if immutable := strings.Contains(answer.Header().Get("Cache-Control"), "immutable"); immutable != (tc.status != 404) {
			t.Errorf("%+v: %s", tc, answer.Header().Get("Cache-Control"))
		}
	}
}

func TestAssetsThatWereNotBuiltAreTold(t *testing.T) {
	if _, err := web.NewAssets(fstest.MapFS{".keep": {}}); err == nil || !strings.Contains(err.Error(), "make assets") {
		t.Error(err)
	}
}

func TestACursorIsReadBackOrRefused(t *testing.T) {
	type position struct {
		At time.Time
		ID string
	}
	given := position{time.Date(2026, 11, 23, 1, 2, 3, 4000, time.UTC), "x"}
	got, err := web.DecodeCursor[position](web.EncodeCursor(given))
	if err != nil || got != given {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "%", "bm90IGpzb24", web.EncodeCursor(map[string]int{"other": 1}), strings.Repeat("A", 10_000)} {
		if _, err := web.DecodeCursor[position](bad); err == nil {
			t.Errorf("%.20q was taken", bad)
		}
	}
}
