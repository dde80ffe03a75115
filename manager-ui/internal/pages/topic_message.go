package pages

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/web"
)

// messageRead is what the security log tells of a look into a message's data.
const messageRead = "message-read"

// messageSearch is what it tells of a look for a key or words in messages. The words are not told: they may
// be somebody's name.
const messageSearch = "messages-searched"

var messageView = web.NewView[messagePage]("message")

// messagePage is one message as the partition holds it.
type messagePage struct {
	messageRow
	Partition, Place string
	Away             string
	Meaning          string // of its type
	Headers          []letterHeader
	Data, Cut        string
	Masked           bool
	Download         string
	Event            string // where manager-ui has the event on record; "" where it has not
	Older, Newer     string
}

// messageOf reads the message that the path names.
func (h *handlers) messageOf(c echo.Context) (p kafka.Partition, m kafka.Message, away string, err error) {
	t, away, err := h.topicOf(c)
	if err == nil && away == "" {
		p, away, err = partitionOf(c, t)
	}
	if err != nil || away != "" {
		return p, m, away, err
	}
	offset, err := strconv.ParseInt(c.Param("offset"), 10, 64)
	if err != nil || offset < 0 {
		return p, m, "", errNoMessage
	}
	found := false
	if offset >= p.First && offset < p.End {
		_, err = h.kafka.Read(c.Request().Context(), p, offset, func(read kafka.Message) bool {
			m, found = read, read.Offset == offset
			return false
		})
	}
	switch {
	case err != nil:
		h.log.WarnContext(c.Request().Context(), "a message cannot be shown", "error", err)
		return p, m, kafkaAway, nil
	case !found:
		return p, m, "", errNoMessage
	}
	return p, m, "", nil
}

var errNoMessage = web.NotFound("The partition holds no such message: it was removed by retention or compaction, or has not been written.")

// logMessage has the security log tell of a look.
func (h *handlers) logMessage(c echo.Context, m kafka.Message, more ...slog.Attr) {
	h.sessions.LogSecurity(c, messageRead, web.PersonOf(c).ID,
		append([]slog.Attr{slog.String("topic", m.Topic), slog.Int("partition", m.Partition), slog.Int64("offset", m.Offset)}, more...)...)
}

func (h *handlers) showMessage(c echo.Context) error {
	p, m, away, err := h.messageOf(c)
	if err != nil {
		return err
	}
	page := messagePage{Away: away, Place: fmt.Sprintf("%.100s/%.20s/%.20s", c.Param("topic"), c.Param("partition"), c.Param("offset"))}
	page.Partition = topicPath(c.Param("topic")) + "/" + c.Param("partition")
	if away == "" {
		h.logMessage(c, m)
		page.messageRow = newMessageRow(p, m)
		for _, header := range m.Headers {
			page.Headers = append(page.Headers, letterHeader{printable([]byte(header.Key), 100), printable(header.Value, 1000)})
		}
		known, _ := history.Type(page.Type)
		page.Meaning = known.Description
		data := shownValue(m, may.reveal.Has(web.PersonOf(c).Roles))
		page.Data, page.Cut = showBytes(data)
		page.Masked, page.Download = !bytes.Equal(data, m.Value), page.Href+"/data"
		if m.Offset > p.First {
			page.Older = messagePath(p, m.Offset-1)
		}
		if m.Offset+1 < p.End {
			page.Newer = messagePath(p, m.Offset+1)
		}
		if e, err := kafka.Decode(m); err == nil {
			page.Event = web.Address(historyPath, map[string]string{"text": e.ID.String()})
		}
	}
	return messageView.Render(c, http.StatusOK, web.Page{Title: "Message " + page.Place, Nav: "topics", Back: page.Partition}, page)
}

// downloadMessage answers with the message's data, as far as whoever asks may see it.
func (h *handlers) downloadMessage(c echo.Context) error {
	_, m, away, err := h.messageOf(c)
	if err != nil {
		return err
	}
	if away != "" {
		return web.Unavailable(away, nil)
	}
	h.logMessage(c, m, slog.String("as", "file"))
	header := c.Response().Header()
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="message-%d-%d.bin"`, m.Partition, m.Offset))
	header.Set("Cache-Control", "private, no-store")
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, shownValue(m, may.reveal.Has(web.PersonOf(c).Roles)))
}
