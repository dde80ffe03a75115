package history

import (
	"context"
	"fmt"
	"maps"
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
	// lateFrom is how many events without digests are worth a word.
	lateFrom = 4 * blockSize
)

// span are the positions from the one to the other, both included.
type span struct{ least, most int64 }

func (s span) empty() bool { return s.least > s.most }

// List reads a page of the list.
func (r *Reader) List(ctx context.Context, q Query) (page Page, err error) {
	var least, most, digested int64
	if err = r.db.Pool().QueryRow(ctx, extent).Scan(&least, &most, &digested); err != nil {
		return page, fmt.Errorf("look how far the journal goes: %w", err)
	}
	all := span{least, most}
	if q.After > 0 {
		all.least = max(all.least, q.After+1)
	}
	if q.Before > 0 {
		all.most = min(all.most, q.Before-1)
	}
	w := &walk{Reader: r, Query: q, conditions: conditionsOf(q), left: all, digested: digested * blockSize}
	for !w.done() {
		if err := w.step(ctx); err != nil {
			return page, err
		}
	}
	page = w.page(span{least, most})
	if behind := most + 1 - w.digested; w.skips() && behind > lateFrom {
		page.Late = int(min(behind, most-least+1))
	}
	return page, nil
}

// extent is where the journal begins and ends, and the first block that has no digest.
const extent = `select coalesce((select min(position) from journal), 0), coalesce((select max(position) from journal), 0),
	coalesce((select max(block) + 1 from event_blocks), 0)`

// walk looks through positions for a page, block by block.
type walk struct {
	*Reader
	Query
	conditions
	left     span  // what has not been looked through
	digested int64 // the first position of a block without a digest
	blocks   []int64
	last     bool // there are no other blocks with digests that may have something
	found    []Event
	looked   int64
	full     bool
}

func (w *walk) done() bool { return w.full || w.left.empty() || w.looked >= lookedAtMost }

// ascending tells whether the page is one of newer events, whose nearest are the oldest.
func (w *walk) ascending() bool { return w.After > 0 }

// skips tells whether digests say which blocks cannot have what is looked for.
func (w *walk) skips() bool {
	return len(w.marks()) > 0 || !w.From.IsZero() || !w.To.IsZero()
}

// step looks through the next positions.
func (w *walk) step(ctx context.Context) error {
	next, err := w.next(ctx)
	if err != nil || next.empty() {
		return err
	}
	order := "desc"
	if w.ascending() {
		order = "asc"
	}
	limit := w.Limit + 1 - len(w.found)
	if w.checked() {
		limit = math.MaxInt32
	}
	args := pgx.NamedArgs{"least": next.least, "most": next.most, "limit": limit}
	maps.Copy(args, w.args)
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
	w.beyond(next)
	return nil
}

// beyond goes on after positions that were looked through, or need not be.
func (w *walk) beyond(s span) {
	if w.ascending() {
		w.left.least = s.most + 1
	} else {
		w.left.most = s.least - 1
	}
}

// next is what is looked through at once: all of it where every event fits. It is empty where something was
// left out instead.
func (w *walk) next(ctx context.Context) (span, error) {
	here := w.left.most
	if w.ascending() {
		here = w.left.least
	}
	switch {
	case w.everything():
		return w.left, nil
	case w.skips() && here < w.digested:
		return w.nextBlock(ctx)
	case w.ascending():
		return span{here, min(w.left.most, here+blockSize-1)}, nil
	case w.skips():
		return span{max(w.left.least, w.digested, here-blockSize+1), here}, nil
	}
	return span{max(w.left.least, here-blockSize+1), here}, nil
}

// nextBlock is the next block with a digest that may have what is looked for.
func (w *walk) nextBlock(ctx context.Context) (next span, err error) {
	with := span{w.left.least, min(w.left.most, w.digested-1)}
	if len(w.blocks) == 0 && !w.last {
		if w.blocks, w.last, err = w.candidates(ctx, w.Query, with); err != nil {
			return next, err
		}
	}
	if len(w.blocks) == 0 {
		w.beyond(with)
		return span{0, -1}, nil
	}
	next = span{max(with.least, w.blocks[0]*blockSize), min(with.most, (w.blocks[0]+1)*blockSize-1)}
	w.blocks = w.blocks[1:]
	return next, nil
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
		c.sql += " and (starts_with(stream, @stream) or starts_with(substr(stream, strpos(stream, '-') + 1), @stream))"
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
const searched = `data::text || ' ' || stream || ' ' || type || ' ' || actor || ' ' || actor_name || ' ' || source || ' ' || correlation_id || ' ' || causation_id || ' ' || event_id`

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
