package products_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/internal/products"
	"countersign.example/ordering-core/migrations"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/rights"
)

const (
	managers    = "the-token-of-managers"
	contractors = "the-token-of-contractors"
)

// shop is the API on a database of its own, with a manager who uses it.
type shop struct {
	tb      testing.TB
	db      *pg.DB
	journal *journal.Journal
	service *products.Service
	url     string
	client  *api.Client
	offset  int64 // of what was received last
}

func open(tb testing.TB) *shop {
	tb.Helper()
	db := pgtest.New(tb, journal.Migrations, api.Migrations, migrations.Set)
	s := &shop{tb: tb, db: db, journal: journal.New(db, "/ordering-core")}
	s.service = products.NewService(db, s.journal)
	to := api.NewServer(api.Options{Tokens: api.Tokens{"manager-ui": managers, "contractor-ui": contractors},
		Callers: api.Callers{"manager-ui": {rights.Manager}, "contractor-ui": {rights.Contractor}}, Log: slog.New(slog.DiscardHandler), Large: products.Large})
	s.service.Register(to)
	server := httptest.NewServer(to)
	tb.Cleanup(server.Close)
	s.url, s.client = server.URL, s.as(server.URL, managers)
	return s
}

func (s *shop) as(url, token string) *api.Client {
	client, err := api.NewClient("ordering-core", "URL", url, token)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(client.Close)
	return client
}

type fields map[string]any

// post sends a command by Mia with a key of its own.
func (s *shop) post(path string, body fields) (fields, *api.Refusal) {
	s.tb.Helper()
	return s.postAs("mia-weber", uuid.NewString(), path, body)
}

func (s *shop) postAs(actor, key, path string, body fields) (answer fields, refusal *api.Refusal) {
	s.tb.Helper()
	ctx := event.WithMeta(s.tb.Context(), event.Meta{Actor: actor, ActorName: "Mia Weber"})
	err := s.client.Post(ctx, path, key, body, &answer)
	if err != nil && !errors.As(err, &refusal) {
		s.tb.Errorf("%s: %v", path, err)
	}
	return answer, refusal
}

func (s *shop) must(path string, body fields) fields {
	s.tb.Helper()
	answer, refusal := s.post(path, body)
	if refusal != nil {
		s.tb.Fatalf("%s was refused: %+v", path, refusal)
	}
	return answer
}

// refused expects a refusal with this status and code, about a field if one is given.
func (s *shop) refused(status int, code, field, path string, body fields) *api.Refusal {
	s.tb.Helper()
	answer, refusal := s.post(path, body)
	if refusal == nil {
		s.tb.Fatalf("%s was answered %v", path, answer)
	}
	if got := strings.Trim(string(refusal.Extra["field"]), `"`); refusal.Status != status || refusal.Code != code || got != field {
		s.tb.Errorf("%s: refused %d %s about %q (%s), want %d %s about %q", path, refusal.Status, refusal.Code, got, refusal.Detail, status, code, field)
	}
	return refusal
}

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

func product(sku, name string, minor int64) fields {
	return fields{"product_id": uuid.NewString(), "sku": sku, "name": name, "price": eur(minor)}
}

// with is the body with another value in it.
func (f fields) with(name string, value any) fields {
	changed := fields{name: value}
	for n, v := range f {
		if n != name {
			changed[n] = v
		}
	}
	return changed
}

func (f fields) without(name string) fields {
	changed := f.with(name, nil)
	delete(changed, name)
	return changed
}

// events are what a stream has, as "type sequence", and what the outbox holds of it.
func (s *shop) events(stream string) (list []string) {
	s.tb.Helper()
	read, err := s.journal.Read(s.tb.Context(), stream)
	if err != nil {
		s.tb.Fatal(err)
	}
	for _, r := range read.Records {
		list = append(list, fmt.Sprintf("%s %d", r.Type, r.Sequence))
		if r.ActorName != "Mia Weber" || r.Source != "/ordering-core" {
			s.tb.Errorf("%s was written by %s at %s", r.Type, r.ActorName, r.Source)
		}
		if err := catalog.Check(r.Event); err != nil {
			s.tb.Errorf("%s is not a valid event: %v", r.Type, err)
		}
		var waits bool
		if err := s.db.Pool().QueryRow(s.tb.Context(), "select exists (select from outbox where position = $1)", r.Position).Scan(&waits); err != nil || !waits {
			s.tb.Errorf("%s is not in the outbox: %v", r.Type, err)
		}
	}
	return list
}

func (s *shop) expect(stream string, want ...string) {
	s.tb.Helper()
	if got := s.events(stream); fmt.Sprint(got) != fmt.Sprint(want) {
		s.tb.Errorf("%s has %v, want %v", stream, got, want)
	}
}

func TestALife(t *testing.T) {
	s := open(t)
	tiles := product("T-1", "Tiles", 1250)
	id := tiles["product_id"].(string)

	// when it is added, changed and archived
	added := s.must("/products", tiles)
	changed := s.must("/products/"+id, fields{"sku": "T-1b", "name": "Tiles, grey", "price": eur(1300), "sequence": 1})
	same := s.must("/products/"+id, fields{"sku": "T-1b", "name": "Tiles, grey", "price": eur(1300), "sequence": 1}) // twice is once
	archived := s.must("/products/"+id+"/archive", fields{})
	again := s.must("/products/"+id+"/archive", fields{})

	for i, answer := range []fields{added, changed, same, archived, again} {
		if want := []float64{1, 2, 2, 3, 3}[i]; answer["sequence"] != want || answer["product_id"] != id {
			t.Errorf("answer %d is %v", i, answer)
		}
	}
	s.expect(catalog.ProductStream(id), "product_added 1", "product_changed 2", "product_archived 3")
	s.refused(409, "archived", "", "/products/"+id, fields{"sku": "T", "name": "T", "price": eur(1), "sequence": 3})

	// then orders see it as it is
	err := s.db.InTx(t.Context(), func(tx *pg.Tx) error {
		found := s.service.Products(tx, id, uuid.NewString(), "rubbish")
		err := tx.Flush(t.Context())
		if p := found[id]; len(found) != 1 || p.Name != "Tiles, grey" || p.SKU != "T-1b" || p.Price != eur(1300) || !p.Archived {
			t.Errorf("orders find %+v", found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestACustomersLife(t *testing.T) {
	s := open(t)
	id := uuid.NewString()
	s.must("/customers", fields{"customer_id": id, "name": "Hotel Sonne", "email": "office@sonne.example"})
	s.refused(409, "taken", "email", "/customers", fields{"customer_id": uuid.NewString(), "name": "X", "email": "Office@Sonne.example"})
	s.must("/customers/"+id, fields{"name": "Hotel Sonne AG", "email": "office@sonne.example", "sequence": 1})
	s.must("/customers/"+id+"/archive", fields{})
	s.expect(catalog.CustomerStream(id), "customer_added 1", "customer_changed 2", "customer_archived 3")

	err := s.db.InTx(t.Context(), func(tx *pg.Tx) error {
		found := s.service.Customers(tx, id, uuid.NewString(), "rubbish")
		err := tx.Flush(t.Context())
		if c := found[id]; len(found) != 1 || c.Name != "Hotel Sonne AG" || !c.Archived {
			t.Errorf("orders find %+v", found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The second of two who saw the same is told what the first one did.
func TestStale(t *testing.T) {
	s := open(t)
	tiles := product("T-1", "Tiles", 1250)
	path := "/products/" + tiles["product_id"].(string)
	s.must("/products", tiles)
	s.must(path, fields{"sku": "T-1", "name": "Tiles", "price": eur(1300), "sequence": 1})

	refusal := s.refused(409, "stale_version", "", path, fields{"sku": "T-1", "name": "Tile", "price": eur(1250), "sequence": 1})

	if want := "It was changed meanwhile by Mia Weber: it is now “Tiles”, SKU T-1, for 13.00 EUR."; locale.English.Write(refusal.Detail) != want {
		t.Errorf("says %q", refusal.Detail)
	}
	var now struct {
		Price    money.Amount
		Sequence int64
	}
	if err := json.Unmarshal(refusal.Extra["now"], &now); err != nil || now.Price != eur(1300) || now.Sequence != 2 {
		t.Errorf("says that it is %s now", refusal.Extra["now"])
	}
}

func TestUniqueKeys(t *testing.T) {
	s := open(t)
	tiles, grout := product("T-1", "Tiles", 1250), product("G-1", "Grout", 800)
	s.must("/products", tiles)
	s.must("/products", grout)
	s.refused(409, "exists", "", "/products", tiles.with("sku", "T-2"))
	s.refused(409, "taken", "sku", "/products", product("t-1", "Others", 1))
	s.refused(409, "taken", "sku", "/products/"+grout["product_id"].(string), grout.without("product_id").with("sku", "T-1").with("sequence", 1))

	// when the first one is archived, its SKU is free
	s.must("/products/"+tiles["product_id"].(string)+"/archive", fields{})
	s.must("/products", product("t-1", "Others", 1))

	// and of many at once for another SKU one wins
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			_, refusal := s.post("/products", product("RACE", "R", 1))
			mu.Lock()
			defer mu.Unlock()
			if refusal == nil {
				won++
			} else if refusal.Code != "taken" {
				t.Errorf("refused %+v", refusal)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d of 8 have the SKU", won)
	}
}

// SKUs that look the same are the same, whatever their case, width and spelling are; those from before stay,
// and can be changed.
func TestSKUsAreFolded(t *testing.T) {
	s := open(t)
	flo := product("FLO-1 Küche", "Parquet", 6490)
	s.must("/products", flo)
	for _, sku := range []string{"flo-1 kÜCHE", "FLO-1 Ku\u0308che", "ＦＬＯ-１ Küche", "ﬂo-1 küche", "FLO-1\u200b Küche", "FLO-1\u00a0Küche"} {
		s.refused(409, "taken", "sku", "/products", product(sku, "Others", 1))
	}
	s.must("/products", product("FLO-1 Kuche", "An accent is another letter", 1))
	s.must("/products", product("Straße", "Street", 1))
	s.refused(409, "taken", "sku", "/products", product("STRASSE", "Others", 1))
	for _, sku := range []string{"\u200b", "a\u202eb", "a\u2028b"} {
		s.refused(422, "invalid", "sku", "/products", product(sku, "Others", 1))
	}

	// an import finds the product by what its SKU looks like
	done := s.must("/products/import", fields{"rows": []fields{{"sku": "ｆｌｏ-１ Küche", "name": "Parquet, oiled", "price": eur(6490)}}})
	if done["changed"] != 1.0 {
		t.Errorf("imported %v", done)
	}
}

// What had the same SKU before they were told apart so stays, and its price can be changed.
func TestSKUsFromBeforeStay(t *testing.T) {
	before := fstest.MapFS{}
	files, err := fs.ReadDir(migrations.Set.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := fs.ReadFile(migrations.Set.FS, file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if file.Name() < "00030" {
			before[file.Name()] = &fstest.MapFile{Data: data}
		}
	}
	db := pgtest.New(t, journal.Migrations, pg.Migrations{Name: migrations.Set.Name, FS: before})
	if _, err := db.Pool().Exec(t.Context(), `insert into products (id, sku, sku_key, name, price, currency, archived, sequence, changed_at, changed_by_name)
		select gen_random_uuid(), sku, lower(sku), sku, 1, 'EUR', false, 1, now() + n * interval '1 second', '' from (values ('Straße', 1), ('STRASSE', 2), ('Ｔ-1', 3), ('T-1', 4), ('U-1', 5)) v (sku, n)`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := pg.Migrate(t.Context(), db.URL(), migrations.Set); err != nil {
			t.Fatal(err)
		}
	}
	var doubled []string
	if err := db.Pool().QueryRow(t.Context(), "select array_agg(sku order by changed_at) from products where doubled").Scan(&doubled); err != nil || !slices.Equal(doubled, []string{"STRASSE", "T-1"}) {
		t.Errorf("exempt are %q, %v", doubled, err)
	}
	// as the version before changes one
	if _, err := db.Pool().Exec(t.Context(), "update products set price = 2, sequence = 2 where sku = 'STRASSE'"); err != nil {
		t.Error(err)
	}
}

// What was adopted may have one SKU twice, from before SKUs were told apart as they are now, and events of a
// version to come.
func TestRestoringKeepsWhatSKUsFromBeforeHave(t *testing.T) {
	s := open(t)
	var streams []string
	for i, sku := range []string{"Straße", "STRASSE", "T-1"} {
		id := uuid.NewString()
		e := catalog.New(catalog.Source, id, catalog.ProductAdded{ProductID: id, SKU: sku, Name: sku, Price: eur(1)})
		e.Time, e.Sequence = time.Date(2026, 1, 1, 12, i, 0, 0, time.UTC), 1
		streams = append(streams, catalog.ProductStream(id))
		s.received(streams[i], e)
	}
	unknown := event.Event{ID: event.NewID(), Type: "product_reserved", Source: catalog.Source, Subject: uuid.NewString(), Time: time.Now(), Sequence: 1, Data: []byte("{}")}
	streams = append(streams, catalog.ProductStream(unknown.Subject))
	s.received(streams[3], unknown)
	slices.Reverse(streams) // the order in which they are named says nothing

	for range 2 {
		if err := s.db.InTx(t.Context(), func(tx *pg.Tx) error { return s.service.Restore(t.Context(), tx, streams, func(string) {}) }); err != nil {
			t.Fatal(err)
		}
		var rows []string
		if err := s.db.Pool().QueryRow(t.Context(), "select array_agg(concat_ws(' ', sku, sku_key, doubled) order by changed_at) from products where not archived").
			Scan(&rows); err != nil || !slices.Equal(rows, []string{"Straße straße f", "STRASSE strasse t", "T-1 t-1 f"}) {
			t.Errorf("restored %q, %v", rows, err)
		}
	}
}

// received records an event as one that was adopted.
func (s *shop) received(stream string, e event.Event) {
	s.tb.Helper()
	s.offset++
	if err := s.db.InTx(s.tb.Context(), func(tx *pg.Tx) error {
		_, _, err := s.journal.Receive(s.tb.Context(), tx, []journal.Received{{Event: e, Stream: stream, Topic: catalog.Topic, Offset: s.offset}})
		return err
	}); err != nil {
		s.tb.Fatal(err)
	}
}

func TestWrongInput(t *testing.T) {
	s := open(t)
	good, long := product("T-1", "Tiles", 1250), strings.Repeat("x", 3000)
	for _, test := range []struct {
		field string
		body  fields
	}{
		{"name", good.with("name", " ")}, {"name", good.with("name", long)}, {"name", good.with("name", "a\x00b")}, {"name", good.with("name", "a\nb")},
		{"sku", good.with("sku", "")}, {"sku", good.with("sku", long)},
		{"price", good.with("price", eur(0))}, {"price", good.with("price", eur(-5))}, {"price", good.with("price", eur(money.Max+1))},
		{"product_id", good.with("product_id", "1")}, {"product_id", good.with("product_id", strings.ToUpper(good["product_id"].(string)))},
	} {
		s.refused(422, "invalid", test.field, "/products", test.body)
	}
	for _, body := range []fields{good.with("price", 12), good.with("price", nil), good.with("cost", 1), good.with("price", fields{"amount": 1, "currency": "XXX"})} {
		s.refused(422, "", "", "/products", body)
	}
	for _, email := range []string{"", "office", "@x", "a@", "a b@x", "a@b@c"} {
		s.refused(422, "invalid", "email", "/customers", fields{"customer_id": uuid.NewString(), "name": "N", "email": email})
	}
	for _, id := range []string{uuid.NewString(), "rubbish"} {
		s.refused(404, "", "", "/products/"+id, good.without("product_id").with("sequence", 1))
		s.refused(404, "", "", "/products/"+id+"/archive", fields{})
		s.refused(404, "", "", "/customers/"+id+"/archive", fields{})
	}
}

func TestOnlyManagersWrite(t *testing.T) {
	s := open(t)
	for _, path := range []string{"/products", "/products/" + uuid.NewString(), "/products/import", "/customers/import"} {
		request, _ := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader("{}"))
		request.Header.Set("Authorization", "Bearer "+contractors)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%s answers contractors %d", path, response.StatusCode)
		}
	}
}

func TestOneKeyIsOneCommand(t *testing.T) {
	s := open(t)
	tiles := product("T-1", "Tiles", 1250)
	first, _ := s.postAs("mia-weber", "k1", "/products", tiles)
	second, _ := s.postAs("mia-weber", "k1", "/products", tiles)
	_, other := s.postAs("mia-weber", "k1", "/products", product("T-2", "X", 1))
	if fmt.Sprint(first) != fmt.Sprint(second) || other == nil || other.Status != 422 {
		t.Errorf("answered %v, %v, %+v", first, second, other)
	}
	s.expect(catalog.ProductStream(tiles["product_id"].(string)), "product_added 1")
}
