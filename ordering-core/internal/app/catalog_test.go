package app_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/catalog"
)

// TestEveryOperationIsAsDescribed uses what the other tests of the API do not; the harness holds all of it
// against the document.
func TestEveryOperationIsAsDescribed(t *testing.T) {
	h := newHarness(t)
	h.start()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")
	order := "/orders/" + h.draft(fence, garden)
	h.must(contractorUI, ada, order+"/items/quantity", `"product_id":"`+fence+`","quantity":3`)
	h.must(contractorUI, ada, order+"/items/remove", `"product_id":"`+fence+`","quantity":1`)
	h.must(managerUI, mia, order+"/discount", `"basis_points":500`)
	h.must(managerUI, mia, order+"/discount/reset", "")
	h.must(managerUI, mia, order+"/cancel", `"reason":"a mistake"`)
	h.must(managerUI, mia, "/orders/"+h.submitted(fence, garden)+"/expire", "")
	h.get(order)

	h.must(managerUI, mia, "/products/"+fence, `"sku":"FENCE","name":"A fence","price":{"amount":1300,"currency":"EUR"},"sequence":1`)
	stale := h.send(managerUI, mia, "/products/"+fence, `"sku":"FENCE","name":"The fence","price":{"amount":1300,"currency":"EUR"},"sequence":1`)
	if stale.status != http.StatusConflict || stale.code() != "stale_version" || stale.body["now"] == nil {
		t.Errorf("a change of what was changed: %d %s", stale.status, stale.text)
	}
	h.must(managerUI, mia, "/products/import", `"rows":[{"sku":"FENCE","name":"A fence","price":{"amount":1400,"currency":"EUR"}},`+
		`{"sku":"GATE","name":"A gate","price":{"amount":9900,"currency":"EUR"}}]`)
	h.must(managerUI, mia, "/products/"+fence+"/archive", "")
	h.must(managerUI, mia, "/customers/"+garden, `"name":"Garden & Sons","email":"garden@example.com","sequence":1`)
	h.must(managerUI, mia, "/customers/import", `"rows":[{"name":"Barn Ltd","email":"barn@example.com"}],"sequences":[0]`)
	if stale := h.send(managerUI, mia, "/customers/import", `"rows":[{"name":"Barn","email":"barn@example.com"}],"sequences":[0]`); stale.code() != "stale_version" {
		t.Errorf("an import of what has changed: %d %s", stale.status, stale.text)
	}
	h.must(managerUI, mia, "/customers/"+garden+"/archive", "")
	h.get("/products")
	h.get("/customers?after=" + uuid.Nil.String())

	var letter int64
	if err := h.db.Pool().QueryRow(t.Context(), `insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts)
		values ('orders', 0, 1000000, 'k', '[]', 'no event', now(), 'malformed', 'no event', 1) returning id`).Scan(&letter); err != nil {
		t.Fatal(err)
	}
	h.get("/dead-letters?kind=malformed&limit=1")
	h.get(fmt.Sprintf("/dead-letters/%d", letter))
	task := h.must(managerUI, mia, "/dead-letter-tasks", `"action":"discard","selection":{"kind":"malformed"},"reason":"nobody sent it"`).location
	h.eventually("discarded", func() bool { return h.get(task).body["ended_at"] != nil })
	h.must(managerUI, mia, task+"/stop", "")
	h.get("/dead-letter-tasks")
	h.get("/vitals")
	h.get(fmt.Sprintf("/dead-letters/%d", letter))

	if left := h.document.Unanswered(); len(left) > 0 {
		t.Errorf("nothing was answered by %q", left)
	}
}

func TestTheCatalogIsReceivedBack(t *testing.T) {
	h := newHarness(t)
	h.start()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")
	h.settled()
	var confirmed int
	err := h.db.Pool().QueryRow(t.Context(), "select count(*) from journal where log = 1 and stream in ($1, $2)",
		catalog.ProductStream(fence), catalog.CustomerStream(garden)).Scan(&confirmed)
	if err != nil || confirmed != 2 {
		t.Errorf("%d of both are confirmed, %v", confirmed, err)
	}

	// when somebody writes as the core what the core has not written
	barn := catalog.CustomerAdded{CustomerID: uuid.NewString(), Name: "Barn Ltd", Email: "barn@example.com"}
	forged := catalog.New(catalog.Source, barn.CustomerID, barn)
	forged.Sequence, forged.Time = 1, time.Now()
	h.publish(catalog.Topic, forged)

	// then it is refused, and the core goes on
	h.eventually("refused", func() bool {
		var refused int
		err := h.db.Pool().QueryRow(t.Context(), "select count(*) from dead_letters where kind = 'refused' and event_id = $1", forged.ID).Scan(&refused)
		return err == nil && refused == 1
	})
	h.product("GATE", 99_00)
	h.settled()
}
