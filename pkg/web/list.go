package web

import (
	"github.com/labstack/echo/v4"

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
	if len(page.Rows) == 0 && !page.First {
		before = address(p.Before, "")
	}
	if p.Sort.Desc {
		return Pager{Newer: before, Older: after}
	}
	return Pager{Previous: before, Next: after}
}
