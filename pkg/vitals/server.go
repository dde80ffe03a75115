package vitals

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/api"
)

const path = "/vitals"

// Register adds the route by which a service is asked.
func Register(s *api.Server, reader *Reader) {
	s.GET(path, Look, func(c echo.Context) error { return c.JSON(http.StatusOK, reader.Read(c.Request().Context())) })
}

// Client asks one service, on behalf of the person in a context.
type Client struct{ *api.Client }

// Vitals is how the service is.
func (c Client) Vitals(ctx context.Context) (v Vitals, err error) { return v, c.Get(ctx, path, &v) }
