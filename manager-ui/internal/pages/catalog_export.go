package pages

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/csvimport"
	"countersign.example/pkg/web"
)

const (
	exportTime   = 25 * time.Second // longer than a page has, and less than the server gives an answer
	exportBuffer = 32 << 10
)

// export answers with a file of everything that is not archived, as an import takes it. It is sent as it is
// read.
func (h *handlers) export(k fileKind) echo.HandlerFunc {
	return func(c echo.Context) error {
		end, err := web.BeginExport(c)
		if err != nil {
			return err
		}
		defer end()
		// When the person leaves, writing to them fails.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), exportTime)
		defer cancel()
		header := c.Response().Header()
		header.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
		header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.csv"`, k.name, h.now().UTC().Format("2006-01-02")))
		header.Set("Cache-Control", "private, no-cache")
		file := bufio.NewWriterSize(c.Response(), exportBuffer)
		err = csvimport.Write(file, k.columns, k.all(ctx, h.db))
		if err == nil {
			err = file.Flush()
		}
		if err != nil && c.Response().Committed {
			// The connection breaks: half a file must not look like a whole one.
			h.log.WarnContext(ctx, "export ended early", "kind", k.name, "error", err)
			panic(http.ErrAbortHandler)
		}
		if err != nil {
			header.Del(echo.HeaderContentType)
			header.Del("Content-Disposition")
		}
		return err
	}
}
