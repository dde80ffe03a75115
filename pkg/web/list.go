package web

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/readmodel"
)

// Paging is how the pages of a list stand in addresses: the parameters that say where one begins.
type Paging struct {
	Sort          readmodel.Sort
	Before, After string
}

// Read has q read the page that an address names.
func (p Paging) Read(c echo.Context, q *readmodel.Query) (err error) {
	q.Sort = p.Sort
	if q.Before, err = p.place(c.QueryParam(p.Before)); err != nil {
		return err
	}
	q.After, err = p.place(c.QueryParam(p.After))
	return err
}

func (p Paging) place(cursor string) (*readmodel.Place, error) {
	if cursor == "" {
		return nil, nil
	}
	fields, err := DecodeCursor[map[string]string](cursor)
	if err != nil {
		return nil, err
	}
	place, ok := p.Sort.Place(fields)
	if !ok {
		return nil, BadRequest(incompleteAddress)
	}
	return &place, nil
}

// PagerOf leads to the pages beside one, and from one whose rows have gone elsewhere to the first. Address is
// the list's, with a parameter more.
func PagerOf[T readmodel.Row](p Paging, page readmodel.Page[T], address func(parameter, value string) string) (to Pager) {
	link := func(parameter string, at *readmodel.Place) string {
		if at == nil {
			return ""
		}
		return address(parameter, EncodeCursor(p.Sort.Fields(*at)))
	}
	before, after := link(p.Before, page.Before), link(p.After, page.After)
	if len(page.Rows) == 0 && !page.First && page.Before == nil {
		before = address(p.Before, "")
	}
	if p.Sort.Desc && p.Sort.Type == "timestamptz" {
		return Pager{Newer: before, Older: after}
	}
	return Pager{Previous: before, Next: after}
}

// ListOptions are what lists differ in that are sorted and filtered.
type ListOptions struct {
	Path          string
	Before, After string           // the parameters of its pages
	Default       readmodel.Sort   // its order, unless another one is chosen
	Sorts         []readmodel.Sort // to choose from, by their names, each also backwards
	Money         readmodel.Sort   // what amounts are filtered by, if any: see readmodel.ByMoney
	Time          string           // the column that days are filtered by; "" for none
	Note          string           // for people, about what a filter cannot find
	Kept          []string         // further parameters that say which rows the list has
	Views         string           // the path of the forms of its views: see RegisterViews
}

// pageSizes are how many rows a page may have; the first unless another one is chosen.
var pageSizes = []int{25, 50, 100}

// List is a list as its address asks for it: from its beginning or from a place, sorted and filtered.
type List struct {
	readmodel.Query
	Filter     *Form // as it was typed, with what is wrong
	Chips      []Chip
	naming     *Form // of a view of the list
	options    ListOptions
	parameters map[string]string // of the address, without those of its pages
}

// Chip says what a list is filtered by; Href is the list without that.
type Chip struct{ Text, Href string }

// errNoList answers an address of a list that no link leads to.
var errNoList = NotFound("There is no such list.")

// ReadList reads an address. What is wrong with a filter is said beside its field, and narrows nothing.
func ReadList(c echo.Context, o ListOptions) (l List, err error) {
	l = List{options: o, parameters: map[string]string{}}
	for _, name := range slices.Concat([]string{"tab", "q", "sort", "size"}, filterFields, o.Kept) {
		if l.parameters[name], err = ReadSearch(c.QueryParam(name)); err != nil {
			return l, err
		}
	}
	l.Search = l.parameters["q"]
	sort := o.Default
	if chosen := l.parameters["sort"]; chosen != "" {
		name, backwards := strings.CutPrefix(chosen, "-")
		i := slices.IndexFunc(o.Sorts, func(s readmodel.Sort) bool { return s.Name == name })
		if i < 0 {
			return l, errNoList
		}
		if sort = o.Sorts[i]; backwards {
			sort = sort.Backwards()
		}
	}
	if l.Limit = pageSizes[0]; l.parameters["size"] != "" {
		if l.Limit, err = strconv.Atoi(l.parameters["size"]); err != nil || !slices.Contains(pageSizes, l.Limit) {
			return l, errNoList
		}
	}
	l.readFilter(c)
	l.Way = &readmodel.Way{Usual: o.Default}
	if l.naming, _ = c.Get(viewFormKey).(*Form); l.naming == nil {
		l.naming = NewForm(nil)
	}
	return l, Paging{sort, o.Before, o.After}.Read(c, &l.Query)
}

// Address is the list's, as it is sorted and filtered, with other parameters in place of some: name, value,
// name, value.
func (l List) Address(other ...string) string { return l.at(l.options.Path, other...) }

// at is another path with the list's parameters.
func (l List) at(path string, other ...string) string {
	parameters := maps.Clone(l.parameters)
	for i := 0; i+1 < len(other); i += 2 {
		parameters[other[i]] = other[i+1]
	}
	return Address(path, parameters)
}

// Narrow adds a condition of the app's own, by a parameter of the address that it is Kept in. Unless the page
// says it elsewhere, a chip does.
func (l *List) Narrow(where readmodel.Condition, said, parameter string) {
	l.Where, l.Narrowed = append(l.Where, where), true
	if said != "" {
		l.Chips = append(l.Chips, Chip{said, l.Address(parameter, "")})
	}
}

// Without is what the list's address has, but for some parameters.
func (l List) Without(names ...string) map[string]string {
	kept := maps.Clone(l.parameters)
	for _, name := range names {
		delete(kept, name)
	}
	return kept
}

// Everything is the address of the list without its filter, its search and its order.
func (l List) Everything() string {
	return Address(l.options.Path, map[string]string{"tab": l.parameters["tab"], "size": l.parameters["size"]})
}

// IsNarrowed tells whether the list is searched or filtered, so that only a page knows what is in it.
func (l List) IsNarrowed() bool { return l.Search != "" || l.Narrowed }

// SearchBox is the search, which keeps everything else.
func (l List) SearchBox(label string) Search {
	return Search{Action: l.options.Path, Value: l.Search, Label: label, Keep: l.Without("q")}
}

// Head is the head of a column. Href sorts by it, or from its other end; Sorted is its aria-sort.
type Head struct{ Label, Class, Href, Sorted, sort string }

// Head makes the head of a column that the list is sorted by under a name.
func (l List) Head(label, class, name string) Head {
	head, sort := Head{Label: label, Class: class, sort: name}, readmodel.Sort{Name: name}
	if l.Sort.Name == name {
		head.Sorted = "ascending"
		if l.Sort.Desc {
			head.Sorted = "descending"
		}
		sort.Desc = !l.Sort.Desc
	}
	head.Href = l.Address("sort", l.order(sort))
	return head
}

// order is how the list's address has an order; "" for the one that needs no word.
func (l List) order(s readmodel.Sort) string {
	switch {
	case s.Name == l.options.Default.Name && s.Desc == l.options.Default.Desc:
		return ""
	case s.Desc:
		return "-" + s.Name
	}
	return s.Name
}

// orders are what the heads sort by as a field, for where rows are cards and have no heads.
func (l List) orders(heads []Head) Field {
	f := NewForm(map[string]string{"sort": l.order(l.Sort)}).Field("sort", "Order")
	var choices []Choice
	for _, s := range l.options.Sorts {
		ways := [2]string{"A to Z", "Z to A"}
		switch {
		case s.Name == l.options.Money.Name:
			ways = [2]string{"lowest first", "highest first"}
		case s.Type == "timestamptz":
			ways = [2]string{"oldest first", "newest first"}
		}
		if i := slices.IndexFunc(heads, func(h Head) bool { return h.sort == s.Name }); i >= 0 {
			choices = append(choices, Choice{l.order(s), heads[i].Label + ", " + ways[0]}, Choice{l.order(s.Backwards()), heads[i].Label + ", " + ways[1]})
		}
	}
	return f.Select(choices)
}

// LiveList is what the live client must know of a list; see pkg/live/client/list.js.
type LiveList struct {
	Name, Tab, By, Order, Page, Narrowed string
	Size                                 int
	More                                 bool
}

// LiveOf describes a page of the list for the live client.
func LiveOf[T readmodel.Row](l List, name, tab string, page readmodel.Page[T]) LiveList {
	live := LiveList{Name: name, Tab: tab, Order: "asc", Page: "other", Size: l.Limit, More: page.After != nil}
	if page.First {
		live.Page = "first"
	}
	if l.Sort.Name != l.options.Default.Name {
		live.By = l.Sort.Name
	}
	alphabetical := l.Sort.Type == "text" && l.Sort.Name != l.options.Money.Name
	switch {
	case alphabetical && l.Sort.Desc:
		live.Order = "name-desc"
	case alphabetical:
		live.Order = "name"
	case l.Sort.Desc:
		live.Order = "desc"
	}
	if l.IsNarrowed() {
		live.Narrowed = l.Address("tab", "", "sort", "", "size", "")
	}
	return live
}

// ExportPath is where a file of all of the list is, below a path of the app.
func (l List) ExportPath(path string) string { return l.at(path, "size", "") }

// Whole asks for all of the list, from its beginning.
func (l List) Whole() (readmodel.Query, error) {
	if !l.Filter.OK() {
		return l.Query, BadRequest("This filter is not right. Please mend it in the list first.")
	}
	l.Limit, l.Before, l.After = fetchedRows, nil, nil
	return l.Query, nil
}

// EmptyOr is what an empty page says of a list that it has not looked through to the end, and leads on from
// there; for any other list it is empty.
func (p Pager) EmptyOr(empty Empty) Empty {
	on := cmp.Or(p.Next, p.Older)
	if p.Backwards {
		on = cmp.Or(p.Previous, p.Newer)
	}
	if p.Looked != "" && on != "" {
		return Empty{Title: "Nothing found so far", Text: p.Looked + ", and there are more.", Action: &Link{Label: "Look further", Href: on}}
	}
	return empty
}

// ListPager leads to the pages beside one of a list, and to pages of other sizes.
func ListPager[T readmodel.Row](l List, page readmodel.Page[T]) Pager {
	to := PagerOf(Paging{l.Sort, l.options.Before, l.options.After}, page, func(parameter, value string) string { return l.Address(parameter, value) })
	if page.Looked > 0 {
		to.Looked, to.Backwards = locale.Count(page.Looked)+" looked through", page.Backwards
	}
	for _, size := range pageSizes {
		link := Tab{Label: strconv.Itoa(size), Current: size == l.Limit}
		chosen := link.Label
		if size == pageSizes[0] {
			chosen = ""
		}
		link.Href = l.Address("size", chosen)
		to.Sizes = append(to.Sizes, link)
	}
	return to
}
