package web_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

func TestWhatPostgresGivesUpMayBeTriedAgain(t *testing.T) {
	for code, status := range map[string]int{"57014": 503, "40P01": 503, "40001": 503, "55P03": 503, "57P01": 503, "23505": 500} {
		t.Run(code, func(t *testing.T) {
			// given
			e := web.NewAPI(slog.New(slog.NewTextHandler(io.Discard, nil)), nil)
			e.GET("/", func(echo.Context) error { return fmt.Errorf("list: %w", &pgconn.PgError{Code: code}) })
			answer := httptest.NewRecorder()
			// when
			e.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
			// then
			if answer.Code != status {
				t.Errorf("answered %d %s, not %d", answer.Code, answer.Body, status)
			}
		})
	}
}
