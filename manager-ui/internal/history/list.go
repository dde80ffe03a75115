package history

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	// blockSize is how many positions a block has: as many as are looked through at once.
	blockSize = 1024
	// lookedAtMost bounds how many positions are looked through for a page.
	lookedAtMost = 20 * blockSize
)

// span are the positions from the one to the other, both included.
type span struct{ least, most int64 }

func (s span) empty() bool { return s.least > s.most }

// List reads a page of the list.
func (r *Reader) List(ctx context.Context, q Query) (page Page, err error) {
	var least, most int64
	err = r.db.Pool().QueryRow(ctx, "select coalesce((select min(position) from journal), 0), coalesce((select max(position) from journal), 0)").Scan(&least, &most)
	if err != nil {
		return page, fmt.Errorf("look how far the journal goes: %w", err)
	}
	all := span{least, most}
	if q.After > 0 {
		all.least = max(all.least, q.After+1)
	}
	if q.Before > 0 {
		all.most = min(all.most, q.Before-1)
	}
	w := r.walk(q, all)
	for !w.done() {
		if err := w.step(ctx); err != nil {
			return page, err
		}
	}
	return w.page(span{least, most}), nil
}

// walk looks through positions for a page, block by block.
type walk struct {
	*Reader
	Query
	conditions
	left   span // what has not been looked through
	found  []Event
	looked int64
	full   bool
}

func (r *Reader) walk(q Query, all span) *walk {
	return &walk{Reader: r, Query: q, conditions: conditionsOf(q), left: all}
}

func (w *walk) done() bool { return w.full || w.left.empty() || w.looked >= lookedAtMost }

// ascending tells whether the page is one of newer events, whose nearest are the oldest.
func (w *walk) ascending() bool { return w.After > 0 }

// step looks through the next positions.
func (w *walk) step(ctx context.Context) error {
	next := w.next()
	order := "desc"
	if w.ascending() {
		order = "asc"
	}
	limit := w.Limit + 1 - len(w.found)
	if w.checked() {
		limit = math.MaxInt32
	}
	args := pgx.NamedArgs{"least": next.least, "most": next.most, "limit": limit}
	for name, value := range w.args {
		args[name] = value
	}
	rows, err := w.journal.ReadWhere(ctx, w.db.Pool(), "position between @least and @most"+w.sql+" order by position "+order+" limit @limit", args)
	if err != nil {
		return err
	}
	for _, e := range rows {
		if w.fits(e) {
			w.found = append(w.found, e)
		}
		if len(w.found) > w.Limit {
			w.full = true
			return nil
		}
	}
	w.looked += next.most - next.least + 1
	if w.ascending() {
		w.left.least = next.most + 1
	} else {
		w.left.most = next.least - 1
	}
	return nil
}

// next is what is looked through at once: all of it where every event fits.
func (w *walk) next() span {
	next := w.left
	switch {
	case w.everything():
	case w.ascending():
		next.most = min(next.most, next.least+blockSize-1)
	default:
		next.least = max(next.least, next.most-blockSize+1)
	}
	return next
}

// page is what was found.
func (w *walk) page(journal span) (page Page) {
	page.Events = w.found
	more := w.full
	if more {
		page.Events = page.Events[:w.Limit]
	}
	end := int64(0) // where the page ends, in the direction in which it was looked
	switch {
	case more:
		end = page.Events[len(page.Events)-1].Position
	case !w.left.empty():
		page.Looked = int(w.looked)
		if end = w.left.most + 1; w.ascending() {
			end = w.left.least - 1
		}
	}
	begin := w.Before
	if w.ascending() {
		begin = w.After
		slices.Reverse(page.Events)
		page.Newer = end
		if begin >= journal.least {
			page.Older = begin + 1
		}
		return page
	}
	page.Older = end
	if begin > 0 && begin <= journal.most {
		page.Newer = begin - 1
	}
	return page
}

// conditions are what a query asks of each event.
type conditions struct {
	sql   string // begins with " and"
	args  map[string]any
	words []string
	shown func(Event) []byte
}

func conditionsOf(q Query) conditions {
	c := conditions{args: map[string]any{}, words: Words(q.Text), shown: q.Shown}
	equal := func(column, value string) {
		if value != "" {
			c.sql += " and " + column + " = @" + column
			c.args[column] = value
		}
	}
	equal("type", q.Type)
	equal("source", q.Writer)
	equal("actor", q.Actor)
	equal("correlation_id", q.Correlation)
	equal("causation_id", q.Causation)
	if q.Stream != "" {
		c.sql += " and strpos(stream, @stream) > 0"
		c.args["stream"] = q.Stream
	}
	if !q.From.IsZero() {
		c.sql += " and time >= @from"
		c.args["from"] = q.From
	}
	if !q.To.IsZero() {
		c.sql += " and time < @to"
		c.args["to"] = q.To
	}
	for i, word := range c.words {
		if !isASCII(word) {
			continue // its other case may have another length
		}
		name := fmt.Sprintf("word%d", i)
		c.sql += " and strpos(lower(" + searched + "), @" + name + ") > 0"
		c.args[name] = word
	}
	return c
}

// searched is all of an event that words are looked for in.
const searched = `data::text || ' ' || stream || ' ' || type || ' ' || actor || ' ' || actor_name || ' ' || correlation_id || ' ' || causation_id || ' ' || event_id`

// everything tells whether every event fits.
func (c conditions) everything() bool { return c.sql == "" && len(c.words) == 0 }

// checked tells whether SQL alone does not decide whether an event fits.
func (c conditions) checked() bool { return len(c.words) > 0 }

// fits reports whether an event that SQL has found has the words, as far as who looks may see it.
func (c conditions) fits(e Event) bool {
	if len(c.words) == 0 {
		return true
	}
	if c.shown != nil {
		e.Data = c.shown(e)
	}
	has := wordsOf(e)
	return !slices.ContainsFunc(c.words, func(word string) bool { return !has[word] })
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 }) }
