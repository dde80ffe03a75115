package web_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

func TestAFileIsReadWithinItsLimits(t *testing.T) {
	e := web.NewAPI(slog.New(slog.NewTextHandler(io.Discard, nil)), nil, web.Large{Route: "/import", Limit: 1 << 20})
	read := func(c echo.Context) error {
		data, err := web.ReadUpload(c, "file", 512<<10)
		switch {
		case errors.Is(err, web.ErrNoFile):
			return c.String(http.StatusUnprocessableEntity, "none")
		case errors.Is(err, web.ErrFileTooLarge):
			return c.String(http.StatusUnprocessableEntity, "too large")
		case err != nil:
			return err
		}
		return c.Blob(http.StatusOK, "text/csv", data)
	}
	e.POST("/import", read)
	e.POST("/elsewhere", read)
	file := func(field, name, content string) (body, media string) {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		part, err := form.CreateFormFile(field, name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, content)
		_ = form.Close()
		return b.String(), form.FormDataContentType()
	}
	for _, test := range []struct {
		name, path, field, file, content string
		status                           int
		want                             string
	}{
		{"a file", "/import", "file", "a.csv", "SKU,Name\n\xff", 200, "SKU,Name\n\xff"},
		{"a large one", "/import", "file", "a.csv", strings.Repeat("x", 512<<10), 200, "xxx"},
		{"nothing chosen", "/import", "file", "", "", 422, "none"},
		{"another field", "/import", "other", "a.csv", "x", 422, "none"},
		{"more than the handler takes", "/import", "file", "a.csv", strings.Repeat("x", 512<<10+1), 422, "too large"},
		{"more than the route takes", "/import", "file", "a.csv", strings.Repeat("x", 1<<20), 413, "1024 KB"},
		{"another route", "/elsewhere", "file", "a.csv", strings.Repeat("x", 64<<10), 413, "64 KB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			body, media := file(test.field, test.file, test.content)
			request := httptest.NewRequest(http.MethodPost, test.path, strings.NewReader(body))
			request.Header.Set("Content-Type", media)
			answer := httptest.NewRecorder()
			e.ServeHTTP(answer, request)
			if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.want) {
				t.Errorf("answered %d %.100s", answer.Code, answer.Body)
			}
		})
	}
	for _, test := range []struct {
		media, body string
		status      int
	}{
		{"application/x-www-form-urlencoded", "file=x", 415},
		{"multipart/form-data", "x", 400}, // no boundary
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf", 400},
	} {
		request := httptest.NewRequest(http.MethodPost, "/import", strings.NewReader(test.body))
		request.Header.Set("Content-Type", test.media)
		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, request)
		if answer.Code != test.status {
			t.Errorf("%s answered %d %.100s", test.media, answer.Code, answer.Body)
		}
	}
}

func TestARouteMayHaveMoreTime(t *testing.T) {
	e := web.NewAPI(slog.New(slog.DiscardHandler), nil, web.Large{Route: "/import/:id", Within: web.LongRequestTimeout}, web.Large{Route: "/import", Limit: 1 << 20})
	var left time.Duration
	measure := func(c echo.Context) error {
		deadline, _ := c.Request().Context().Deadline()
		left = time.Until(deadline)
		return c.NoContent(http.StatusNoContent)
	}
	for _, route := range []string{"/import/:id", "/import", "/other"} {
		e.POST(route, measure)
	}
	for path, most := range map[string]time.Duration{
		"/import/7": web.LongRequestTimeout, "/import": web.RequestTimeout, "/other": web.RequestTimeout,
	} {
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, nil))
		if left > most || left < most-5*time.Second {
			t.Errorf("%s has %s, want %s", path, left, most)
		}
	}
}
