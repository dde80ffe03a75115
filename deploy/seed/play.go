package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign.example/pkg/api"
	"countersign.example/pkg/service"
)

// play plays the whole script, unless that has been done or the system is somebody's already.
func play(ctx context.Context, c config, out io.Writer) error {
	ordering, err := api.NewClient("ordering-core", "ORDERING_CORE_URL", c.OrderingURL, c.OrderingToken)
	if err != nil {
		return service.UsageError{Err: err}
	}
	defer ordering.Close()
	began := time.Now()
	s := &scene{config: c, ctx: ctx, ordering: ordering, about: "the catalog"}
	begun, ended := s.progress()
	if ended || s.err != nil {
		return s.err
	}
	if begun {
		fmt.Fprintln(out, "going on where it was interrupted")
	}
	s.fillCatalog()
	s.playScenes()
	last := orders[len(orders)-1]
	s.about, s.by, s.order = "order "+last.name, last.by, fixed(last.name)
	s.build(last)
	if s.err == nil {
		fmt.Fprintf(out, "%d products, %d customers, %d orders and %d payments besides, in %s; the order of a crane expires in 2 minutes\n",
			len(products), len(customers), len(orders), len(payments), time.Since(began).Round(100*time.Millisecond))
	}
	return s.err
}

// progress reports whether this program has begun here, and whether there is nothing for it to do.
func (s *scene) progress() (begun, ended bool) {
	var catalog struct {
		Products []struct {
			ID string `json:"product_id"`
		} `json:"products"`
	}
	s.until("ask ordering-core for its products", func() error { return s.ordering.Get(s.ctx, "/products", &catalog) })
	if len(catalog.Products) == 0 {
		return false, false
	}
	for _, found := range catalog.Products {
		begun = begun || found.ID == fixed(products[0].sku)
	}
	last := orders[len(orders)-1]
	return begun, !begun || s.look(fixed(last.name)).Sequence > int64(len(last.lines))
}

func (s *scene) fillCatalog() {
	for _, wanted := range products {
		s.command(mia, "product "+wanted.sku, "/products", map[string]any{
			"product_id": fixed(wanted.sku), "sku": wanted.sku, "name": wanted.name,
			"price": map[string]any{"amount": wanted.cents, "currency": "EUR"},
		})
	}
	for _, wanted := range customers {
		s.command(mia, "customer "+wanted.name, "/customers", map[string]any{
			"customer_id": fixed(wanted.name), "name": wanted.name, "email": wanted.email,
		})
	}
}

// playScenes begins payments and orders one after another, and plays beside that what follows them, which may
// have to wait for money. The last order is not among them.
func (s *scene) playScenes() {
	if s.err != nil {
		return
	}
	scenes, ctx := errgroup.WithContext(s.ctx)
	first := *s
	first.ctx = ctx
	scenes.Go(func() error {
		for _, wanted := range payments {
			one := first.beside("payment "+wanted.name, wanted.by)
			one.payment = fixed(one.about)
			one.ask(wanted)
			one.follow(scenes, wanted.then)
			if one.err != nil {
				return one.err
			}
		}
		for _, wanted := range orders[:len(orders)-1] {
			one := first.beside("order "+wanted.name, wanted.by)
			if one.order = fixed(wanted.name); one.build(wanted) {
				one.follow(scenes, wanted.then)
			}
			if one.err != nil {
				return one.err
			}
		}
		return nil
	})
	s.err = scenes.Wait()
}

// follow has scenes play what follows, if anything does.
func (s *scene) follow(scenes *errgroup.Group, then func(*scene)) {
	scenes.Go(func() error {
		defer s.close()
		if then != nil {
			then(s)
		}
		return s.err
	})
}

// build makes the order and submits it if it is to be, from where an earlier run has left it. It reports
// whether the order waits for its payment.
func (s *scene) build(wanted order) (waits bool) {
	if found := s.look(s.order); found.State != "" && found.State != "draft" {
		return found.State == "submitted"
	}
	path := "/orders/" + s.order
	s.command(s.by, s.about+": draft", "/orders", map[string]any{"order_id": s.order})
	for _, line := range wanted.lines {
		s.command(s.by, s.about+": add "+line.sku, path+"/items", map[string]any{
			"product_id": fixed(line.sku), "quantity": line.quantity,
		})
	}
	if wanted.customer != "" {
		s.command(s.by, s.about+": customer", path+"/customer", map[string]any{"customer_id": fixed(wanted.customer)})
	}
	if wanted.discount > 0 {
		s.command(mia, s.about+": discount", path+"/discount", map[string]any{"basis_points": wanted.discount})
	}
	if !wanted.submit {
		return false
	}
	seen := s.look(s.order) // what the contractor would see now
	body, key := map[string]any{"sequence": seen.Sequence, "total": seen.Total}, s.about+": submit"
	if wanted.lives > 0 {
		// Another body in each run, so another key: a draft is submitted once in any case.
		at := time.Now().Add(wanted.lives).UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
		body["expires_at"] = at
		key += " until " + at
	}
	s.command(s.by, key, path+"/submit", body)
	return s.err == nil
}

// seenOrder is what the script needs to know of an order.
type seenOrder struct {
	State    string          `json:"state"` // "" if there is none
	Sequence int64           `json:"sequence"`
	Total    json.RawMessage `json:"total"`
}

func (s *scene) look(id string) (o seenOrder) {
	s.step("look at an order", func() (err error) { o, err = s.find(id); return err })
	return o
}

func (s *scene) find(id string) (o seenOrder, err error) {
	err = s.ordering.Get(s.ctx, "/orders/"+id, &o)
	if refusal, is := errors.AsType[*api.Refusal](err); is && refusal.Status == http.StatusNotFound {
		return seenOrder{}, nil
	}
	return o, err
}
