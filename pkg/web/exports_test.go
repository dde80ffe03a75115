package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

func TestWhoHasTwoFilesUnderWayIsToldToWait(t *testing.T) {
	s := startSample(t)
	begun, goOn := make(chan struct{}, 3), make(chan struct{})
	s.site.GET("/file", try, func(c echo.Context) error {
		return web.SendCSV(c, "things", []string{"Name"}, func(yield func([]string, error) bool) {
			begun <- struct{}{}
			<-goOn
			yield([]string{"Sand"}, nil)
		})
	})
	s.get(t, "/") // the session that both are of
	files := make(chan string, 2)
	for range 2 {
		go func() {
			response, err := s.browser.Get(s.URL + "/file")
			if err != nil {
				files <- err.Error()
				return
			}
			defer response.Body.Close()
			text, _ := io.ReadAll(response.Body)
			files <- string(text)
		}()
	}
	<-begun
	<-begun
	response, page := s.get(t, "/file")
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Errorf("the third is answered with %d, %v", response.StatusCode, response.Header)
	}
	wantText(t, page, "<h1", "One thing after another", "Two files of yours are under way", "Try again once one of them is there.")
	close(goOn)
	for range 2 {
		if text := <-files; !strings.Contains(text, "Sand") {
			t.Errorf("a file holds %q", text)
		}
	}
	if response, text := s.get(t, "/file"); response.StatusCode != http.StatusOK || !strings.Contains(text, "Sand") {
		t.Errorf("then it is answered with %d", response.StatusCode)
	}
}
