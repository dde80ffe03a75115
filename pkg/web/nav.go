package web

import (
	"slices"

	"countersign.example/pkg/rights"
)

// NavItem is one entry of the header's navigation: a page, or a section of pages, which then stand as tabs
// above each of them. A section leads to the first of its parts that somebody may see, and is not there for
// who may see none.
type NavItem struct {
	Key, Label, Href string
	Right            rights.Right // that it is for; the zero one is for everybody
	Parts            []NavItem    // of a section, which has neither Href nor Right of its own
}

// Holds reports whether a page belongs to the entry.
func (n NavItem) Holds(key string) bool {
	return n.Key == key || slices.ContainsFunc(n.Parts, func(part NavItem) bool { return part.Holds(key) })
}

// Section is the section that the page belongs to, if any.
func (f frame) Section() *NavItem {
	for _, item := range f.Nav {
		if len(item.Parts) > 0 && item.Holds(f.Page.Nav) {
			return &item
		}
	}
	return nil
}

// navOf is the navigation for somebody.
func navOf(all []NavItem, p Person) (items []NavItem) {
	for _, item := range all {
		if len(item.Right.Roles) > 0 && !item.Right.Has(p.Roles) {
			continue
		}
		if len(item.Parts) > 0 {
			if item.Parts = navOf(item.Parts, p); len(item.Parts) == 0 {
				continue
			}
			item.Href = item.Parts[0].Href
		}
		items = append(items, item)
	}
	return items
}
