package web

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/text"
)

// The values of the shared partials.

// PageHead is a page's heading with a line below it. For a line that changes live, leave Subtitle
// empty and write the heading out.
type PageHead struct {
	Title, Subtitle string
	Action          *Link // the page's main action, as a button
}

// Link is a link with words.
type Link struct{ Label, Href string }

// Badge is a status in words and colour.
type Badge struct {
	Tone Tone
	Text string
}

// Tab is one tab above a list.
type Tab struct {
	Label, Href string
	Current     bool
	// Fragment names the live fragment of the number beside the label; Count is its content.
	Fragment string
	Count    int
	// Narrowed means that the number is of what a filter or a search finds, which only the page knows, and More
	// that there may be more.
	Narrowed, More bool
}

// Number is the count as people read it: "100+" where a narrowed list has more than are counted.
func (t Tab) Number() string {
	if t.More {
		return strconv.Itoa(t.Count) + "+"
	}
	return CountText(t.Count)
}

// CountText is a count as tabs and live updates of it show it: nothing where there is none.
func CountText(n int) string {
	if n == 0 {
		return ""
	}
	return locale.Count(n)
}

// Tabs choose what part of a list is shown.
type Tabs []Tab

// Search is the box beside the tabs; Keep are further parameters of the address, such as the tab.
type Search struct {
	Action, Value, Label string
	Keep                 map[string]string
}

// maxSearch is how much is searched for, in characters.
const maxSearch = 200

// ReadSearch is what somebody typed into such a box, by the rules of package text, and without what breaks
// them.
func ReadSearch(typed string) (string, error) {
	typed, _ = text.Line(typed)
	if utf8.RuneCountInString(typed) > maxSearch {
		return "", BadRequest(fmt.Sprintf("Search for %d characters at most.", maxSearch))
	}
	return typed, nil
}

// Pager leads through a list by keyset; an empty address is no link.
type Pager struct {
	Newer, Older string // for lists that begin with the newest
	Previous     string // for other lists, with Next
	Next         string
	Summary      string // "Showing 25"
	Sizes        []Tab  // how many rows a page may have
	Export       string // the address of a file of all of it
	Looked       string // how far a narrowed list was looked through; "" where all of it was
	Backwards    bool   // it was looked through to what lies before
}

// Any is false when there is nothing to show.
func (p Pager) Any() bool {
	return p.Newer != "" || p.Older != "" || p.Previous != "" || p.Next != "" || p.Summary != "" || len(p.Sizes) > 0
}

// Empty says what to do where there is nothing yet.
type Empty struct {
	Title, Text string
	Action      *Link
}

// Button is a form's submit button; Style is Tabler's: primary, outline-danger.
type Button struct{ Label, Style string }
