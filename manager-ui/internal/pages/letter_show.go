package pages

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/api"
	"countersign.example/pkg/deadletters"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

// What the security log tells of dead letters.
const (
	letterRead = "dead-letter-read"
	letterTask = "dead-letter-task"
)

const (
	shownText = 64 << 10 // bytes of a payload that a page shows; the rest is in the download
	shownHex  = 4 << 10  // the same, of bytes that are no text
)

var letterView = web.NewView[letterPage]("letter")

// letterPage is one dead letter with what waits with it.
type letterPage struct {
	letterRow
	List     web.Link
	Letter   deadletters.Letter
	Headers  []letterHeader
	Payload  string
	Cut      string // what of the payload is not shown
	Download string
	Gone     bool       // the payload was deleted, long after it was settled
	Settled  string     // what became of it, when, by whom and why
	Queue    []queueRow // the others of its key
	More     string     // how many of these are not shown
	Head     *web.Link  // what it waits behind
	Try      *letterForm
	Discard  *letterForm
	Reason   web.Field
}

type letterHeader struct{ Name, Value string }

type queueRow struct {
	letterRow
	Itself, Head bool
}

// letterOf reads a dead letter that the path names.
func (h *handlers) letterOf(c echo.Context) (service LettersOf, l deadletters.Letter, err error) {
	service, err = h.serviceOf(c)
	if err != nil {
		return service, l, err
	}
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id < 1 {
		return service, l, errNoLetter
	}
	l, err = service.Client.Letter(c.Request().Context(), id)
	return service, l, h.notAnswered(c, service, err, errNoLetter)
}

var errNoLetter = web.NotFound("There is no such dead letter.")

// serviceOf is the service that the path names.
func (h *handlers) serviceOf(c echo.Context) (LettersOf, error) {
	i := slices.IndexFunc(h.letters, func(l LettersOf) bool { return l.Service == c.Param("service") })
	if i < 0 {
		return LettersOf{}, web.NotFound("There is no such service.")
	}
	return h.letters[i], nil
}

// notAnswered is why a service has not answered what was looked for, for people.
func (h *handlers) notAnswered(c echo.Context, service LettersOf, err, none error) error {
	refusal, refused := errors.AsType[*api.Refusal](err)
	switch {
	case err == nil:
		return nil
	case refused && refusal.Status == http.StatusNotFound:
		return none
	}
	h.log.WarnContext(c.Request().Context(), "a service does not answer for its dead letters", "service", service.Service, "error", err)
	return web.Unavailable(service.Service+" does not answer at the moment. Nothing was changed; please try again.", err)
}

func (h *handlers) showLetter(c echo.Context) error {
	return h.renderLetter(c, web.Message{}, web.NewForm(nil))
}

func (h *handlers) renderLetter(c echo.Context, message web.Message, form *web.Form) error {
	service, l, err := h.letterOf(c)
	if err != nil {
		return err
	}
	h.sessions.LogSecurity(c, letterRead, web.PersonOf(c).ID, slog.String("service", service.Service), slog.Int64("dead_letter", l.ID))
	page := letterPage{
		letterRow: newLetterRow(service.Service, l.Summary), Letter: l, List: web.BackLink(c, "Dead letters", lettersPath),
		Download: letterPath(service.Service, l.ID) + "/payload", Gone: l.State != deadletters.Waiting && len(l.Payload) == 0 && len(l.Headers) == 0,
		Reason: form.Field("reason", "Reason").Need().Hint("It stays on record with your name.").Area(2),
	}
	page.Type, page.Key = printable(l.Type, 500), printable(l.Key, 500)
	page.Payload, page.Cut = showBytes(l.Payload)
	for _, header := range l.Headers {
		page.Headers = append(page.Headers, letterHeader{printable(header.Key, 100), printable(header.Value, 1000)})
	}
	if l.Task != nil && l.State != deadletters.Waiting {
		page.Settled = "by " + nameOr(l.Task.ByName, l.Task.By)
		if l.Task.Reason != "" {
			page.Settled += ": " + l.Task.Reason
		}
	}
	for i, s := range l.Queue {
		row := queueRow{newLetterRow(service.Service, s), s.ID == l.ID, i == 0}
		page.Queue = append(page.Queue, row)
		if i == 0 && !row.Itself {
			page.Head = &web.Link{Label: "dead letter " + strconv.FormatInt(s.ID, 10), Href: row.Href}
		}
	}
	if more := l.Queued - len(l.Queue); more > 0 {
		page.More = locale.Count(more)
	}
	if l.State == deadletters.Waiting {
		one := deadletters.Selection{DeadLetter: l.ID}
		if page.Head == nil {
			page.Try = newLetterForm(service.Service, deadletters.Try, one, "Try to replay it")
		}
		page.Discard = newLetterForm(service.Service, deadletters.Discard, one, "Discard it")
	}
	status := form.Status()
	if message.Text != "" {
		status = http.StatusConflict
	}
	return letterView.Render(c, status, web.Page{
		Title: fmt.Sprintf("Dead letter %d of %s", l.ID, service.Service), Nav: "letters", Back: page.List.Href, Message: message,
	}, page)
}

// showBytes is a payload as a page shows it: JSON with each member on a line of its own, other text as it is,
// and what is no text as hex. cut says what is left out.
func showBytes(b []byte) (shown, cut string) {
	most := shownText
	switch {
	case !isText(b):
		if most = shownHex; len(b) > most {
			return hex.Dump(b[:most]), cutTo(most, len(b))
		}
		return hex.Dump(b), ""
	case json.Valid(b):
		shown, whole := layOut(b, most)
		switch {
		case whole:
			return shown, ""
		case len(b) > most:
			return shown, cutTo(most, len(b))
		default:
			return shown, fmt.Sprintf("This is its beginning: it has %s bytes, but is nested deeply.", locale.Count(len(b)))
		}
	}
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), ""), cutTo(most, len(b))
	}
	return string(b), ""
}

func cutTo(most, all int) string {
	return fmt.Sprintf("These are the first %s of %s bytes.", locale.Count(most), locale.Count(all))
}

// downloadPayload answers with the payload as it is.
func (h *handlers) downloadPayload(c echo.Context) error {
	service, l, err := h.letterOf(c)
	if err != nil {
		return err
	}
	h.sessions.LogSecurity(c, letterRead, web.PersonOf(c).ID, slog.String("service", service.Service), slog.Int64("dead_letter", l.ID), slog.String("as", "file"))
	header := c.Response().Header()
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="dead-letter-%s-%d.bin"`, service.Service, l.ID))
	header.Set("Cache-Control", "private, no-store")
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, l.Payload)
}
