package readmodel_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/migrations"
	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	list "countersign.example/pkg/readmodel"
)

// Names are in the order of an alphabet, on one page and from page to page, and found whatever their accents
// are.
func TestNamesAreSortedAsPeopleSort(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	j := journal.New(db, "/manager-ui")
	want := []string{"Ofen", "Öl", "Öl klein", "Ol zwei", "Öle", "Zebra", "Zürich"}
	for i := range 60 {
		want = append(want, fmt.Sprintf("Zz %02d", i))
	}
	var received []journal.Received
	for i, name := range want {
		id := uuid.NewString()
		e := told(id, 1, catalog.ProductAdded{ProductID: id, SKU: fmt.Sprint("S-", i), Name: name, Price: money.Amount{Minor: 1, Currency: "EUR"}})
		received = append(received, journal.Received{Event: e, Stream: catalog.Stream(e), Topic: catalog.Topic, Offset: int64(i + 1)})
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
	names := func(q readmodel.NameQuery) (names []string, page list.Page[readmodel.Product]) {
		page, err := readmodel.Products.Page(t.Context(), db, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Rows {
			names = append(names, p.Name)
		}
		return names, page
	}
	var all []string
	var q readmodel.NameQuery
	for {
		some, page := names(q)
		all = append(all, some...)
		if q.After != nil {
			if before, _ := names(readmodel.NameQuery{Query: list.Query{Before: page.Before}}); !slices.Equal(before, all[len(all)-len(some)-readmodel.PageSize:len(all)-len(some)]) {
				t.Errorf("before %s: %q", some[0], before)
			}
		}
		if page.After == nil {
			break
		}
		q.After = page.After
	}
	if !slices.Equal(all, want) {
		t.Errorf("listed as %q", all)
	}
	for search, found := range map[string][]string{"OL": {"Öl", "Öl klein", "Ol zwei", "Öle"}, "zurich": {"Zürich"}, "urich": {"Zürich"}, "lein": {"Öl klein"}, "%": nil, "s-6": {"Zz 53", "Zz 54"}} {
		if got, _ := names(readmodel.NameQuery{Query: list.Query{Search: search}}); search != "s-6" && !slices.Equal(got, found) || search == "s-6" && len(got) != 8 {
			t.Errorf("%q finds %q", search, got)
		}
	}
}
