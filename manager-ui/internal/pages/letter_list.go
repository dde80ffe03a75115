package pages

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/deadletters"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

const (
	lettersPath     = "/dead-letters"
	lettersPageSize = 25
)

// LettersOf is a service that answers for its dead letters.
type LettersOf struct {
	Service string
	Client  deadletters.Client
}

var lettersView = web.NewView[lettersPage]("letters")

// lettersPage is the list of the dead letters of all services.
type lettersPage struct {
	Services []letterService
	Fields   []web.Field // of the filter
	Chips    []web.Chip
	Rows     []letterRow
	Empty    web.Empty
	Pager    web.Pager
}

// letterService is what one service says.
type letterService struct {
	Name    string
	Waits   string // how many, and of which kinds
	Nothing bool   // none waits
	Away    bool
	Try     *letterForm // what a try of those in the list sends
}

// letterForm asks for a task.
type letterForm struct {
	Href, Action, Selection, Key, Label string
}

type letterRow struct {
	deadletters.Summary
	Service, Href string
	Badge         web.Badge
	Type, Key     string // fit to be shown
	Why           string // the first line of the error
	Settled       web.Badge
}

// letterQuery is what the address of the list says.
type letterQuery struct {
	form    *web.Form
	service string
	by      deadletters.Selection
	before  *letterPlace
}

// letterPlace is a place in the list of all services: the newest come first, and of the same moment by
// service.
type letterPlace struct {
	deadletters.Place
	service string
}

func (p letterPlace) String() string {
	return fmt.Sprintf("%d.%d.%s", p.At.UnixMicro(), p.ID, p.service)
}

// compare is negative where p comes before other in the list.
func (p letterPlace) compare(other letterPlace) int {
	return cmp.Or(other.At.Compare(p.At), strings.Compare(p.service, other.service), cmp.Compare(other.ID, p.ID))
}

// of is where a service goes on.
func (p letterPlace) of(service string) *deadletters.Place {
	place := p.Place
	switch cmp.Compare(service, p.service) {
	case -1: // it has no more of that moment
		place.ID = 0
	case 1:
		place.ID = 1<<63 - 1
	}
	return &place
}

func readLetterPlace(text string) (*letterPlace, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.SplitN(text, ".", 3)
	if len(parts) == 3 {
		at, err := strconv.ParseInt(parts[0], 10, 64)
		id, wrong := strconv.ParseInt(parts[1], 10, 64)
		if err == nil && wrong == nil && at > 0 && at < 1<<53 && len(parts[2]) < 100 {
			return &letterPlace{deadletters.Place{At: time.UnixMicro(at).UTC(), ID: id}, parts[2]}, nil
		}
	}
	return nil, web.NotFound("There is no such list.")
}

// letterParameters are those of the list's address.
var letterParameters = []string{"service", "state", "kind", "topic", "type", "key", "error", "from", "to"}

func (h *handlers) readLetterQuery(c echo.Context) (q letterQuery, err error) {
	values := map[string]string{}
	for _, name := range letterParameters {
		values[name] = strings.ToValidUTF8(strings.ReplaceAll(c.QueryParam(name), "\x00", ""), "")
	}
	q.form, q.service = web.NewForm(values), values["service"]
	q.by = deadletters.Selection{
		State: deadletters.State(cmp.Or(values["state"], string(deadletters.Waiting))), Kind: deadletters.Kind(values["kind"]),
		Topic: q.form.Value("topic"), Type: q.form.Value("type"), Key: q.form.Value("key"), Error: q.form.Value("error"),
	}
	if q.by.State == "all" {
		q.by.State = ""
	}
	if q.service != "" && !slices.ContainsFunc(h.letters, func(l LettersOf) bool { return l.Service == q.service }) {
		return q, web.NotFound("There is no such service.")
	}
	for name, into := range map[string]*time.Time{"from": &q.by.From, "to": &q.by.To} {
		if typed := q.form.Value(name); typed != "" {
			if *into, err = time.Parse(time.DateOnly, typed); err != nil || into.Year() < 1 {
				q.form.Fail(name, "Write the day as year, month and day, for example 2026-11-30.")
			}
		}
	}
	if !q.by.To.IsZero() {
		if q.by.To.Before(q.by.From) {
			q.form.Fail("to", "The last day is before the first one.")
		}
		q.by.To = q.by.To.AddDate(0, 0, 1)
	}
	for _, name := range []string{"topic", "type", "key", "error"} {
		if len(values[name]) > deadletters.LongestWord {
			q.form.Fail(name, fmt.Sprintf("This is longer than %d bytes.", deadletters.LongestWord))
		}
	}
	if q.form.OK() && q.by.Check() != nil {
		return q, web.NotFound("There is no such list.")
	}
	q.before, err = readLetterPlace(c.QueryParam("before"))
	return q, err
}

// address is the list's, with other values of some parameters.
func (q letterQuery) address(other ...string) string {
	parameters := map[string]string{}
	for _, name := range letterParameters {
		parameters[name] = q.form.Value(name)
	}
	for i := 0; i+1 < len(other); i += 2 {
		parameters[other[i]] = other[i+1]
	}
	return web.Address(lettersPath, parameters)
}

// answered is what one service has answered.
type answered struct {
	page deadletters.Page
	err  error
}

// askAll asks all services at once.
func (h *handlers) askAll(ctx context.Context, q letterQuery) map[string]answered {
	var mu sync.Mutex
	var all sync.WaitGroup
	answers := map[string]answered{}
	for _, l := range h.letters {
		all.Go(func() {
			var place *deadletters.Place
			if q.before != nil {
				place = q.before.of(l.Service)
			}
			page, err := l.Client.List(ctx, q.by, place, lettersPageSize)
			if err != nil {
				h.log.WarnContext(ctx, "a service does not answer for its dead letters", "service", l.Service, "error", err)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[l.Service] = answered{page, err}
		})
	}
	all.Wait()
	return answers
}

// merge makes one list of what the services have answered. It ends where one of them has not looked further,
// and next says so.
func merge(q letterQuery, answers map[string]answered) (rows []letterRow, next *letterPlace) {
	place := func(r letterRow) letterPlace {
		return letterPlace{deadletters.Place{At: r.RecordedAt, ID: r.ID}, r.Service}
	}
	for service, a := range answers {
		if a.err != nil || q.service != "" && q.service != service {
			continue
		}
		for _, s := range a.page.Letters {
			rows = append(rows, newLetterRow(service, s))
		}
		if a.page.Next != nil {
			end := letterPlace{*a.page.Next, service}
			if next == nil || end.compare(*next) < 0 {
				next = &end
			}
		}
	}
	slices.SortFunc(rows, func(a, b letterRow) int { return place(a).compare(place(b)) })
	if next != nil {
		rows = slices.DeleteFunc(rows, func(r letterRow) bool { return place(r).compare(*next) > 0 })
	}
	if len(rows) > lettersPageSize {
		rows = rows[:lettersPageSize]
		last := place(rows[len(rows)-1])
		next = &last
	}
	return rows, next
}

var letterKinds = map[deadletters.Kind]web.Badge{
	deadletters.Poison: {Tone: web.Bad, Text: "Poison"}, deadletters.Parked: {Tone: web.Neutral, Text: "Parked"},
	deadletters.Malformed: {Tone: web.Warning, Text: "Malformed"}, deadletters.Disallowed: {Tone: web.Bad, Text: "Refused"},
}

var letterStates = map[deadletters.State]web.Badge{
	deadletters.Waiting: {Tone: web.Warning, Text: "Waits"}, deadletters.Replayed: {Tone: web.Good, Text: "Replayed"}, deadletters.Discarded: {Tone: web.Neutral, Text: "Discarded"},
}

func newLetterRow(service string, s deadletters.Summary) letterRow {
	why, _, _ := strings.Cut(s.Error, "\n")
	return letterRow{Summary: s, Service: service, Href: letterPath(service, s.ID), Badge: letterKinds[s.Kind], Type: printable(s.Type, 100), Key: printable(s.Key, 80),
		Why: why, Settled: letterStates[s.State]}
}

func letterPath(service string, id int64) string {
	return lettersPath + "/of/" + service + "/" + strconv.FormatInt(id, 10)
}

// printable is text as it is, and other bytes as hex, cut where that is long.
func printable(b []byte, most int) string {
	if !isText(b) {
		if len(b) > most/2 {
			return "0x" + hex.EncodeToString(b[:most/2]) + "…"
		}
		return "0x" + hex.EncodeToString(b)
	}
	if runes := []rune(string(b)); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(b)
}

// isText reports whether bytes can be shown as they are.
func isText(b []byte) bool {
	return utf8.Valid(b) && !strings.ContainsFunc(string(b), func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' })
}

func (h *handlers) listLetters(c echo.Context) error {
	q, err := h.readLetterQuery(c)
	if err != nil {
		return err
	}
	page := lettersPage{Fields: h.letterFields(q.form)}
	answers := map[string]answered{}
	if q.form.OK() {
		answers = h.askAll(c.Request().Context(), q)
	}
	for _, l := range h.letters {
		a, asked := answers[l.Service]
		if !asked || q.service != "" && q.service != l.Service {
			continue
		}
		page.Services = append(page.Services, h.letterService(l.Service, q, a))
	}
	var next *letterPlace
	page.Rows, next = merge(q, answers)
	for _, name := range letterParameters {
		if value := q.form.Value(name); value != "" {
			page.Chips = append(page.Chips, web.Chip{Text: strings.ToUpper(name[:1]) + name[1:] + ": " + value, Href: q.address(name, "")})
		}
	}
	page.Pager = web.Pager{Summary: "The newest first"}
	if next != nil {
		page.Pager.Older = q.address("before", next.String())
		if len(page.Rows) < lettersPageSize {
			page.Pager.Looked = "Only some were looked through"
		}
	}
	if q.before != nil {
		page.Pager.Newer = q.address()
	}
	page.Empty = web.Empty{Title: "No dead letters wait", Text: "Every message that the services have received is recorded."}
	if len(page.Chips) > 0 || q.before != nil {
		page.Empty = web.Empty{Title: "Nothing found", Text: "No dead letter here is like that. Take a filter away to see more.", Action: &web.Link{Label: "Show all that wait", Href: lettersPath}}
	}
	return lettersView.Render(c, q.form.Status(), web.Page{Title: "Dead letters", Nav: "letters"}, page)
}

// letterService says how many wait at a service, and offers to try those that the list shows.
func (h *handlers) letterService(name string, q letterQuery, a answered) letterService {
	s := letterService{Name: name, Away: a.err != nil, Nothing: true}
	if s.Away {
		return s
	}
	var parts []string
	for _, kind := range []deadletters.Kind{deadletters.Poison, deadletters.Parked, deadletters.Malformed, deadletters.Disallowed} {
		if n := a.page.Waiting[kind]; n > 0 {
			parts = append(parts, locale.Count(n)+" "+string(kind))
		}
	}
	s.Waits, s.Nothing = strings.Join(parts, ", "), len(parts) == 0
	if len(a.page.Letters) > 0 && (q.by.State == deadletters.Waiting || q.by.State == "") {
		s.Try = newLetterForm(name, deadletters.Try, q.by, "Try to replay these")
	}
	return s
}

func newLetterForm(service string, action deadletters.Action, chosen deadletters.Selection, label string) *letterForm {
	chosen.State = ""
	encoded, err := json.Marshal(chosen)
	if err != nil {
		panic(err) // texts and times only
	}
	return &letterForm{Href: lettersPath + "/of/" + service + "/tasks", Action: string(action), Selection: string(encoded), Key: uuid.NewString(), Label: label}
}

// letterFields are the fields of the filter.
func (h *handlers) letterFields(form *web.Form) []web.Field {
	services := []web.Choice{{Label: "All"}}
	for _, l := range h.letters {
		services = append(services, web.Choice{Value: l.Service, Label: l.Service})
	}
	kinds := []web.Choice{{Label: "All"}}
	for _, kind := range []deadletters.Kind{deadletters.Poison, deadletters.Parked, deadletters.Malformed, deadletters.Disallowed} {
		kinds = append(kinds, web.Choice{Value: string(kind), Label: letterKinds[kind].Text})
	}
	states := []web.Choice{{Label: "Waiting"}, {Value: string(deadletters.Replayed), Label: "Replayed"}, {Value: string(deadletters.Discarded), Label: "Discarded"}, {Value: "all", Label: "All"}}
	day := func(name, label string) web.Field { return form.Field(name, label).Placeholder("2026-11-30") }
	return []web.Field{
		form.Field("service", "Service").Select(services), form.Field("state", "State").Select(states), form.Field("kind", "Kind").Select(kinds),
		form.Field("topic", "Topic"), form.Field("type", "Type of event"), form.Field("key", "Key").Hint("All of it"), form.Field("error", "Error").Hint("A part of it"),
		day("from", "Set aside from").Hint("Days in UTC"), day("to", "To"),
	}
}
