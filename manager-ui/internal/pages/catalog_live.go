package pages

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/live"
)

// catalogRows renders the products and the customers among streams.
func (l *Live) catalogRows(ctx context.Context, streams []string) (rows []live.Row, err error) {
	products, err := readmodel.FindProducts(ctx, l.db, idsOf(streams, catalog.ProductStream(""))...)
	if err != nil {
		return nil, err
	}
	for _, p := range products {
		html, err := productRowFragment.HTML(l.renderer, productRowOf(p))
		if err != nil {
			return nil, err
		}
		rows = append(rows, live.Row{Audience: audience, List: productList, ID: catalog.ProductStream(p.ID), Revision: p.Revision,
			Tabs: []string{tabOf(p.Archived)}, Sort: p.Sort, HTML: html})
	}
	customers, err := readmodel.FindCustomers(ctx, l.db, idsOf(streams, catalog.CustomerStream(""))...)
	if err != nil {
		return nil, err
	}
	for _, c := range customers {
		html, err := customerRowFragment.HTML(l.renderer, customerRowOf(c))
		if err != nil {
			return nil, err
		}
		rows = append(rows, live.Row{Audience: audience, List: customerList, ID: catalog.CustomerStream(c.ID), Revision: c.Revision,
			Tabs: []string{tabOf(c.Archived)}, Sort: c.Sort, HTML: html})
	}
	return rows, nil
}

// idsOf are the ids of the streams that begin with prefix.
func idsOf(streams []string, prefix string) (ids []string) {
	for _, s := range streams {
		if id, ok := strings.CutPrefix(s, prefix); ok && uuid.Validate(id) == nil {
			ids = append(ids, id)
		}
	}
	return ids
}
