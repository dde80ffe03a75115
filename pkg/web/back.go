package web

import (
	"cmp"
	"net/url"

	"github.com/labstack/echo/v4"
)

// backField is the parameter, or the hidden field, with the address of the list that a page was opened from.
const backField = "back"

// maxBack is more than any address of a list needs, in bytes.
const maxBack = 2000

// CameFrom is the address of the list at path that this request comes from; "" if it comes from somewhere
// else.
func CameFrom(c echo.Context, path string) string { return listAddress(referer(c), path) }

// Back is the address of the list at path as somebody left it for this page, with its tab, search, filters and
// page; "" if nobody knows. A page passes it on by the template "back" in its forms, and by its address, where
// a script keeps it.
func Back(c echo.Context, path string) string {
	from := referer(c)
	given := ""
	if from != nil {
		given = from.Query().Get(backField)
	}
	return cmp.Or(readBack(c.FormValue(backField), path), listAddress(from, path), readBack(given, path))
}

// BackLink leads to the list at path as somebody left it, or else to its first page.
func BackLink(c echo.Context, label, path string) Link {
	return Link{label, cmp.Or(Back(c, path), path)}
}

// referer is the page of this site that a request comes from; nil if there is none.
func referer(c echo.Context) *url.URL {
	from, err := url.Parse(c.Request().Referer())
	if err != nil || from.Host != c.Request().Host {
		return nil
	}
	from.Scheme, from.Host, from.User = "", "", nil
	return from
}

func readBack(given, path string) string {
	if given == "" || len(given) > maxBack {
		return ""
	}
	address, err := url.Parse(given)
	if err != nil {
		return ""
	}
	return listAddress(address, path)
}

// listAddress is an address of the list at path, made of its parameters alone: whatever somebody
// wrote into one leads nowhere else. It is "" for every other address.
func listAddress(address *url.URL, path string) string {
	if address == nil || address.Scheme != "" || address.Host != "" || address.User != nil || address.Opaque != "" || address.Path != path {
		return ""
	}
	query, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		return ""
	}
	query.Del(backField)
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
