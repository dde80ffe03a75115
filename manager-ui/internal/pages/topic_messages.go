package pages

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

const (
	messagesOfPage = 25
	// searchedMessages bounds how many messages a page looks through for words or a key.
	searchedMessages = 2000
)

var messagesView = web.NewView[messagesPage]("messages")

// messagesPage are messages of one partition, by their offsets.
type messagesPage struct {
	Topic, Partition web.Link
	First, End       int64
	Away             string
	Fields           []web.Field
	Open             bool
	Rows             []messageRow
	Searched         string // how far a search has looked
	Empty            web.Empty
	Pager            web.Pager
}

// messageRow is a message without its data.
type messageRow struct {
	kafka.Message
	Href              string
	Type, Writer, Key string
	Size              int
}

// partitionOf is the partition that the path names.
func partitionOf(c echo.Context, t kafka.TopicState) (p kafka.Partition, away string, err error) {
	id, err := strconv.Atoi(c.Param("partition"))
	i := slices.IndexFunc(t.Partitions, func(p kafka.PartitionState) bool { return p.ID == id })
	if err != nil || i < 0 {
		return p, "", web.NotFound(fmt.Sprintf("The topic has no partition %.20q. Its page shows those that it has.", c.Param("partition")))
	}
	if t.Partitions[i].Unread {
		away = leaderAway
	}
	return t.Partitions[i].Partition, away, nil
}

// messagesQuery is what the address says of the messages that are wanted.
type messagesQuery struct {
	form      *web.Form
	from      int64 // the offset that the page begins at
	key, text string
}

// narrowed reports whether not all messages are wanted.
func (q messagesQuery) narrowed() bool { return q.key != "" || q.text != "" }

// readMessagesQuery reads the address. Without a place the page ends with the newest message.
func (h *handlers) readMessagesQuery(c echo.Context, p kafka.Partition) (q messagesQuery, err error) {
	values := map[string]string{}
	for _, name := range []string{"offset", "at", "key", "text"} {
		if values[name], err = web.ReadSearch(c.QueryParam(name)); err != nil {
			return q, err
		}
	}
	q = messagesQuery{form: web.NewForm(values), from: max(p.First, p.End-messagesOfPage), key: values["key"], text: strings.ToLower(values["text"])}
	if q.narrowed() {
		q.from = max(p.First, p.End-searchedMessages)
	}
	switch offset, at := q.form.Value("offset"), q.form.Value("at"); {
	case offset != "":
		q.from, err = strconv.ParseInt(offset, 10, 64)
		if err != nil || q.from < p.First || q.from > p.End {
			q.form.Fail("offset", fmt.Sprintf("Write an offset from %d to %d: the partition holds no other.", p.First, p.End))
		}
	case at != "":
		moment, _, ok := readMoment(at)
		if !ok {
			q.form.Fail("at", momentHint)
			break
		}
		if q.from, err = h.kafka.OffsetAt(c.Request().Context(), p, moment); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (h *handlers) showMessages(c echo.Context) error {
	t, away, err := h.topicOf(c)
	if err != nil {
		return err
	}
	page := messagesPage{Topic: web.Link{Label: "Topic " + c.Param("topic"), Href: topicPath(c.Param("topic"))}, Partition: web.Link{Label: c.Param("partition")}}
	var p kafka.Partition
	if away == "" {
		if p, away, err = partitionOf(c, t); err != nil {
			return err
		}
	}
	if away != "" {
		page.Away = away
		return h.renderMessages(c, http.StatusOK, page)
	}
	q, err := h.readMessagesQuery(c, p)
	if err != nil {
		return h.kafkaGone(c, page, err)
	}
	page.First, page.End, page.Open = p.First, p.End, !q.form.OK()
	page.Partition.Href = partitionPath(p)
	page.Fields = []web.Field{
		q.form.Field("offset", "From offset"), q.form.Field("at", "From time").Hint("In UTC").Placeholder("2026-11-30 14:05"),
		q.form.Field("key", "Key").Hint("All of it"), q.form.Field("text", "Text").Hint("In the key, headers or data"),
	}
	if !q.form.OK() {
		page.Empty = web.Empty{Title: "This place is not right", Text: "Mend it above, and press “Show” again."}
		return h.renderMessages(c, q.form.Status(), page)
	}
	if q.narrowed() {
		h.sessions.LogSecurity(c, messageSearch, web.PersonOf(c).ID, slog.String("topic", p.Topic), slog.Int("partition", p.ID))
	}
	if err := h.findMessages(c, p, q, &page); err != nil {
		return h.kafkaGone(c, page, err)
	}
	return h.renderMessages(c, http.StatusOK, page)
}

// findMessages fills the page with what fits, and says how far it has looked.
func (h *handlers) findMessages(c echo.Context, p kafka.Partition, q messagesQuery, page *messagesPage) error {
	looked, reveal := 0, may.reveal.Has(web.PersonOf(c).Roles)
	next, err := h.kafka.Read(c.Request().Context(), p, q.from, func(m kafka.Message) bool {
		looked++
		if q.fits(m, reveal) {
			page.Rows = append(page.Rows, newMessageRow(p, m))
		}
		return len(page.Rows) < messagesOfPage && looked < searchedMessages
	})
	if err != nil {
		return err
	}
	to := func(from int64) string {
		return web.Address(partitionPath(p), map[string]string{"offset": strconv.FormatInt(from, 10), "key": q.form.Value("key"), "text": q.form.Value("text")})
	}
	step := int64(messagesOfPage)
	if q.narrowed() {
		step = searchedMessages
		page.Searched = fmt.Sprintf("%s messages were looked through: from offset %d to %d.", locale.Count(looked), q.from, max(q.from, next-1))
	}
	page.Pager = web.Pager{Summary: "The oldest first"}
	if q.from > p.First {
		page.Pager.Previous = to(max(p.First, q.from-step))
	}
	if next < p.End {
		page.Pager.Next = to(next)
	}
	page.Empty = web.Empty{Title: "No message here", Text: "The partition holds none from this place on, or they were compacted away."}
	if q.narrowed() {
		page.Empty = web.Empty{Title: "No message is like that", Text: "Look further back or ahead, or write less of the text. A key is in one partition alone."}
	}
	return nil
}

// fits reports whether a message is wanted. What somebody may not see is not found either.
func (q messagesQuery) fits(m kafka.Message, reveal bool) bool {
	if q.key != "" && string(m.Key) != q.key {
		return false
	}
	if q.text == "" {
		return true
	}
	has := func(b []byte) bool { return bytes.Contains(bytes.ToLower(b), []byte(q.text)) }
	return has(m.Key) || has(shownValue(m, reveal)) || slices.ContainsFunc(m.Headers, func(h kafka.Header) bool { return has(h.Value) })
}

// shownValue is a message's data for whoever asks: without personal fields for who may not see them.
func shownValue(m kafka.Message, reveal bool) []byte {
	if reveal {
		return m.Value
	}
	e, err := kafka.Decode(m)
	if err != nil { // it is set aside everywhere, and may hold what an event of its type does
		e = event.Event{Type: headerOf(m, "ce_type"), Data: m.Value}
	}
	if _, known := history.Type(e.Type); err != nil && !known {
		return m.Value // no event: nobody knows what is in it, as with dead letters
	}
	return history.Shown(history.Event{Event: e})
}

// headerOf is a header's value; "" where there is none.
func headerOf(m kafka.Message, name string) string {
	i := slices.IndexFunc(m.Headers, func(h kafka.Header) bool { return h.Key == name })
	if i < 0 {
		return ""
	}
	return string(m.Headers[i].Value)
}

func newMessageRow(p kafka.Partition, m kafka.Message) messageRow {
	row := messageRow{Message: m, Href: messagePath(p, m.Offset), Key: printable(m.Key, 200), Size: len(m.Value)}
	for _, header := range m.Headers {
		switch header.Key {
		case "ce_type":
			row.Type = printable(header.Value, 200)
		case "ce_source":
			row.Writer = strings.TrimPrefix(printable(header.Value, 200), "/")
		}
	}
	return row
}

// kafkaGone answers with the page that says so.
func (h *handlers) kafkaGone(c echo.Context, page messagesPage, err error) error {
	if c.Request().Context().Err() != nil {
		return err
	}
	h.log.WarnContext(c.Request().Context(), "messages cannot be shown", "error", err)
	page.Away, page.Rows = kafkaAway, nil
	return h.renderMessages(c, http.StatusOK, page)
}

func (h *handlers) renderMessages(c echo.Context, status int, page messagesPage) error {
	title := fmt.Sprintf("Messages of %s/%s", c.Param("topic"), c.Param("partition"))
	return messagesView.Render(c, status, web.Page{Title: title, Nav: "topics", Back: page.Topic.Href}, page)
}
