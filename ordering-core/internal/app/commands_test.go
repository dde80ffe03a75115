package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestAnOrderIsBuiltAndSubmitted(t *testing.T) {
	h := newHarness(t)
	h.start()
	fence, gate := h.product("FENCE", 12_50), h.product("GATE", 99_00)
	garden := h.customer("Garden Ltd")

	// given a draft with four things, of which one is taken out again, and a discount
	id := uuid.NewString()
	drafted := h.send(contractorUI, ada, "/orders", `"order_id":"`+id+`"`)
	if drafted.status != http.StatusCreated || drafted.location != "/orders/"+id || drafted.sequence() != 1 {
		t.Fatalf("drafted: %d %s", drafted.status, drafted.text)
	}
	order := "/orders/" + id
	h.must(contractorUI, ada, order+"/items", `"product_id":"`+fence+`","quantity":2`)
	h.must(contractorUI, ada, order+"/items", `"product_id":"`+gate+`","quantity":2`)
	h.must(contractorUI, ada, order+"/items/remove", `"product_id":"`+gate+`","quantity":1`)
	h.must(contractorUI, ada, order+"/customer", `"customer_id":"`+garden+`"`)
	h.must(managerUI, mia, order+"/discount", `"basis_points":5000`)
	h.must(managerUI, mia, order+"/discount/reset", "")
	last := h.must(managerUI, mia, order+"/discount", `"basis_points":1250`)
	if last.sequence() != 8 {
		t.Fatalf("the last command answered %s", last.text)
	}

	// when it is submitted as it was seen: 124.00 less 12.5 %
	key := uuid.NewString()
	seen := `"sequence":8,"total":{"amount":10850,"currency":"EUR"}`
	submitted := h.sendAs(key, contractorUI, ada, order+"/submit", seen)
	number := time.Now().In(berlin(t)).Format("2006/01") + "/000001"
	if submitted.status != http.StatusOK || submitted.body["number"] != number || submitted.sequence() != 9 {
		t.Fatalf("submitted: %d %s", submitted.status, submitted.text)
	}

	// then the same again has the same answer, and it is frozen
	if again := h.sendAs(key, contractorUI, ada, order+"/submit", seen); again.status != http.StatusOK || !sameJSON(again.text, submitted.text) {
		t.Errorf("the same key and body: %d %s, not %s", again.status, again.text, submitted.text)
	}
	if other := h.sendAs(key, contractorUI, ada, order+"/submit", `"sequence":9,"total":{"amount":1,"currency":"EUR"}`); other.status != http.StatusUnprocessableEntity {
		t.Errorf("the same key with another body: %d %s", other.status, other.text)
	}
	for _, late := range []answer{
		h.send(contractorUI, ada, order+"/items", `"product_id":"`+fence+`","quantity":1`),
		h.send(contractorUI, ada, order+"/items/remove", `"product_id":"`+fence+`","quantity":1`),
		h.send(contractorUI, ada, order+"/customer", `"customer_id":"`+garden+`"`),
		h.send(managerUI, mia, order+"/discount", `"basis_points":9999`),
		h.send(managerUI, mia, order+"/discount/reset", ""),
		h.send(contractorUI, ada, order+"/submit", `"sequence":9,"total":{"amount":10850,"currency":"EUR"}`),
	} {
		if late.status != http.StatusConflict || late.code() == "" {
			t.Errorf("after the submit: %d %s", late.status, late.text)
		}
	}
	shown := h.get(order)
	lines, _ := shown.body["lines"].([]any)
	if shown.body["state"] != "submitted" || len(lines) != 2 || shown.sequence() != 9 ||
		!reflect.DeepEqual(shown.body["total"], map[string]any{"amount": 10850.0, "currency": "EUR"}) {
		t.Errorf("shown: %s", shown.text)
	}

	// and for contractor-ui there is nobody's order but that of the contractor for whom it asks
	for _, asked := range []struct {
		id, role string
		want     int
	}{{"ada", "", http.StatusOK}, {"ben", "", http.StatusNotFound}, {"", "", http.StatusUnprocessableEntity}, {"ada", "manager", http.StatusForbidden}} {
		a := h.call(http.MethodGet, order, "", map[string]string{"Authorization": "Bearer " + tokens[contractorUI], "Actor-Id": asked.id, "Actor-Role": asked.role})
		if a.status != asked.want {
			t.Errorf("asked by contractor-ui for %+v: %d %s", asked, a.status, a.text)
		}
	}
	if a := h.send(managerUI, `{"id":"ada","name":"Ada Nowak","role":"contractor"}`, order+"/cancel", ""); a.status != http.StatusForbidden {
		t.Errorf("manager-ui speaks for a contractor: %d %s", a.status, a.text)
	}

	// and it can be cancelled, once
	if a := h.send(contractorUI, ada, order+"/cancel", `"reason":"the garden is gone"`); a.status != http.StatusOK || a.sequence() != 10 {
		t.Errorf("cancelled: %d %s", a.status, a.text)
	}
	if a := h.send(managerUI, mia, order+"/cancel", ""); a.status != http.StatusConflict || !strings.Contains(a.text, "Ada Nowak") {
		t.Errorf("cancelled twice: %d %s", a.status, a.text)
	}
	h.settled()
}

func TestAQuantityIsSet(t *testing.T) {
	// given an order of two
	h := newHarness(t)
	h.start()
	fence := h.product("FENCE", 12_50)
	order := "/orders/" + h.draft(fence, h.customer("Garden Ltd"))
	for _, step := range []struct{ quantity, sequence int64 }{{7, 4}, {7, 4}, {1, 5}, {0, 6}, {0, 6}, {3, 7}} {
		// when it is set, then there are so many, and an event only where there were not
		set := h.must(contractorUI, ada, order+"/items/quantity", fmt.Sprintf(`"product_id":"%s","quantity":%d`, fence, step.quantity))
		if shown := h.get(order); set.sequence() != step.sequence ||
			strings.Contains(shown.text, fmt.Sprintf(`"quantity":%d`, step.quantity)) != (step.quantity > 0) {
			t.Errorf("%d: %s, %s", step.quantity, set.text, shown.text)
		}
	}
	h.settled()
}

func TestWhatASubmitIsToldThatDiffers(t *testing.T) {
	h := newHarness(t)
	h.start()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")
	order := "/orders/" + h.draft(fence, garden)
	seen := `"sequence":3,"total":{"amount":2500,"currency":"EUR"}`

	// given a price that has changed
	h.must(managerUI, mia, "/products/"+fence, `"sku":"FENCE","name":"FENCE of oak","price":{"amount":1300,"currency":"EUR"},"sequence":1`)
	differs := h.send(contractorUI, ada, order+"/submit", seen)
	if differs.status != http.StatusConflict || differs.code() != "total_differs" ||
		!reflect.DeepEqual(differs.body["seen"], map[string]any{"amount": 2500.0, "currency": "EUR"}) ||
		!reflect.DeepEqual(differs.body["now"], map[string]any{"amount": 2600.0, "currency": "EUR"}) {
		t.Errorf("another price: %d %s", differs.status, differs.text)
	}

	// given another tab that has added one
	h.must(contractorUI, ada, order+"/items", `"product_id":"`+fence+`","quantity":1`)
	stale := h.send(contractorUI, ada, order+"/submit", seen)
	changes, _ := stale.body["changes"].([]any)
	if stale.status != http.StatusConflict || stale.code() != "stale_version" || stale.sequence() != 4 || len(changes) != 1 || stale.body["changes_count"] != 1.0 ||
		!strings.Contains(stale.text, "FENCE of oak") || !strings.Contains(stale.text, "Ada Nowak") {
		t.Errorf("another version: %d %s", stale.status, stale.text)
	}

	// given a product that was archived
	h.must(managerUI, mia, "/products/"+fence+"/archive", "")
	if a := h.send(contractorUI, ada, order+"/submit", `"sequence":4,"total":{"amount":3900,"currency":"EUR"}`); a.status != http.StatusConflict || a.code() == "" {
		t.Errorf("an archived product: %d %s", a.status, a.text)
	}
	if a := h.send(contractorUI, ada, order+"/items", `"product_id":"`+fence+`","quantity":1`); a.status != http.StatusConflict {
		t.Errorf("adding an archived product: %d %s", a.status, a.text)
	}

	// and none of that has taken a number
	var numbers int
	if err := h.db.Pool().QueryRow(t.Context(), "select count(*) from numbers").Scan(&numbers); err != nil || numbers != 0 {
		t.Errorf("%d months have numbers, %v", numbers, err)
	}
}

func TestACustomerWhoWasArchivedMeanwhileIsRefusedBesideTheField(t *testing.T) {
	// given a draft whose customer is archived
	h := newHarness(t)
	h.start()
	garden := h.customer("Garden Ltd")
	order := "/orders/" + h.draft(h.product("FENCE", 12_50), garden)
	h.must(managerUI, mia, "/customers/"+garden+"/archive", "")

	// when it is submitted as it was seen
	seen := `"sequence":3,"total":{"amount":2500,"currency":"EUR"}`
	refused := h.send(contractorUI, ada, order+"/submit", seen)

	// then it stays a draft, and says what to choose again
	if refused.status != http.StatusConflict || refused.code() != "archived" || refused.body["field"] != "customer_id" || !strings.Contains(refused.text, "Garden Ltd") {
		t.Errorf("submitted: %d %s", refused.status, refused.text)
	}
	if shown := h.get(order); shown.body["state"] != "draft" || shown.sequence() != 3 {
		t.Errorf("shown: %s", shown.text)
	}
	h.must(contractorUI, ada, order+"/customer", `"customer_id":"`+h.customer("Park Ltd")+`"`)
	h.must(contractorUI, ada, order+"/submit", strings.Replace(seen, "3", "4", 1))
}

func TestWhoHasSeenAnotherOrderIsToldWhatChanged(t *testing.T) {
	h := newHarness(t)
	h.start()
	fence := h.product("FENCE", 12_50)
	order := "/orders/" + h.draft(fence, h.customer("Garden Ltd"))
	const total = `"total":{"amount":2500,"currency":"EUR"}`
	commands := map[string]struct{ service, actor, path, fields string }{
		"a discount":             {managerUI, mia, "/discount", `"basis_points":500,` + total},
		"a discount's end":       {managerUI, mia, "/discount/reset", total},
		"a manager's cancel":     {managerUI, mia, "/cancel", `"reason":"no"`},
		"an expiry":              {managerUI, mia, "/expire", ""},
		"a contractor's discard": {contractorUI, ada, "/cancel", ""},
		"a submit":               {contractorUI, ada, "/submit", total},
	}
	send := func(name, sequence string) answer {
		c := commands[name]
		return h.send(c.service, c.actor, order+c.path, strings.TrimSuffix(`"sequence":`+sequence+","+c.fields, ","))
	}

	// given a price that has changed, then what names a total is told both
	h.must(managerUI, mia, "/products/"+fence, `"sku":"FENCE","name":"FENCE","price":{"amount":1300,"currency":"EUR"},"sequence":1`)
	for name, c := range commands {
		if !strings.Contains(c.fields, "total") {
			continue
		}
		if a := send(name, "3"); a.status != http.StatusConflict || a.code() != "total_differs" || !strings.Contains(a.text, "26.00 EUR") {
			t.Errorf("%s at another price: %d %s", name, a.status, a.text)
		}
	}

	// given one more, then everything is told who added it
	h.must(contractorUI, ada, order+"/items", `"product_id":"`+fence+`","quantity":1`)
	for name := range commands {
		if a := send(name, "3"); a.status != http.StatusConflict || a.code() != "stale_version" || a.sequence() != 4 || !strings.Contains(a.text, "Ada Nowak added 1") {
			t.Errorf("%s of another version: %d %s", name, a.status, a.text)
		}
	}

	// given that it has ended, then who ended it is what they are told
	h.must(managerUI, mia, order+"/expire", `"sequence":4`)
	for name := range commands {
		if a := send(name, "3"); a.status != http.StatusConflict || a.code() != "wrong_state" || !strings.Contains(a.text, "already expired by Mia Weber") {
			t.Errorf("%s of one that has ended: %d %s", name, a.status, a.text)
		}
	}
	h.settled()
}

func TestCommandsRefuse(t *testing.T) {
	h := newHarness(t)
	h.start()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")
	id := h.draft(fence, garden)
	order := "/orders/" + id
	nobody, empty := uuid.NewString(), uuid.NewString()
	h.must(contractorUI, ada, "/orders", `"order_id":"`+empty+`"`)
	item := func(product, quantity string) string {
		return `"product_id":"` + product + `","quantity":` + quantity
	}
	tests := map[string]struct {
		service, actor, path, fields string
		status                       int
	}{
		"quantity 0":                      {contractorUI, ada, order + "/items", item(fence, "0"), 422},
		"quantity -1":                     {contractorUI, ada, order + "/items", item(fence, "-1"), 422},
		"quantity 1e9":                    {contractorUI, ada, order + "/items", item(fence, "1000000000"), 422},
		"quantity 1.5":                    {contractorUI, ada, order + "/items", item(fence, "1.5"), 422},
		"quantity as text":                {contractorUI, ada, order + "/items", item(fence, `"2"`), 422},
		"quantity beyond 64 bits":         {contractorUI, ada, order + "/items", item(fence, "99999999999999999999"), 422},
		"a product that is not":           {contractorUI, ada, order + "/items", item(nobody, "1"), 422},
		"a product that is nonsense":      {contractorUI, ada, order + "/items", item("x", "1"), 422},
		"removing 0":                      {contractorUI, ada, order + "/items/remove", item(fence, "0"), 422},
		"removing more than there are":    {contractorUI, ada, order + "/items/remove", item(fence, "3"), 409},
		"so many as -1":                   {contractorUI, ada, order + "/items/quantity", item(fence, "-1"), 422},
		"so many as 1e9":                  {contractorUI, ada, order + "/items/quantity", item(fence, "1000000000"), 422},
		"so many of what is not":          {contractorUI, ada, order + "/items/quantity", item(nobody, "1"), 422},
		"so many by a manager":            {managerUI, mia, order + "/items/quantity", item(fence, "1"), 403},
		"removing what is not there":      {contractorUI, ada, order + "/items/remove", item(nobody, "1"), 409},
		"a customer that is not":          {contractorUI, ada, order + "/customer", `"customer_id":"` + nobody + `"`, 422},
		"a discount of 0":                 {managerUI, mia, order + "/discount", `"basis_points":0`, 422},
		"a discount of 100 %":             {managerUI, mia, order + "/discount", `"basis_points":10000`, 422},
		"a discount of -5 %":              {managerUI, mia, order + "/discount", `"basis_points":-500`, 422},
		"another contractor's order":      {contractorUI, ben, order + "/items", item(fence, "1"), 404},
		"cancelling another's":            {contractorUI, ben, order + "/cancel", "", 404},
		"submitting another's":            {contractorUI, ben, order + "/submit", `"sequence":3,"total":{"amount":2500,"currency":"EUR"}`, 404},
		"an order that is not":            {contractorUI, ada, "/orders/" + nobody + "/items", item(fence, "1"), 404},
		"an id that is none":              {contractorUI, ada, "/orders/nonsense/items", item(fence, "1"), 404},
		"an id with NUL":                  {contractorUI, ada, "/orders/%00/items", item(fence, "1"), 404},
		"submitting an id with NUL":       {contractorUI, ada, "/orders/%00/submit", `"sequence":3,"total":{"amount":2500,"currency":"EUR"}`, 404},
		"cancelling an id with NUL":       {managerUI, mia, "/orders/%00/cancel", `"reason":"x"`, 404},
		"expiring an id that is no UTF-8": {managerUI, mia, "/orders/%ff/expire", "", 404},
		"an id in capitals":               {contractorUI, ada, "/orders/" + strings.ToUpper(id) + "/items", item(fence, "1"), 404},
		"drafting with an id that is no":  {contractorUI, ada, "/orders", `"order_id":"x"`, 422},
		"drafting an order again":         {contractorUI, ada, "/orders", `"order_id":"` + id + `"`, 409},
		"drafting another's order again":  {contractorUI, ben, "/orders", `"order_id":"` + id + `"`, 404},
		"an empty order":                  {contractorUI, ada, "/orders/" + empty + "/submit", `"sequence":1,"total":{"amount":0,"currency":"EUR"}`, 409},
		"no total":                        {contractorUI, ada, order + "/submit", `"sequence":3`, 422},
		"a manager who builds orders":     {managerUI, mia, order + "/items", item(fence, "1"), 403},
		"a contractor who gives himself":  {contractorUI, ada, order + "/discount", `"basis_points":5000`, 403},
		"a contractor who expires":        {contractorUI, ada, order + "/expire", "", 403},
		"a contractor who sets prices":    {contractorUI, ada, "/products/" + fence + "/archive", "", 403},
		"a contractor's own time":         {contractorUI, ada, order + "/submit", `"sequence":3,"total":{"amount":2500,"currency":"EUR"},"expires_at":"2099-01-01T00:00:00Z"`, 403},
		"an unknown field":                {contractorUI, ada, order + "/cancel", `"why":"x"`, 422},
		"nobody":                          {contractorUI, `{"id":" "}`, order + "/cancel", "", 422},
		"a reason that is too long":       {contractorUI, ada, order + "/cancel", `"reason":"` + strings.Repeat("x", 2001) + `"`, 422},
		"a reason with NUL":               {contractorUI, ada, order + "/cancel", `"reason":"\u0000"`, 422},
		"a manager without a reason":      {managerUI, mia, order + "/cancel", "", 422},
		"an unknown service":              {"stranger", ada, order + "/cancel", "", 401},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := h.send(test.service, test.actor, test.path, test.fields)
			if a.status != test.status || a.media != "application/problem+json" {
				t.Errorf("answered %d %s %s, not %d", a.status, a.media, a.text, test.status)
			}
		})
	}
	if shown := h.get(order); shown.sequence() != 3 {
		t.Errorf("afterwards it is %s", shown.text)
	}
}

func TestManySubmitAtOnce(t *testing.T) {
	h := newHarness(t)
	h.start()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")
	const many = 40
	drafts := make([]string, many)
	for i := range drafts {
		drafts[i] = h.draft(fence, garden)
	}
	// when each is submitted twice at once, with one key
	numbers := make([]string, 2*many)
	var wg sync.WaitGroup
	for i := range numbers {
		wg.Go(func() {
			id := drafts[i/2]
			a := h.sendAs("submit-"+id, contractorUI, ada, "/orders/"+id+"/submit", `"sequence":3,"total":{"amount":2500,"currency":"EUR"}`)
			numbers[i], _ = a.body["number"].(string)
			if a.status != http.StatusOK {
				t.Errorf("answered %d %s", a.status, a.text)
			}
		})
	}
	wg.Wait()
	slices.Sort(numbers)
	for i, number := range numbers {
		if want := fmt.Sprintf("/%06d", i/2+1); !strings.HasSuffix(number, want) {
			t.Fatalf("number %d is %s, not %s", i, number, want)
		}
	}
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// sameJSON compares texts but for the order and spacing that jsonb gives them.
func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
