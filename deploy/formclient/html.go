package formclient

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// valuesOf returns the fields of a form with their current values.
func valuesOf(form *html.Node) url.Values {
	values := url.Values{}
	walk(form, func(n *html.Node) {
		name := attribute(n, "name")
		if name == "" || has(n, "disabled") {
			return
		}
		switch n.Data {
		case "input":
			kind := attribute(n, "type")
			if (kind == "radio" || kind == "checkbox") && !has(n, "checked") || kind == "submit" || kind == "button" {
				return
			}
			values.Add(name, attribute(n, "value"))
		case "textarea":
			values.Add(name, strings.TrimPrefix(rawText(n), "\n"))
		case "select":
			options := all(n, tag("option"))
			chosen := slices.IndexFunc(options, func(o *html.Node) bool { return has(o, "selected") })
			if len(options) > 0 {
				values.Add(name, optionValue(options[max(chosen, 0)]))
			}
		}
	})
	return values
}

// fill writes value into the field labelled label, or chooses it.
func fill(form *html.Node, values url.Values, label, value string) error {
	for _, l := range all(form, tag("label")) {
		if name, _, _ := strings.Cut(textOf(l), " ("); name != label {
			continue
		}
		id := attribute(l, "for")
		field := first(form, func(n *html.Node) bool {
			return slices.Contains([]string{"input", "select", "textarea"}, n.Data) && (id != "" && attribute(n, "id") == id || id == "" && ancestorIs(n, l))
		})
		if field == nil {
			continue
		}
		if field.Data == "select" {
			option := first(field, func(n *html.Node) bool { return n.Data == "option" && (textOf(n) == value || optionValue(n) == value) })
			if option == nil {
				return fmt.Errorf("%q is no choice of %q", value, label)
			}
			value = optionValue(option)
		}
		if attribute(field, "type") == "radio" {
			value = attribute(field, "value")
		}
		values.Set(attribute(field, "name"), value)
		return nil
	}
	return fmt.Errorf("there is no field %q", label)
}

func optionValue(option *html.Node) string {
	if has(option, "value") {
		return attribute(option, "value")
	}
	return textOf(option)
}

func tag(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == name }
}

// first returns the first element, n or below it, that matches; nil if none does.
func first(n *html.Node, matches func(*html.Node) bool) *html.Node {
	if n == nil || n.Type == html.ElementNode && matches(n) {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if found := first(c, matches); found != nil {
			return found
		}
	}
	return nil
}

func all(n *html.Node, matches func(*html.Node) bool) (found []*html.Node) {
	walk(n, func(n *html.Node) {
		if matches(n) {
			found = append(found, n)
		}
	})
	return found
}

func walk(n *html.Node, each func(*html.Node)) {
	if n == nil {
		return
	}
	if n.Type == html.ElementNode {
		each(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, each)
	}
}

func ancestor(n *html.Node, name string) *html.Node {
	for ; n != nil; n = n.Parent {
		if n.Type == html.ElementNode && n.Data == name {
			return n
		}
	}
	return nil
}

func ancestorIs(n, other *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == other {
			return true
		}
	}
	return false
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// textOf returns all text below n, with single spaces.
func textOf(n *html.Node) string { return strings.Join(strings.Fields(rawText(n)), " ") }

// inline elements do not set their text apart from what stands beside it.
var inline = map[string]bool{"a": true, "b": true, "em": true, "small": true, "span": true, "strong": true, "time": true, "textarea": true}

func rawText(n *html.Node) string {
	if n == nil {
		return ""
	}
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(rawText(c))
	}
	if n.Type == html.ElementNode && !inline[n.Data] {
		return " " + b.String() + " "
	}
	return b.String()
}
