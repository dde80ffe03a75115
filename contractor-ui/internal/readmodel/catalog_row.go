package readmodel

import (
	"strings"

	"github.com/google/uuid"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/search"
)

// sortLength is how much of a name lists are ordered by, in characters.
const sortLength = 40

func productOf(p catalog.Product, s journal.Stream) Product {
	return Product{
		ID: uuid.MustParse(p.ID), SKU: p.SKU, Name: p.Name, Minor: p.Price.Minor, Currency: p.Price.Currency, Archived: p.Archived,
		Sequence: p.Sequence, Revision: s.Revision(), UpdatedAt: p.UpdatedAt, Sort: sortOf(p.Name), Words: search.Join(p.Name, p.SKU),
	}
}

func customerOf(c catalog.Customer, s journal.Stream) Customer {
	return Customer{
		ID: uuid.MustParse(c.ID), Name: c.Name, Email: c.Email, Archived: c.Archived,
		Sequence: c.Sequence, Revision: s.Revision(), UpdatedAt: c.UpdatedAt, Sort: sortOf(c.Name), Words: search.Join(c.Name, c.Email),
	}
}

// written are the events of a stream that has one writer, in their order.
func written(s journal.Stream) []event.Event {
	events := make([]event.Event, len(s.Records))
	for i, r := range s.Records {
		events[i] = r.Event
	}
	return events
}

// sortOf is what a name is ordered by.
func sortOf(name string) string {
	runes := []rune(strings.ToLower(name))
	return string(runes[:min(len(runes), sortLength)])
}
