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
