package catalog_test

import (
	"errors"
	"testing"
	"time"

	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
	"countersign.example/pkg/schema/schematest"
)

const id = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"

var (
	domain  = schematest.Of(catalog.Types(), catalog.Decode)
	parquet = catalog.ProductAdded{ProductID: id, Name: "Parquet", SKU: "FLO-1", Price: money.Amount{Minor: 6490, Currency: "EUR"}}
	sonne   = catalog.CustomerAdded{CustomerID: id, Name: "Hotel Sonne", Email: "office@sonne.example"}
	t0      = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
)

func TestDecoderAndSchemasAgree(t *testing.T) { domain.Run(t) }

func FuzzDecode(f *testing.F) { domain.Fuzz(f) }

func TestCheckHoldsTheBodyAgainstTheEnvelope(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*event.Event)
		want   error
	}{
		"fits":                {func(*event.Event) {}, nil},
		"another subject":     {func(e *event.Event) { e.Subject = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a2c" }, schema.ErrInvalidEvent},
		"no data":             {func(e *event.Event) { e.Data = nil }, schema.ErrInvalidEvent},
		"an unknown type":     {func(e *event.Event) { e.Type = "product_praised" }, schema.ErrUnknownType},
		"another type's data": {func(e *event.Event) { e.Type = catalog.TypeCustomerAdded }, schema.ErrInvalidEvent},
	} {
		e := catalog.New(catalog.Source, id, parquet)
		test.change(&e)
		if err := catalog.Check(e); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// history numbers events as ordering-core does, a minute apart.
func history(bodies ...catalog.Body) (events []event.Event) {
	for i, b := range bodies {
		e := catalog.New(catalog.Source, id, b)
		e.Sequence, e.Time = int64(i+1), t0.Add(time.Duration(i)*time.Minute)
		events = append(events, e)
	}
	return events
}

func TestFoldProduct(t *testing.T) {
	dearer := catalog.ProductChanged(parquet)
	dearer.Price.Minor = 6900
	archived := catalog.ProductArchived{ProductID: id}
	added := catalog.Product{ID: id, SKU: "FLO-1", Name: "Parquet", Price: parquet.Price, Sequence: 1, UpdatedAt: t0}
	changed := added
	changed.Price.Minor, changed.Sequence, changed.UpdatedAt = 6900, 2, t0.Add(time.Minute)
	gone := changed
	gone.Archived, gone.Sequence, gone.UpdatedAt = true, 3, t0.Add(2*time.Minute)
	whole := history(parquet, dearer, archived)
	forged := whole[1]
	forged.Source = "/contractor-ui"
	late := whole[1]
	late.Sequence = 4
	counted := func(p catalog.Product) catalog.Product { p.Sequence++; return p }
	unknown := history(parquet, dearer, dearer)
	unknown[1].Type = "product_praised"
	changedThen := changed
	changedThen.Sequence, changedThen.UpdatedAt = 3, unknown[2].Time
	for name, test := range map[string]struct {
		given []event.Event
		want  catalog.Product
	}{
		"what a later version writes":      {unknown[:2], counted(added)},
		"and what comes after it":          {unknown, changedThen},
		"nothing":                          {nil, catalog.Product{}},
		"added":                            {whole[:1], added},
		"changed":                          {whole[:2], changed},
		"archived":                         {whole, gone},
		"changed before it was added":      {whole[1:2], catalog.Product{}},
		"received twice":                   {append(whole[:2:2], whole[1]), changed},
		"added twice":                      {append(whole[:1:1], history(parquet, parquet)[1]), counted(added)},
		"out of order":                     {[]event.Event{whole[0], whole[2], whole[1]}, changed},
		"somebody else's":                  {append(whole[:1:1], forged), added},
		"changed after it was archived":    {append(whole[:3:3], late), counted(gone)},
		"of a customer, in the same place": {append(whole[:1:1], history(parquet, catalog.CustomerChanged(sonne))[1]), counted(added)},
	} {
		if got := catalog.FoldProduct(test.given); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestFoldCustomer(t *testing.T) {
	renamed := catalog.CustomerChanged(sonne)
	renamed.Name = "Hotel zur Sonne"
	whole := history(sonne, renamed, catalog.CustomerArchived{CustomerID: id}, renamed)
	want := catalog.Customer{ID: id, Name: renamed.Name, Email: sonne.Email, Archived: true, Sequence: 4, UpdatedAt: t0.Add(2 * time.Minute)}
	if got := catalog.FoldCustomer(whole); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := catalog.FoldCustomer(whole[1:]); got != (catalog.Customer{}) {
		t.Errorf("without a beginning: %+v", got)
	}
}
