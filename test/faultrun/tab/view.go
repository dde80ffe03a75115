// Package tab is an open page that follows its app's pushes as the client in pkg/live/client does, without
// drawing anything: hundreds of them cost little.
//
// Invariants:
//   - A view changes by what the socket brings, and by the pages that a browser would fetch by itself, and by
//     nothing else: what the server fails to push, it lacks.
//   - It is of a page in which nobody works, so that no list is held.
package tab

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// view is what a page shows: its lists, what stands beside them, and of what it is about in which revision.
type view struct {
	title     string
	src       string // of the socket
	cursor    string
	lists     []*list
	fragments map[string]string
	subjects  map[string]int64 // the oldest revision shown
	rest      string           // all other text
	seen      map[string]int64 // the newest revision of each row that has come
}

// seenAtMost is of how many rows a tab remembers what has come.
const seenAtMost = 1_000

type list struct {
	name, tab, by, order, page, search string
	size                               int
	more                               bool
	rows                               []row
}

type row struct {
	id, key, text string
	revision      int64
	// html is what was pushed: its text is read when somebody looks, which few rows live to see.
	html string
}

// pushed is a row as the socket brings it.
type pushed struct {
	List     string   `json:"list"`
	ID       string   `json:"id"`
	Revision int64    `json:"revision"`
	Tabs     []string `json:"tabs"`
	HTML     string   `json:"html"`
}

type fragment struct {
	Name string `json:"name"`
	HTML string `json:"html"`
}

// read reads a page.
func read(page string) (*view, error) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil, err
	}
	v := &view{fragments: map[string]string{}, subjects: map[string]int64{}, seen: map[string]int64{}}
	var main *html.Node
	walk(root, func(n *html.Node) bool {
		switch n.Data {
		case "title":
			v.title = text(n)
		case "live-updates":
			v.src, v.cursor = attribute(n, "src"), attribute(n, "cursor")
		case "main":
			main = n
		}
		return true
	})
	if main == nil || v.src == "" {
		return nil, fmt.Errorf("no live page: %s", v.title)
	}
	var rest []string
	walk(main, func(n *html.Node) bool {
		if subject := attribute(n, "data-live-subject"); subject != "" {
			v.about(subject, number(attribute(n, "data-revision")))
		}
		for _, part := range strings.Fields(attribute(n, "data-live-parts")) {
			if at := strings.LastIndex(part, "@"); at > 0 {
				v.about(part[:at], number(part[at+1:]))
			}
		}
		switch {
		case has(n, "data-live-list"):
			v.lists = append(v.lists, listOf(n))
			return false
		case has(n, "data-live-fragment"):
			v.fragments[attribute(n, "data-live-fragment")] = text(n)
			return false
		// What passes by itself, what a filter or a field offers, and what the client says of a list.
		case n.Data == "time", n.Data == "option", attribute(n, "id") == "flashes", attribute(n, "id") == "filter", has(n, "data-live-empty"), has(n, "data-live-news"):
			return false
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Type == html.TextNode {
				rest = append(rest, strings.Fields(c.Data)...)
			}
		}
		return true
	})
	v.rest = strings.Join(rest, " ")
	return v, nil
}

func (v *view) about(subject string, revision int64) {
	if known, ok := v.subjects[subject]; !ok || revision < known {
		v.subjects[subject] = revision
	}
}

func listOf(n *html.Node) *list {
	l := &list{
		name: attribute(n, "data-live-list"), tab: attribute(n, "data-live-tab"), by: attribute(n, "data-live-by"), order: attribute(n, "data-live-order"),
		page: attribute(n, "data-live-page"), search: attribute(n, "data-live-search"), size: int(number(attribute(n, "data-live-size"))), more: has(n, "data-live-more"),
	}
	if l.by == "" {
		l.by = "sort"
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if attribute(c, "id") != "" {
			r := rowOf(c.Attr, l.by)
			r.text = text(c)
			l.rows = append(l.rows, r)
		}
	}
	return l
}

func rowOf(attributes []html.Attribute, by string) row {
	return row{id: valueOf(attributes, "id"), key: valueOf(attributes, "data-"+by), revision: number(valueOf(attributes, "data-revision"))}
}

// read reads the text of a row that was pushed.
func (r *row) read() {
	if r.html == "" {
		return
	}
	element, err := parseRow(r.html)
	if err != nil {
		r.text = err.Error()
	} else {
		r.text = text(element)
	}
	r.html = ""
}

// apply puts a row right wherever it shows. It returns true where only the server knows how the page looks
// now.
func (v *view) apply(p pushed) (unsure bool, err error) {
	known := int64(-1)
	if seen, ok := v.seen[p.ID]; ok {
		known = seen
	}
	for _, l := range v.lists {
		if at := l.at(p.ID); at >= 0 {
			known = max(known, l.rows[at].revision)
		}
	}
	subject, ok := v.subjects[p.ID]
	unsure = ok && subject < p.Revision
	if p.Revision <= known {
		return unsure, nil
	}
	if len(v.seen) >= seenAtMost {
		clear(v.seen) // what is older than what has come comes only before what is newer
	}
	v.seen[p.ID] = p.Revision
	for _, l := range v.lists {
		if l.name != p.List {
			continue
		}
		more, err := l.apply(p)
		if err != nil {
			return false, err
		}
		unsure = unsure || more
	}
	return unsure, nil
}

func (l *list) at(id string) int {
	return slices.IndexFunc(l.rows, func(r row) bool { return r.id == id })
}

// apply is as in list.js, for a list that nobody works in.
func (l *list) apply(p pushed) (unsure bool, err error) {
	at := l.at(p.ID)
	shown, size := at >= 0, l.size
	if size == 0 {
		size = len(l.rows) + 1
	}
	full := len(l.rows) >= size
	belongs := len(p.Tabs) > 0
	if l.tab != "" {
		belongs = slices.Contains(p.Tabs, l.tab)
	}
	var now row
	if belongs {
		attributes, err := firstTag(p.HTML)
		if err != nil {
			return false, err
		}
		now = rowOf(attributes, l.by)
		now.html = p.HTML
	}
	if l.page != "first" || l.search != "" {
		if shown && belongs {
			l.rows[at] = now
		}
		return true, nil
	}
	if !belongs {
		if shown {
			l.rows = slices.Delete(l.rows, at, at+1)
		}
		return shown && full, nil
	}
	others := slices.Clone(l.rows)
	if shown {
		others = slices.Delete(others, at, at+1)
	}
	place := sort.Search(len(others), func(i int) bool { return !follows(now, others[i], l.order) })
	if place >= size || place == len(others) && full && !shown {
		if shown {
			l.rows[at] = now
		}
		return !l.more, nil
	}
	l.rows = slices.Insert(others, place, now)
	extra := max(0, len(l.rows)-size)
	l.rows = l.rows[:len(l.rows)-extra]
	return extra > 0 && !l.more || full && shown && place == len(others) && place != at, nil
}

// follows says whether a comes after b. Lists by name are not among the tabs of a run: their order is a
// browser's alphabet.
func follows(a, b row, order string) bool {
	after := a.key > b.key
	if a.key == b.key {
		after = a.id > b.id
	}
	return (a.key != b.key || a.id != b.id) && after != strings.HasSuffix(order, "desc")
}

func (v *view) take(f fragment) error {
	if _, ok := v.fragments[f.Name]; !ok {
		return nil
	}
	nodes, err := html.ParseFragment(strings.NewReader(f.HTML), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return err
	}
	words := make([]string, len(nodes))
	for i, n := range nodes {
		words[i] = text(n)
	}
	v.fragments[f.Name] = strings.Join(strings.Fields(strings.Join(words, " ")), " ")
	return nil
}

// difference says in what a view differs from what a reload shows; "" if in nothing.
func (v *view) difference(reload *view) string {
	for i, l := range reload.lists {
		if i >= len(v.lists) {
			return "a list is missing"
		}
		for j := range max(len(l.rows), len(v.lists[i].rows)) {
			var shown, want row
			if j < len(v.lists[i].rows) {
				v.lists[i].rows[j].read()
				shown = v.lists[i].rows[j]
			}
			if j < len(l.rows) {
				want = l.rows[j]
			}
			if shown != want {
				return fmt.Sprintf("row %d of %s is %s@%d %q, not %s@%d %q", j+1, l.name, shown.id, shown.revision, shown.text, want.id, want.revision, want.text)
			}
		}
	}
	for name, want := range reload.fragments {
		if shown := v.fragments[name]; shown != want {
			return fmt.Sprintf("%s is %q, not %q", name, shown, want)
		}
	}
	// A list's page has its pager besides, which no push changes.
	if len(reload.lists) == 0 && v.rest != reload.rest {
		at := 0
		for at < min(len(v.rest), len(reload.rest)) && v.rest[at] == reload.rest[at] {
			at++
		}
		from := max(0, at-60)
		return fmt.Sprintf("it says %.200q, not %.200q", v.rest[from:], reload.rest[from:])
	}
	return ""
}

// firstTag are the attributes of the element that text begins with.
func firstTag(text string) ([]html.Attribute, error) {
	for words := html.NewTokenizer(strings.NewReader(text)); ; {
		switch words.Next() {
		case html.StartTagToken:
			return words.Token().Attr, nil
		case html.ErrorToken:
			return nil, fmt.Errorf("no row: %.100q", text)
		}
	}
}

func parseRow(text string) (*html.Node, error) {
	nodes, err := html.ParseFragment(strings.NewReader(text), &html.Node{Type: html.ElementNode, Data: "tbody", DataAtom: atom.Tbody})
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if n.Type == html.ElementNode {
			return n, nil
		}
	}
	return nil, fmt.Errorf("no row: %.100q", text)
}

// walk calls each with n and the elements below it, but not with those below one for which it returns false.
func walk(n *html.Node, each func(*html.Node) bool) {
	if n.Type == html.ElementNode && !each(n) {
		return
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, each)
	}
}

// text is that of n without times, which pass by themselves, with single spaces.
func text(n *html.Node) string {
	var words []string
	var add func(*html.Node)
	add = func(n *html.Node) {
		if n.Type == html.TextNode {
			words = append(words, strings.Fields(n.Data)...)
		}
		if n.Type == html.ElementNode && n.Data == "time" {
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			add(c)
		}
	}
	add(n)
	return strings.Join(words, " ")
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func attribute(n *html.Node, name string) string { return valueOf(n.Attr, name) }

func valueOf(attributes []html.Attribute, name string) string {
	for _, a := range attributes {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}
