package web

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	// ExportTimeout is how long a file may take that is sent as it is read.
	ExportTimeout = 10 * time.Minute
	// chunkTimeout is how long each part of it may take to reach the browser.
	chunkTimeout = 30 * time.Second
	chunkRows    = 1000
	fetchedRows  = 250 // at once from the database

	maxExports   = 4 // at once in this process, each of which holds a connection to the database
	maxOnesOwn   = 2 // of them for one person
	exportsRetry = "30"
)

// exports are the files that are under way.
type exports struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by person
}

// begin counts one more, or refuses it. The function that it returns takes it back.
func (e *exports) begin(person string) (end func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.of[person] >= maxOnesOwn:
		return nil, &Error{Status: http.StatusTooManyRequests, Message: "Two files of yours are under way. Try again once one of them is there."}
	case e.all >= maxExports:
		return nil, Unavailable("Others are being sent files at the moment. Try again in half a minute.", errors.New("as many exports as there may be are under way"))
	case e.of == nil:
		e.of = map[string]int{}
	}
	e.all++
	e.of[person]++
	return sync.OnceFunc(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.all--
		if e.of[person]--; e.of[person] == 0 {
			delete(e.of, person)
		}
	}), nil
}

// BeginExport begins a file that reads much, or refuses it where enough of them are under way: of the
// person's with 429, of everybody's with 503. The file has ended with end.
func BeginExport(c echo.Context) (end func(), err error) {
	if end, err = c.Get(siteKey).(*Site).exports.begin(PersonOf(c).ID); err != nil {
		c.Response().Header().Set(echo.HeaderRetryAfter, exportsRetry)
		return nil, err
	}
	LogExport(c)
	return end, nil
}

// LogExport has it on record that somebody takes a file out.
func LogExport(c echo.Context) {
	sessions, _ := c.Get(sessionsKey).(*Sessions)
	sessions.LogSecurity(c, Exported, PersonOf(c).ID, slog.String("path", c.Request().URL.RequestURI()))
}

// SendCSV answers with a file of rows, and the mark by which spreadsheets know UTF-8. It is sent as it is
// read, so that it takes the same memory however long it is, and ends when the browser goes. The route is
// Large, for ExportTimeout.
func SendCSV(c echo.Context, name string, columns []string, rows iter.Seq2[[]string, error]) error {
	header, out := c.Response().Header(), csv.NewWriter(c.Response())
	out.UseCRLF = true // RFC 4180
	control := http.NewResponseController(c.Response())
	begin := func() error {
		header.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
		header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.csv"`, name, time.Now().UTC().Format(time.DateOnly)))
		header.Set("Cache-Control", "private, no-cache")
		_, err := io.WriteString(c.Response(), "\ufeff")
		return errors.Join(err, out.Write(columns))
	}
	if c.Request().Method == http.MethodHead {
		return begin()
	}
	end, err := BeginExport(c)
	if err != nil {
		return err
	}
	defer end()
	n := 0
	for row, err := range rows {
		if err == nil && n == 0 {
			err = begin()
		}
		if n%chunkRows == 0 {
			_ = control.SetWriteDeadline(time.Now().Add(chunkTimeout)) // where there is none, the server's holds
		}
		n++
		if err == nil {
			err = out.Write(row)
		}
		if err != nil {
			return ended(c, err)
		}
	}
	if n == 0 {
		if err := begin(); err != nil {
			return ended(c, err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return ended(c, err)
	}
	return nil
}

// ended is for a file that could not be finished: half of one must not look like a whole one.
func ended(c echo.Context, err error) error {
	if c.Response().Committed {
		panic(http.ErrAbortHandler)
	}
	return err
}
