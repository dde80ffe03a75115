package products_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/internal/products"
)

func rows(n int) (list []fields) {
	for i := range n {
		list = append(list, fields{"sku": fmt.Sprintf("S-%d", i), "name": fmt.Sprintf("Product %d", i), "price": eur(int64(i + 1))})
	}
	return list
}

// list reads everything that the API lists.
func (s *shop) list(name string) (all []fields) {
	s.tb.Helper()
	after := ""
	for {
		request, _ := http.NewRequest(http.MethodGet, s.url+"/"+name+"?after="+after, nil)
		request.Header.Set("Authorization", "Bearer "+contractors)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			s.tb.Fatal(err)
		}
		var page map[string]json.RawMessage
		var items []fields
		err = json.NewDecoder(response.Body).Decode(&page)
		response.Body.Close()
		if err != nil || json.Unmarshal(page[name], &items) != nil {
			s.tb.Fatalf("%s answers %d: %v", name, response.StatusCode, err)
		}
		all = append(all, items...)
		if page["next"] == nil {
			return all
		}
		_ = json.Unmarshal(page["next"], &after)
	}
}

func TestImport(t *testing.T) {
	s := open(t)
	existing := product("s-1", "Old name", 5)
	s.must("/products", existing)
	s.must("/products", product("S-2", "Product 2", 3).with("price", eur(3)))

	// when as many as there may be are imported, twice
	first := s.must("/products/import", fields{"rows": rows(products.MaxRows)})
	second := s.must("/products/import", fields{"rows": rows(products.MaxRows)})

	if fmt.Sprint(first["added"], first["changed"], first["unchanged"]) != "4998 1 1" ||
		fmt.Sprint(second["added"], second["changed"], second["unchanged"], second["last"]) != "0 0 5000 <nil>" {
		t.Errorf("answered %v and %v", first, second)
	}
	s.expect(catalog.ProductStream(existing["product_id"].(string)), "product_added 1", "product_changed 2")
	last := first["last"].(map[string]any)
	s.expect(catalog.ProductStream(last["id"].(string)), "product_added 1")
	listed := s.list("products")
	if len(listed) != products.MaxRows {
		t.Fatalf("%d products are listed", len(listed))
	}
	for _, p := range listed {
		if p["product_id"] == existing["product_id"] && (p["name"] != "Product 1" || p["sku"] != "S-1" || p["sequence"] != 2.0 || p["changed_by"] != "Mia Weber") {
			t.Errorf("it became %v", p)
		}
	}
}

// Which SKUs are the same the database says, also of rare letters that Go folds in another way.
func TestAnImportGoesByTheDatabasesFolding(t *testing.T) {
	s := open(t)
	existing := product("i-1", "Old name", 5)
	s.must("/products", existing)
	done := s.must("/products/import", fields{"rows": []fields{{"sku": "ı-1", "name": "New name", "price": eur(5)}}})
	if done["changed"] != 1.0 || done["added"] != 0.0 {
		t.Errorf("imported %v", done)
	}
	s.expect(catalog.ProductStream(existing["product_id"].(string)), "product_added 1", "product_changed 2")
	for _, sku := range []string{"i-1", "i-2"} { // one that is there, and one that is not
		refusal := s.refused(422, "invalid", "rows", "/products/import", fields{"rows": []fields{
			{"sku": sku, "name": "One", "price": eur(5)}, {"sku": "x", "name": "Other", "price": eur(5)},
			{"sku": strings.Replace(sku, "i", "ı", 1), "name": "Two", "price": eur(5)}}})
		var bad []products.BadRow
		if err := json.Unmarshal(refusal.Extra["rows"], &bad); err != nil || len(bad) != 1 || bad[0].Row != 3 || bad[0].Field != "sku" || bad[0].Detail != "Row 1 has the same." {
			t.Errorf("%s: says %s", sku, refusal.Extra["rows"])
		}
	}
}

func TestAnImportIsAllOrNothing(t *testing.T) {
	s := open(t)
	list := rows(4)
	list[1]["name"] = ""
	list[2]["price"] = eur(0)
	list[3]["sku"] = "s-0"

	refusal := s.refused(422, "invalid", "rows", "/products/import", fields{"rows": list})

	var bad []products.BadRow
	if err := json.Unmarshal(refusal.Extra["rows"], &bad); err != nil || len(bad) != 3 || bad[0].Row != 2 || bad[0].Field != "name" ||
		bad[1].Row != 3 || bad[1].Field != "price" || bad[2].Row != 4 || bad[2].Detail != "Row 1 has the same." {
		t.Errorf("says %s", refusal.Extra["rows"])
	}
	if listed := s.list("products"); len(listed) != 0 {
		t.Errorf("%d were imported", len(listed))
	}
	s.refused(422, "invalid", "rows", "/products/import", fields{"rows": rows(products.MaxRows + 1)})
	s.refused(422, "invalid", "rows", "/products/import", fields{"rows": []fields{}})

	// All rows wrong: the answer stays one that can be read.
	for i := range list {
		list[i]["name"] = strings.Repeat("x", 300)
	}
	s.refused(422, "invalid", "rows", "/products/import", fields{"rows": list})
}

func TestImportCustomers(t *testing.T) {
	s := open(t)
	done := s.must("/customers/import", fields{"rows": []fields{
		{"name": "Hotel Sonne", "email": "a@sonne.example"}, {"name": `"Quoted", 'and' \ {braces}`, "email": "b@x.example"},
	}})
	again := s.must("/customers/import", fields{"rows": []fields{
		{"name": "Hotel Sonne AG", "email": "A@sonne.example"}, {"name": `"Quoted", 'and' \ {braces}`, "email": "b@x.example"},
	}})
	if fmt.Sprint(done["added"], again["changed"], again["unchanged"]) != "2 1 1" || len(s.list("customers")) != 2 {
		t.Errorf("answered %v and %v", done, again)
	}
}

// What somebody has changed since a person looked is not overwritten, and nothing is imported by halves.
func TestAnImportOfWhatHasChangedSince(t *testing.T) {
	s := open(t)
	tiles, grout := product("T-1", "Tiles", 2000), product("G-1", "Grout", 800)
	s.must("/products", tiles)
	s.must("/products", grout)
	list := []fields{
		{"sku": "T-1", "name": "Tiles", "price": eur(3300)}, {"sku": "G-1", "name": "Grout", "price": eur(800)}, {"sku": "N-1", "name": "New", "price": eur(1)},
	}

	// given that one is changed, one that would not change is changed and back, and a new one is added
	s.must("/products/"+tiles["product_id"].(string), fields{"sku": "T-1", "name": "Tiles", "price": eur(4400), "sequence": 1})
	s.must("/products/"+grout["product_id"].(string), fields{"sku": "G-1", "name": "Grout", "price": eur(900), "sequence": 1})
	s.must("/products/"+grout["product_id"].(string), fields{"sku": "G-1", "name": "Grout", "price": eur(800), "sequence": 2})
	s.must("/products", product("N-1", "Other", 5))

	// when what was seen before is imported, then all of it is refused, with what is there now
	refusal := s.refused(409, "stale_version", "", "/products/import", fields{"rows": list, "sequences": []int{1, 1, 0}})
	var rows []struct {
		Row    int
		Detail string
		Now    fields
	}
	if err := json.Unmarshal(refusal.Extra["rows"], &rows); err != nil || len(rows) != 2 || rows[0].Row != 1 || rows[1].Row != 3 ||
		!strings.HasPrefix(rows[0].Detail, "It was changed since you looked by Mia Weber: it is now") || rows[0].Now["sequence"] != 2.0 ||
		!strings.HasPrefix(rows[1].Detail, "It was added since you looked by Mia Weber") || rows[1].Now["name"] != "Other" {
		t.Fatalf("refused %+v, %v", rows, err)
	}
	// and when it has gone, too
	s.must("/products/"+tiles["product_id"].(string)+"/archive", fields{})
	refusal = s.refused(409, "stale_version", "", "/products/import", fields{"rows": list[:1], "sequences": []int{2}})
	if !strings.Contains(string(refusal.Extra["rows"]), "archived") {
		t.Errorf("refused %s", refusal.Extra["rows"])
	}
	s.refused(422, "invalid", "sequences", "/products/import", fields{"rows": list, "sequences": []int{2}})

	// and what is as it was seen is imported
	done := s.must("/products/import", fields{"rows": list, "sequences": []int{0, 3, 1}})
	if done["added"] != 1.0 || done["changed"] != 1.0 || done["unchanged"] != 1.0 {
		t.Errorf("imported %v", done)
	}
}
