package web

import (
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
