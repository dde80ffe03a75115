package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestNothingIsReadForTheHeadersOfAFile(t *testing.T) {
	recorder := httptest.NewRecorder()
	c := echo.New().NewContext(httptest.NewRequest(http.MethodHead, "/payments/export", nil), recorder)
	err := SendCSV(c, "payments", []string{"ID"}, func(func([]string, error) bool) { t.Error("rows are read") })
	if err != nil || recorder.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("%v, %v", err, recorder.Header())
	}
}

func TestSoManyFilesAreSentAtOnce(t *testing.T) {
	var e exports
	begin := func(person string, want int) func() {
		t.Helper()
		end, err := e.begin(person)
		status := http.StatusOK
		if refused, ok := errors.AsType[*Error](err); ok {
			status = refused.Status
		}
		if status != want {
			t.Errorf("%s is answered with %d: %v", person, status, err)
		}
		return end
	}
	end := begin("ada", http.StatusOK)
	begin("ada", http.StatusOK)
	begin("ada", http.StatusTooManyRequests)
	begin("jon", http.StatusOK)
	begin("jon", http.StatusOK)
	begin("sara", http.StatusServiceUnavailable)
	end()
	end() // once more, which counts for nothing
	begin("sara", http.StatusOK)
	begin("mia", http.StatusServiceUnavailable)
}
