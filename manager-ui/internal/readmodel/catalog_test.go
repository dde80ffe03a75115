package readmodel_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/migrations"
	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	list "countersign.example/pkg/readmodel"
)

// told is an event of the catalog as ordering-core writes it.
func told(id string, sequence int64, body catalog.Body) event.Event {
	e := catalog.New("/ordering-core", id, body)
	e.Sequence, e.Time = sequence, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return e
}

func TestProjectCatalog(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	j := journal.New(db, "/manager-ui")
	var offset int64
	receive := func(events ...event.Event) {
		t.Helper()
		var received []journal.Received
		for _, e := range events {
			offset++
			received = append(received, journal.Received{Event: e, Stream: catalog.Stream(e), Topic: catalog.Topic, Offset: offset})
		}
		if err := db.InTx(t.Context(), func(tx *pg.Tx) error {
			changed, _, err := j.Receive(t.Context(), tx, received)
			if err != nil {
				return err
			}
			return readmodel.ProjectCatalog(t.Context(), tx, changed)
		}); err != nil {
			t.Fatal(err)
		}
	}
	tiles, hotel := uuid.NewString(), uuid.NewString()
	price := money.Amount{Minor: 1250, Currency: "EUR"}
	name := strings.Repeat("Ł", 60)

	// given both in one batch, and events about what nobody has added
	receive(
		told(uuid.NewString(), 1, catalog.ProductArchived{ProductID: uuid.NewString()}),
		told(tiles, 1, catalog.ProductAdded{ProductID: tiles, SKU: "T-1", Name: "Tiles", Price: price}),
		told(hotel, 1, catalog.CustomerAdded{CustomerID: hotel, Name: "Hotel", Email: "Office@Hotel.example"}),
		told(tiles, 2, catalog.ProductChanged{ProductID: tiles, SKU: `T"1,{}\`, Name: name, Price: price}),
	)

	products, err := readmodel.FindProducts(t.Context(), db, tiles, uuid.NewString())
	if err != nil || len(products) != 1 {
		t.Fatalf("found %+v, %v", products, err)
	}
	if p := products[0]; p.Name != name || p.Price() != price || p.Sequence != 2 || p.Revision != 4 || p.Archived || p.Sort != strings.Repeat("ł", 40) {
		t.Errorf("the copy is %+v", p)
	}
	bySKU, err := readmodel.ProductsBySKU(t.Context(), db, []string{catalog.Key(`t"1,{}\`), "x"})
	if err != nil || bySKU[catalog.Key(`T"1,{}\`)].ID != tiles {
		t.Errorf("by SKU: %+v, %v", bySKU, err)
	}
	byEmail, err := readmodel.CustomersByEmail(t.Context(), db, []string{"office@hotel.example"})
	if err != nil || byEmail["office@hotel.example"].ID != hotel {
		t.Errorf("by address: %+v, %v", byEmail, err)
	}
	for p, err := range readmodel.AllProducts(t.Context(), db) {
		if err != nil || p.ID != tiles || p.SKU != `T"1,{}\` || p.Name != name || p.Price() != price {
			t.Errorf("all: %+v, %v", p, err)
		}
	}

	// when they are archived
	receive(told(tiles, 3, catalog.ProductArchived{ProductID: tiles}), told(hotel, 2, catalog.CustomerArchived{CustomerID: hotel}))

	// then they keep what they were, in another list
	for archived, want := range map[bool]string{false: "0 0", true: "1 1"} {
		q := readmodel.NameQuery{Archived: archived}
		products, err := readmodel.Products.Page(t.Context(), db, q)
		customers, errCustomers := readmodel.Customers.Page(t.Context(), db, q)
		if got := fmt.Sprint(len(products.Rows), len(customers.Rows)); got != want || err != nil || errCustomers != nil {
			t.Errorf("archived %v: %s, %v %v", archived, got, err, errCustomers)
		}
		if archived && (products.Rows[0].Name != name || products.Rows[0].Sequence != 3 || customers.Rows[0].Email != "Office@Hotel.example") {
			t.Errorf("archived: %+v %+v", products.Rows, customers.Rows)
		}
	}
	for c, err := range readmodel.AllCustomers(t.Context(), db) {
		t.Errorf("all: %+v, %v", c, err)
	}
}

func TestTheFirstCustomersHaveTheArchivedOnesBehind(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	if _, err := db.Pool().Exec(t.Context(), `insert into customers (id, revision, sequence, name, email, email_key, archived, updated_at, sort, words)
		select gen_random_uuid(), 1, 1, 'Hotel ' || n, n || '@x.example', n || '@x.example', n < 3, now(), lpad(n::text, 2, '0'), '' from generate_series(1, 26) n`); err != nil {
		t.Fatal(err)
	}
	first, more, err := readmodel.FirstCustomers(t.Context(), db, "")
	if err != nil || !more || len(first) != readmodel.PageSize || first[0].Name != "Hotel 3" || first[24].Name != "Hotel 1" {
		t.Errorf("%+v, %v, %v", first, more, err)
	}
}

func TestAllAreReadInPages(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	for _, count := range []int{0, 499, 500, 1203} {
		// given so many, most of them with the same name
		if _, err := db.Pool().Exec(t.Context(), "truncate customers"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Pool().Exec(t.Context(), `insert into customers (id, revision, sequence, name, email, email_key, archived, updated_at, sort, words)
			select gen_random_uuid(), 1, 1, 'Hotel', n || '@x.example', n || '@x.example', false, now(), (n / 600)::text, '' from generate_series(1, $1) n`, count); err != nil {
			t.Fatal(err)
		}
		// when all are read, then each is there once, by name
		seen, last := map[string]bool{}, list.Place{}
		for c, err := range readmodel.AllCustomers(t.Context(), db) {
			if err != nil {
				t.Fatal(err)
			}
			if place := c.Place(list.Sort{}); place.Key+place.ID <= last.Key+last.ID || c.Email == "" {
				t.Errorf("%+v comes after %+v", c, last)
			}
			seen[c.Email], last = true, c.Place(list.Sort{})
		}
		if len(seen) != count {
			t.Errorf("read %d of %d", len(seen), count)
		}
	}
}
