package readmodel

import (
	"github.com/google/uuid"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

func productOf(p catalog.Product, s journal.Stream) Product {
	return Product{
		ID: uuid.MustParse(p.ID), SKU: p.SKU, Name: p.Name, Minor: p.Price.Minor, Currency: p.Price.Currency, Archived: p.Archived,
		Sequence: p.Sequence, Revision: s.Revision(), UpdatedAt: p.UpdatedAt, Sort: readmodel.SortName(p.Name), SearchTerms: search.Join(p.Name, p.SKU),
	}
}

func customerOf(c catalog.Customer, s journal.Stream) Customer {
	return Customer{
		ID: uuid.MustParse(c.ID), Name: c.Name, Email: c.Email, Archived: c.Archived,
		Sequence: c.Sequence, Revision: s.Revision(), UpdatedAt: c.UpdatedAt, Sort: readmodel.SortName(c.Name), SearchTerms: search.Join(c.Name, c.Email),
	}
}
