package readmodel_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/contractor-ui/migrations"
	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// shelf is the copy of products and customers, with events coming from the topic by hand.
type shelf struct {
	tb      testing.TB
	db      *pg.DB
	journal *journal.Journal
	offset  int64
}

func newShelf(tb testing.TB) *shelf {
	db := pgtest.New(tb, journal.Migrations, migrations.Set)
	return &shelf{tb: tb, db: db, journal: journal.New(db, "/contractor-ui")}
}

func (s *shelf) receive(id string, sequence int64, body catalog.Body) {
	s.tb.Helper()
	e := catalog.New("/ordering-core", id, body)
	e.Sequence, e.Time = sequence, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s.offset++
	err := s.db.InTx(s.tb.Context(), func(tx *pg.Tx) error {
		changed, _, err := s.journal.Receive(s.tb.Context(), tx, []journal.Received{{Event: e, Stream: catalog.Stream(e), Topic: catalog.Topic, Offset: s.offset}})
		if err != nil {
			return err
		}
		return readmodel.ProjectCatalog(s.tb.Context(), tx, changed)
	})
	if err != nil {
		s.tb.Fatal(err)
	}
}

func (s *shelf) product(sku, name string) string {
	s.tb.Helper()
	id := uuid.NewString()
	s.receive(id, 1, catalog.ProductAdded{ProductID: id, SKU: sku, Name: name, Price: money.Amount{Minor: 100, Currency: "EUR"}})
	return id
}

// names are what can be chosen.
func (s *shelf) names(c readmodel.Choice) (names []string, more bool) {
	s.tb.Helper()
	page, err := readmodel.Products(s.tb.Context(), s.db, c)
	if err != nil {
		s.tb.Fatal(err)
	}
	for _, p := range page.Rows {
		names = append(names, p.Name)
	}
	return names, page.After != nil
}

func TestProductsToChooseFrom(t *testing.T) {
	s := newShelf(t)
	tiles := s.product("T-30x30", "Tiles, grey")
	s.product("T-40x40", "Tiles, white")
	s.product("GR/1", "grout 'Łódź' \\ <b>")
	gone := s.product("T-1", "Tiles of yesterday")
	s.receive(gone, 2, catalog.ProductArchived{ProductID: gone})
	s.receive(tiles, 2, catalog.ProductChanged{ProductID: tiles, SKU: "T-30x30", Name: "Tiles, gray", Price: money.Amount{Minor: 120, Currency: "EUR"}})

	for _, test := range []struct {
		search string
		want   string
	}{
		{"", "[grout 'Łódź' \\ <b> Tiles, gray Tiles, white]"},
		{"til", "[Tiles, gray Tiles, white]"},
		{"GRA tiles", "[Tiles, gray]"},
		{"t-30", "[Tiles, gray]"},
		{"łó", "[grout 'Łódź' \\ <b>]"},
		{"gr/1", "[grout 'Łódź' \\ <b>]"},
		{"grey", "[]"},
		{"yesterday", "[]"},
		{"iles", "[Tiles, gray Tiles, white]"},
		{"LODZ", "[grout 'Łódź' \\ <b>]"},
		{"il", "[]"},
		{"' | ! ( \\ \x00 \xff", "[]"},
	} {
		if got, more := s.names(readmodel.Choice{Search: test.search, Limit: 10}); fmt.Sprint(got) != test.want || more {
			t.Errorf("%q finds %v, want %s", test.search, got, test.want)
		}
	}

	// Page by page it is the same.
	page, err := readmodel.Products(t.Context(), s.db, readmodel.Choice{Limit: 2})
	if err != nil || len(page.Rows) != 2 || page.After == nil {
		t.Fatalf("%+v, %v", page, err)
	}
	if rest, more := s.names(readmodel.Choice{After: page.After, Limit: 2}); fmt.Sprint(rest) != "[Tiles, white]" || more {
		t.Errorf("behind are %v", rest)
	}

	// An archived one is found by those who have it.
	rows, err := readmodel.FindProducts(t.Context(), s.db, tiles, gone, uuid.NewString())
	found := map[string]readmodel.Product{}
	for _, p := range rows {
		found[p.ID] = p
	}
	if err != nil || len(found) != 2 || !found[gone].Archived || found[tiles].Price().Minor != 120 || found[tiles].Sequence != 2 {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestCustomersToChooseFrom(t *testing.T) {
	s := newShelf(t)
	for _, name := range []string{"Hotel Sonne", "Bakery Mond", "Hotel Stern"} {
		id := uuid.NewString()
		s.receive(id, 1, catalog.CustomerAdded{CustomerID: id, Name: name, Email: "office@" + name[:5] + ".example"})
		if name == "Hotel Stern" {
			s.receive(id, 2, catalog.CustomerArchived{CustomerID: id})
			found, err := readmodel.FindCustomers(t.Context(), s.db, id)
			if err != nil || len(found) != 1 || !found[0].Archived || found[0].Name != name {
				t.Errorf("found %+v, %v", found, err)
			}
		}
	}
	for search, want := range map[string]int{"": 2, "hot": 1, "office": 2, "stern": 0} {
		if page, err := readmodel.Customers(t.Context(), s.db, readmodel.Choice{Search: search, Limit: 5}); err != nil || len(page.Rows) != want {
			t.Errorf("%q finds %+v, %v", search, page.Rows, err)
		}
	}
}

// However many rows there are, what is typed is looked up in an index: a list's order would have the planner
// walk through the list.
func TestWhatIsTypedIsLookedUp(t *testing.T) {
	s := newShelf(t)
	if _, err := s.db.Pool().Exec(t.Context(), `with made as (select gen_random_uuid() as id, 'Thing ' || lpad(n::text, 5, '0') as name, n
			from generate_series(1, 30000) n), added as (insert into products (id, revision, sequence, sku, name, price, currency, archived, updated_at, sort, words)
			select id, 1, 1, 'S-' || n, name, 1, 'EUR', false, now(), lower(name), '' from made order by n)
		insert into customers (id, revision, sequence, name, email, archived, updated_at, sort, words)
		select id, 1, 1, name, 'a@b.example', false, now(), lower(name), '' from made order by n`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Pool().Exec(t.Context(), "analyze products, customers"); err != nil {
		t.Fatal(err)
	}
	var statements []string
	if err := s.db.Gorm(t.Context()).Callback().Query().After("gorm:query").Register("statements", func(db *gorm.DB) {
		statements = append(statements, db.Statement.SQL.String())
	}); err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]int{"s-29999": 1, "THING 29998": 1, "nothing": 0} {
		if found, err := readmodel.ProductsNamed(t.Context(), s.db, typed); err != nil || len(found) != want {
			t.Errorf("%q finds %+v, %v", typed, found, err)
		}
	}
	if found, err := readmodel.CustomersNamed(t.Context(), s.db, "thing 29997"); err != nil || len(found) != 1 {
		t.Errorf("found %+v, %v", found, err)
	}
	connection, err := s.db.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Release()
	for _, statement := range statements {
		results, err := connection.Conn().PgConn().Exec(t.Context(), "explain (generic_plan) "+statement).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		plan := fmt.Sprintf("%s", results[0].Rows)
		if !strings.Contains(plan, "Index Cond: (lower(sku) =") && !strings.Contains(plan, "Index Cond: (sort =") {
			t.Errorf("%s is %s", statement, plan)
		}
	}
}
