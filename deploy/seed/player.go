package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign.example/deploy/formclient"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
)

// player does what the script says, as each person.
type player struct {
	config
	out      io.Writer
	ordering *api.Client
	clients  map[person]*formclient.Client
}

func newPlayer(c config, out io.Writer) (*player, error) {
	ordering, err := api.NewClient("ordering-core", "ORDERING_CORE_URL", c.orderingURL, c.orderingToken)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return &player{config: c, out: out, ordering: ordering, clients: map[person]*formclient.Client{}}, nil
}

func (p *player) close() {
	p.ordering.Close()
	p.closeClients()
}

func (p *player) closeClients() {
	for _, c := range p.clients {
		c.Close()
	}
}

// play plays the whole script, unless that has been done or the system is somebody's already.
func (p *player) play(ctx context.Context) error {
	switch begun, ended, err := p.progress(ctx); {
	case err != nil:
		return err
	case ended:
		return nil
	case begun:
		fmt.Fprintln(p.out, "going on where it was interrupted")
	}
	began := time.Now()
	if err := p.fillCatalog(ctx); err != nil {
		return err
	}
	if err := p.playScenes(ctx); err != nil {
		return err
	}
	if err := p.place(ctx, orders[len(orders)-1], nil); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d products, %d customers, %d orders and %d payments besides, in %s; the order of a crane expires in 2 minutes\n",
		len(products), len(customers), len(orders), len(payments), time.Since(began).Round(100*time.Millisecond))
	return nil
}

// playScenes plays payments and orders one after another, and beside that what follows them, which may have
// to wait for money. The last order is not among them.
func (p *player) playScenes(ctx context.Context) error {
	scenes, ctx := errgroup.WithContext(ctx)
	scenes.Go(func() error {
		if err := p.askForPayments(ctx, scenes); err != nil {
			return err
		}
		for _, wanted := range orders[:len(orders)-1] {
			if err := p.place(ctx, wanted, scenes); err != nil {
				return err
			}
		}
		return nil
	})
	return scenes.Wait()
}

// progress reports whether this program has begun here, and whether there is nothing for it to do.
func (p *player) progress(ctx context.Context) (begun, ended bool, err error) {
	var catalog struct {
		Products []struct {
			ID string `json:"product_id"`
		} `json:"products"`
	}
	err = p.until(ctx, "ask ordering-core for its products", func() error {
		return p.get(ctx, "/products", &catalog)
	})
	if err != nil || len(catalog.Products) == 0 {
		return false, false, err
	}
	for _, found := range catalog.Products {
		begun = begun || found.ID == fixed(products[0].sku)
	}
	if !begun {
		return false, true, nil
	}
	last := orders[len(orders)-1]
	found, err := p.order(ctx, fixed(last.name))
	return true, found.Sequence > int64(len(last.lines)), err
}

// another is the player of a scene that is played beside others: each has people at windows of their own.
func (p *player) another() *player {
	return &player{config: p.config, out: p.out, ordering: p.ordering, clients: map[person]*formclient.Client{}}
}

// until repeats try until it succeeds or the time is over: another service may not have received it yet, or
// not be up.
func (p *player) until(ctx context.Context, what string, try func() error) error {
	const step = 15 * time.Second
	ctx, cancel := context.WithTimeout(ctx, step)
	defer cancel()
	return p.untilDone(ctx, what, try)
}

// untilDone is until for what waits for money, which moves when a grace has passed: it has all the time that
// there is.
func (p *player) untilDone(ctx context.Context, what string, try func() error) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, err)
		case <-tick.C:
		}
	}
}

// command sends one to ordering-core for somebody. Its key is fixed, so that a repetition gets the answer of
// the first.
func (p *player) command(ctx context.Context, by person, key, path string, body any) error {
	ctx = event.WithMeta(ctx, event.Meta{Actor: by.id, ActorName: by.name})
	if err := p.ordering.Post(ctx, path, fixed("key/"+key), body, nil); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// seenOrder is what the script needs to know of an order.
type seenOrder struct {
	State    string          `json:"state"` // "" if there is none
	Sequence int64           `json:"sequence"`
	Total    json.RawMessage `json:"total"`
}

func (p *player) order(ctx context.Context, id string) (o seenOrder, err error) {
	err = p.get(ctx, "/orders/"+id, &o)
	if errors.Is(err, errNone) {
		return seenOrder{}, nil
	}
	return o, err
}

var errNone = errors.New("there is none")

// get asks ordering-core.
func (p *player) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(p.orderingURL, "/")+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+p.orderingToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
		return json.NewDecoder(response.Body).Decode(into)
	case http.StatusNotFound:
		return errNone
	}
	return fmt.Errorf("get %s: %s", path, response.Status)
}

// client is somebody at their app, signed in.
func (p *player) client(ctx context.Context, who person) (*formclient.Client, error) {
	if c, ok := p.clients[who]; ok {
		return c, nil
	}
	origin := p.contractorURL
	if who == mia || who == tom {
		origin = p.managerURL
	}
	c := formclient.New(origin)
	if err := p.until(ctx, "open the app for "+who.name, func() error { return c.SignIn(who.name) }); err != nil {
		return nil, err
	}
	p.clients[who] = c
	return c, nil
}
