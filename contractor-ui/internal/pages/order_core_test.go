package pages_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// core stands in for ordering-core: it answers commands by the rules of package order, keeps what it has done
// in memory, and tells the site's journal, as its topics would.
type core struct {
	d        *testSite
	server   *httptest.Server
	mu       sync.Mutex
	streams  map[string][]order.Entry
	products map[string]order.Product
	names    map[string]string // of customers
	gone     map[string]bool   // customers who are archived
	told     map[string]int64  // events of the catalog, by what they are about
	answers  map[string]string // by idempotency key
	asked    int               // requests so far
	late     bool              // what it does is not told yet
	held     []journal.Received
	// instead answers in its place, if it is not nil.
	instead http.HandlerFunc
}

func newCore(d *testSite) *core {
	c := &core{d: d, streams: map[string][]order.Entry{}, products: map[string]order.Product{}, names: map[string]string{}, gone: map[string]bool{}, told: map[string]int64{}, answers: map[string]string{}}
	c.server = httptest.NewServer(c)
	d.t.Cleanup(c.server.Close)
	return c
}

// product puts a product into the catalog and returns its id. Given one that is there, it changes it.
func (c *core) product(id, sku, name string, minor int64, archived bool) string {
	c.d.t.Helper()
	price := money.Amount{Minor: minor, Currency: "EUR"}
	var body catalog.Body = catalog.ProductChanged{ProductID: id, SKU: sku, Name: name, Price: price}
	if id == "" {
		id = uuid.NewString()
		body = catalog.ProductAdded{ProductID: id, SKU: sku, Name: name, Price: price}
	} else if archived {
		body = catalog.ProductArchived{ProductID: id}
	}
	c.mu.Lock()
	c.products[id] = order.Product{ID: id, SKU: sku, Name: name, Price: price, Archived: archived}
	c.mu.Unlock()
	c.catalog(id, body)
	return id
}

func (c *core) customer(name string) string {
	c.d.t.Helper()
	id := uuid.NewString()
	c.mu.Lock()
	c.names[id] = name
	c.mu.Unlock()
	c.catalog(id, catalog.CustomerAdded{CustomerID: id, Name: name, Email: "office@example.com"})
	return id
}

// archive has nobody choose a customer any more; the site does not receive it yet.
func (c *core) archive(customer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone[customer] = true
}

func (c *core) catalog(id string, body catalog.Body) {
	c.d.t.Helper()
	e := catalog.New("/ordering-core", id, body)
	c.told[id]++
	e.Time, e.Sequence = time.Now(), c.told[id]
	c.d.tells(journal.Received{Event: e, Stream: catalog.Stream(e), Topic: catalog.Topic})
}

func (c *core) order(id string) order.Order {
	o, _ := order.Fold(c.streams[id])
	return o
}

// does has something happen to an order that nobody asked for here.
func (c *core) does(id string, by event.Meta, bodies ...order.Body) {
	c.d.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, body := range bodies {
		c.write(id, by, body)
	}
}

func (c *core) write(id string, by event.Meta, body order.Body) int64 {
	e := order.New("/ordering-core", id, body)
	e.Time, e.Meta, e.Sequence = time.Now(), by, c.order(id).Sequence+1
	c.streams[id] = append(c.streams[id], order.Entry{Event: e, Confirmed: true})
	received := journal.Received{Event: e, Stream: order.Stream(id), Topic: order.Topic}
	if c.late {
		c.held = append(c.held, received)
	} else {
		c.d.tells(received)
	}
	return e.Sequence
}

// catchesUp publishes what was held back.
func (c *core) catchesUp() {
	c.d.t.Helper()
	c.mu.Lock()
	held := c.held
	c.held, c.late = nil, false
	c.mu.Unlock()
	c.d.tells(held...)
}

type asked struct {
	Actor      struct{ ID, Name string }
	OrderID    string `json:"order_id"`
	ProductID  string `json:"product_id"`
	CustomerID string `json:"customer_id"`
	Quantity   int64
	Sequence   int64
	Total      money.Amount
	Reason     string
}

func (c *core) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.instead != nil {
		c.instead(w, r)
		return
	}
	var a asked
	if r.Header.Get("Authorization") != "Bearer secret" || json.NewDecoder(r.Body).Decode(&a) != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if c.answers[key] == "" {
		body, more, err := c.decide(r.URL.Path, &a)
		if err != nil {
			c.refuse(w, err, a)
			return
		}
		by := event.Meta{Actor: a.Actor.ID, ActorName: a.Actor.Name}
		more["order_id"], more["sequence"] = a.OrderID, c.order(a.OrderID).Sequence
		if body != nil {
			more["sequence"] = c.write(a.OrderID, by, body)
		}
		answer, _ := json.Marshal(more)
		c.answers[key] = string(answer)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(c.answers[key]))
}

// refuse answers as ordering-core does.
func (c *core) refuse(w http.ResponseWriter, err error, a asked) {
	var refusal *order.Refusal
	if !errors.As(err, &refusal) {
		panic(err)
	}
	problem, status := map[string]any{"detail": refusal.Error(), "code": refusal.Code}, http.StatusConflict
	if refusal.Field != "" {
		problem["field"] = refusal.Field
	}
	switch refusal.Code {
	case order.Invalid:
		status = http.StatusUnprocessableEntity
	case order.TotalDiffers:
		problem["seen"], problem["now"] = refusal.Seen, refusal.Now
	case order.StaleVersion:
		o, steps := order.Fold(c.streams[a.OrderID])
		var changes []map[string]any
		for _, s := range steps {
			if s.Entry.Sequence > a.Sequence {
				changes = append(changes, map[string]any{"words": orderview.StepText(s)})
			}
		}
		problem["sequence"], problem["changes_count"] = o.Sequence, len(changes)
		problem["changes"] = changes[max(0, len(changes)-20):]
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem)
}

// decide is a command's event, or why not.
func (c *core) decide(path string, a *asked) (body order.Body, more map[string]any, err error) {
	more = map[string]any{}
	if path == "/orders" {
		return order.Drafted{OrderID: a.OrderID, ContractorID: a.Actor.ID}, more, nil
	}
	id, command, _ := strings.Cut(strings.TrimPrefix(path, "/orders/"), "/")
	a.OrderID = id
	o := c.order(id)
	switch command {
	case "items":
		body, err = o.Add(c.products[a.ProductID], a.Quantity)
	case "items/remove":
		body, err = o.Remove(a.ProductID, a.Quantity)
	case "items/quantity":
		if body, err = o.SetQuantity(c.products[a.ProductID], a.Quantity); body == nil && err == nil {
			return nil, more, nil
		}
	case "customer":
		body, err = o.ChooseCustomer(a.CustomerID, c.names[a.CustomerID], false)
	case "cancel":
		if body, err = o.Cancel(a.Reason, "contractor"); err == nil {
			err = o.Check(order.TypeCancelled, order.Seen{Sequence: a.Sequence}, nil)
		}
	case "submit":
		var submitted order.Submitted
		submitted, err = o.Submit(order.Submission{Sequence: a.Sequence, Total: a.Total, Current: c.products, CustomerGone: c.gone[o.CustomerID],
			Number: "2026/11/000042", ExpiresAt: time.Now().Add(24 * time.Hour)})
		body = submitted
		if err == nil {
			more["number"], more["total"], more["expires_at"] = submitted.Number, submitted.Total, submitted.ExpiresAt
		}
	}
	return body, more, err
}

// tells has the topics tell the site's journal.
func (d *testSite) tells(received ...journal.Received) {
	d.t.Helper()
	for i := range received {
		d.offset++
		received[i].Offset = d.offset
	}
	err := d.db.InTx(d.t.Context(), func(tx *pg.Tx) error {
		streams, _, err := d.journal.Receive(d.t.Context(), tx, received)
		for _, project := range []journal.Projector{readmodel.Project, readmodel.ProjectOrders, readmodel.ProjectCatalog} {
			if err == nil {
				err = project(d.t.Context(), tx, streams)
			}
		}
		return err
	})
	if err != nil {
		d.t.Error(err)
	}
}

var anyHidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// press fills in the form of a page that goes to action, and sends it to path (or there, if that is "").
func (b *browser) press(page answer, action, path string, typed url.Values) answer {
	b.d.t.Helper()
	_, form, ok := strings.Cut(page.text, `action="`+action+`"`)
	if !ok {
		b.d.t.Fatalf("no form for %s in the page:\n%s", action, page.text)
	}
	form, _, _ = strings.Cut(form, "</form>")
	values := url.Values{}
	for _, found := range anyHidden.FindAllStringSubmatch(form, -1) {
		values.Set(found[1], found[2])
	}
	for name := range typed {
		values.Set(name, typed.Get(name))
	}
	if path == "" {
		path = action
	}
	return b.post(path, values)
}

// begin opens a new order and returns its address and page.
func (b *browser) begin() (address string, page answer) {
	b.d.t.Helper()
	page = b.get("/orders/new")
	found := regexp.MustCompile(`action="(/orders/[^/"]*)/items"`).FindStringSubmatch(page.text)
	if found == nil {
		b.d.t.Fatalf("no form in the page:\n%s", page.text)
	}
	return found[1], page
}

// submitted is an order of two drills for Hofmann, submitted.
func (b *browser) submitted(c *core) (address string) {
	b.d.t.Helper()
	address, page := b.begin()
	page = b.press(page, address+"/items", "", url.Values{"product_id": {c.product("", "DR-18", "Drill", 1250, false)}, "quantity": {"2"}})
	page = b.press(page, address+"/customer", "", url.Values{"customer_id": {c.customer("Hofmann")}})
	b.wants(b.press(page, address+"/submit", "", nil), http.StatusOK, address, "Order 2026/11/000042")
	return address
}

func orderIDIn(address string) string { return strings.TrimPrefix(address, "/orders/") }

func without(t *testing.T, page answer, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(page.text, text) {
			t.Errorf("%q is in the page:\n%s", text, page.text)
		}
	}
}

// paymentIn is the payment that an order's page links, confirmed by the log.
func (d *testSite) paymentIn(page answer) (id string) {
	d.t.Helper()
	return d.otherPaymentIn(page, "")
}

// otherPaymentIn is paymentIn for one that is not known.
func (d *testSite) otherPaymentIn(page answer, known string) (id string) {
	d.t.Helper()
	for _, found := range regexp.MustCompile(`href="/payments/([^"]*)"`).FindAllStringSubmatch(page.text, -1) {
		if found[1] != known {
			d.confirms(found[1])
			return found[1]
		}
	}
	d.t.Fatalf("no payment in the page:\n%s", page.text)
	return ""
}
