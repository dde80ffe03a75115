package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"countersign.example/deploy/formclient"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/test/testsystem"
)

// offered is what orders are made of. Its names come first in every list.
type offered struct{ products, customers []string }

func offer(o *testsystem.Outside, sys *system) (has offered) {
	for i := range 4 {
		has.products = append(has.products, sys.Product(o, fmt.Sprintf("AAA-%d", i), fmt.Sprintf("AAA Cement %d", i), int64(7_50+100*i)))
	}
	for i := range 3 {
		has.customers = append(has.customers, sys.Customer(o, fmt.Sprintf("AAA School %d", i), fmt.Sprintf("school-%d@example.com", i)))
	}
	return has
}

// newLuck is that of one story's part.
func newLuck(seed uint64, parts ...string) *rand.Rand {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = h.Write([]byte(part))
	}
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

func has(button string) func(*formclient.Page) bool {
	return func(p *formclient.Page) bool { return p.Has(button) }
}

// ordered is an order that is built, and ends in one of the ways there are.
func ordered(ctx context.Context, d *trio) error {
	id, err := d.build(ctx)
	if err != nil {
		return err
	}
	switch n := d.rnd.IntN(20); {
	case n < 2:
		return d.cancelOwn(ctx, id, "Discard draft")
	case n < 4:
		if err := d.discount(ctx, id); err != nil {
			return err
		}
	}
	page, err := d.openWhen(ctx, d.contractor, "/orders/"+id, has("Submit order"))
	if err == nil {
		_, err = d.press(ctx, d.contractor, keyed("submit", order.TypeSubmitted, id), page, "Submit order")
	}
	if err != nil {
		return err
	}
	if d.rnd.IntN(5) == 0 {
		return nil // it expires
	}
	paid, err := d.requestFor(ctx, id)
	if err != nil {
		return err
	}
	if d.rnd.IntN(6) == 0 {
		return d.cancelOwn(ctx, id, "Cancel order")
	}
	if err := d.accept(ctx, d.managers[0], paid); err != nil {
		return err
	}
	switch d.rnd.IntN(6) { // while the money moves, perhaps
	case 0:
		return d.cancelOwn(ctx, id, "Cancel order")
	case 1:
		return d.endAsManager(ctx, id)
	}
	return nil
}

// build makes a draft that can be submitted.
func (d *trio) build(ctx context.Context) (id string, err error) {
	form, err := d.open(ctx, d.contractor, "/orders/new")
	if err != nil {
		return "", err
	}
	id = form.URL.Query().Get("id")
	product := d.load.offered.products[d.rnd.IntN(len(d.load.offered.products))]
	if _, err = d.press(ctx, d.contractor, keyed("add item", order.TypeItemAdded, id), form, "Add", "Product", product, "Quantity", fmt.Sprint(1+d.rnd.IntN(9))); err != nil {
		return id, err
	}
	d.load.known.add("/orders/"+id, d.contractor)
	for _, change := range []struct{ button, kind, event string }{
		{"Add one", "add item", order.TypeItemAdded}, {"Remove one", "remove item", order.TypeItemRemoved},
	} {
		if d.rnd.IntN(4) > 0 {
			continue
		}
		page, err := d.openWhen(ctx, d.contractor, "/orders/"+id, has(change.button))
		if err == nil {
			_, err = d.press(ctx, d.contractor, keyed(change.kind, change.event, id), page, change.button)
		}
		if err != nil {
			return id, err
		}
	}
	// What was removed may have been the only one.
	page, err := d.openWhen(ctx, d.contractor, "/orders/"+id, has("Choose customer"))
	if err == nil {
		customer := d.load.offered.customers[d.rnd.IntN(len(d.load.offered.customers))]
		_, err = d.press(ctx, d.contractor, keyed("choose customer", order.TypeCustomerChosen, id), page, "Choose customer", "Customer", customer)
	}
	return id, err
}

// requestFor asks for the payment of a submitted order.
func (d *trio) requestFor(ctx context.Context, id string) (paymentID string, err error) {
	page, err := d.openWhen(ctx, d.contractor, "/orders/"+id, has("Request payment"))
	if err != nil {
		return "", err
	}
	paymentID = page.Value("Request payment", "payment_id")
	d.load.payments.Add(1)
	_, err = d.press(ctx, d.contractor, of("request for order", payment.TypeRequested, paymentID), page, "Request payment")
	return paymentID, err
}

func (d *trio) cancelOwn(ctx context.Context, id, button string) error {
	page, err := d.open(ctx, d.contractor, "/orders/"+id+"/cancel")
	if err == nil {
		_, err = d.press(ctx, d.contractor, keyed("cancel", order.TypeCancelled, id), page, button)
	}
	return err
}

func (d *trio) endAsManager(ctx context.Context, id string) error {
	if d.rnd.IntN(2) == 0 {
		page, err := d.openWhen(ctx, d.managers[1], "/orders/"+id+"/expire", has("Expire order"))
		if err == nil {
			_, err = d.press(ctx, d.managers[1], keyed("expire", order.TypeExpired, id), page, "Expire order")
		}
		return err
	}
	page, err := d.openWhen(ctx, d.managers[1], "/orders/"+id, has("Cancel order"))
	if err == nil {
		_, err = d.press(ctx, d.managers[1], keyed("cancel", order.TypeCancelled, id), page, "Cancel order", "Reason", "Not needed")
	}
	return err
}

// discount sets one, and sometimes takes it back.
func (d *trio) discount(ctx context.Context, id string) error {
	page, err := d.openWhen(ctx, d.managers[0], "/orders/"+id, has("Set discount"))
	if err == nil {
		_, err = d.press(ctx, d.managers[0], keyed("discount", order.TypeDiscountSet, id), page, "Set discount", "Discount", fmt.Sprint(1+d.rnd.IntN(50)))
	}
	if err != nil || d.rnd.IntN(2) == 0 {
		return err
	}
	if page, err = d.openWhen(ctx, d.managers[1], "/orders/"+id, has("Reset discount")); err == nil {
		_, err = d.press(ctx, d.managers[1], keyed("reset discount", order.TypeDiscountReset, id), page, "Reset discount", "Discount", page.Value("Reset discount", "basis_points"))
	}
	return err
}

// kept is a product or a customer that is added, changed and archived.
func kept(ctx context.Context, d *trio) error {
	of := struct {
		path, noun              string
		added, changed, archive string
		fields                  []string
	}{"/customers", "customer", catalog.TypeCustomerAdded, catalog.TypeCustomerChanged, catalog.TypeCustomerArchived,
		[]string{"Name", "ZZZ " + d.word(), "E-mail address", d.word() + "@example.com"}}
	if d.rnd.IntN(2) == 0 {
		of.path, of.noun = "/products", "product"
		of.added, of.changed, of.archive = catalog.TypeProductAdded, catalog.TypeProductChanged, catalog.TypeProductArchived
		of.fields = []string{"Name", "ZZZ " + d.word(), "SKU", strings.ToUpper(d.word()), "Price", "12.50", "Currency", "EUR"}
	}
	who := d.managers[d.rnd.IntN(2)]
	form, err := d.open(ctx, who, of.path+"/new")
	if err != nil {
		return err
	}
	id := form.Value("Add "+of.noun, "id")
	if _, err := d.press(ctx, who, keyed("add "+of.noun, of.added, id), form, "Add "+of.noun, of.fields...); err != nil {
		return err
	}
	if form, err = d.openWhen(ctx, who, of.path+"/"+id, has("Save")); err == nil {
		_, err = d.press(ctx, who, keyed("change "+of.noun, of.changed, id), form, "Save", "Name", "ZZZ "+d.word())
	}
	if err != nil || d.rnd.IntN(3) == 0 {
		return err
	}
	if form, err = d.openWhen(ctx, who, of.path+"/"+id+"/archive", has("Archive "+of.noun)); err == nil {
		_, err = d.press(ctx, who, keyed("archive "+of.noun, of.archive, id), form, "Archive "+of.noun)
	}
	return err
}

// word is one that nobody else has.
func (d *trio) word() string { return fmt.Sprintf("w%x", d.rnd.Uint64()) }
