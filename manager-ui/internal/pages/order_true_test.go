package pages_test

import (
	"fmt"
	"strings"
	"testing"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

// priced has the catalog say what the draft's product costs now.
func (b *booked) priced(minor, sequence int64) (productID string) {
	b.tb.Helper()
	line := b.order().Lines[0]
	price := money.Amount{Minor: minor, Currency: "EUR"}
	e := catalog.New("/ordering-core", line.ProductID, catalog.ProductAdded{ProductID: line.ProductID, SKU: line.SKU, Name: line.Name, Price: price})
	e.Time, e.Sequence = noon, sequence
	if sequence > 1 {
		e = catalog.New("/ordering-core", line.ProductID, catalog.ProductChanged{ProductID: line.ProductID, SKU: line.SKU, Name: line.Name, Price: price})
		e.Time, e.Sequence = noon, sequence
	}
	b.receive(e)
	return line.ProductID
}

// What submitting would freeze is what every page says of a draft.
func TestADraftHasOneTotal(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	b := o.begin(ada, 0).fill("Tiles", 4000)
	b.tell(ada, order.DiscountSet{BasisPoints: 1000})
	product := b.priced(4000, 1)
	mia.get("/orders").is(200, "72.00")
	mia.get("/orders/"+b.id).is(200, "72.00").without("Prices have changed")

	// when the product has another price
	b.priced(4400, 2)

	// then list, page and question say the same, and those that are open know what they depend on
	rows, err := pages.NewLive(o.db, o.renderer).Rows(t.Context(), []string{catalog.ProductStream(product), order.Stream(b.id)})
	o.must(err)
	list := mia.get("/orders").is(200, "79.20").without("72.00")
	for _, row := range rows {
		switch row.List {
		case "orders":
			list.is(200, locale.English.Write(row.HTML))
		case "products":
			list.is(200, fmt.Sprintf(`data-live-parts="product-%s@%d"`, product, row.Revision))
			mia.get("/orders/"+b.id).is(200, fmt.Sprintf(`data-live-subject="product-%s" data-revision="%d"`, product, row.Revision))
		}
	}
	mia.get("/orders/"+b.id).is(200, "79.20", "88.00", `aria-label="Before">`, "40.00", "Prices have changed", `name="total" value="7920"`).without("72.00")
	mia.get("/orders/"+b.id+"/expire").is(200, "It comes to", "79.20").without("72.00")

	// and what was submitted keeps its own
	b.submit("2026/11/000001")
	mia.get("/orders").is(200, "72.00").without("79.20")
}

func TestAnArchivedCustomerIsMarkedOnADraft(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	o.receive(customerAdded(hotel, "Hotel Sonne", "office@sonne.example"))
	b := o.begin(ada, 0).fill("Tiles", 1250)
	mia.get("/orders/"+b.id).is(200, `data-live-subject="customer-`+hotel+`"`).without(">Archived<")
	gone := catalog.New("/ordering-core", hotel, catalog.CustomerArchived{CustomerID: hotel})
	gone.Time, gone.Sequence = noon, 2
	o.receive(gone)
	mia.get("/orders/"+b.id).is(200, ">Archived<", "Another customer is to be chosen")
	b.submit("2026/11/000001")
	mia.get("/orders/" + b.id).is(200).without(">Archived<") // it is theirs
}

func TestWhoDecidesAboutAnOrderThatHasChangedIsToldWhat(t *testing.T) {
	o := open(t, nowhere)
	mia := o.manager("mia-weber")
	b := o.begin(ada, 0).fill("Tiles", 1250)
	openOrderSite(t, o, b)
	page := "/orders/" + b.id
	price := money.Amount{Minor: 500, Currency: "EUR"}
	for i, form := range []struct{ path, not string }{{"/discount", "Not discounted"}, {"/discount/reset", "Not changed"}, {"/cancel", "Not cancelled"}, {"/expire", "Not expired"}} {
		// given a form that somebody looks at
		from := page
		if form.path == "/expire" {
			from += form.path
		}
		fields := append(mia.get(from).orderForm(page+strings.TrimSuffix(form.path, "/reset")), "basis_points", "7.5", "reason", "As agreed")

		// when a line is added meanwhile, then the press is refused, with what was added
		b.tell(ada, order.ItemAdded{ProductID: b.order().Lines[0].ProductID, SKU: "S-1", Name: "Tiles", Price: price, Quantity: int64(i + 1)})
		refused := mia.post(page+form.path, fields...).is(409, form.not, "The order has changed since you looked at it", fmt.Sprintf("Ada Nowak added %d × Tiles at 5.00 EUR.", i+1))
		switch form.path {
		case "/discount":
			refused.is(409, `value="7.5"`)
			// and the same form, with what it says now, is taken
			mia.post(page+form.path, append(refused.orderForm(page+form.path), "basis_points", "7.5")...).is(200, "Discount set for")
		case "/cancel":
			refused.is(409, "As agreed</textarea>")
		}
	}
	// and another total is told with both
	fields := append(mia.get(page).orderForm(page+"/discount"), "basis_points", "5")
	b.priced(600, 1)
	mia.post(page+"/discount", fields...).is(409, "Not discounted", "is 66.60 EUR now, and you saw 55.50 EUR")
	if last := b.order(); last.State != order.StateDraft || last.BasisPoints != 750 {
		t.Errorf("afterwards it is %+v", last)
	}
}

func (a answer) orderForm(action string) (fields []string) {
	a.tb.Helper()
	_, form, found := strings.Cut(a.text, `action="`+action+`"`)
	form, _, _ = strings.Cut(form, "</form>")
	if !found {
		a.tb.Fatalf("%s has no form for %s", a.path, action)
	}
	for _, m := range hidden.FindAllStringSubmatch(form, -1) {
		fields = append(fields, m[1], m[2])
	}
	return fields
}
