package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"countersign.example/deploy/formclient"
	"countersign.example/payments-core/payment"
)

// known is what there is to look at: a few of the latest payments and orders, with whose they are.
type known struct {
	mu    sync.Mutex
	pages []knownPage
	next  int
}

type knownPage struct{ path, contractor string }

const knownAtMost = 200

func (k *known) add(path string, contractor somebody) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if page := (knownPage{path, contractor.id}); len(k.pages) < knownAtMost {
		k.pages = append(k.pages, page)
	} else {
		k.pages[k.next%knownAtMost] = page
		k.next++
	}
}

// one is the page of one of them, by n, that a contractor may see, or any where contractor is ""; "" while
// there is none.
func (k *known) one(contractor string, n int) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.pages {
		if page := k.pages[(n+i)%len(k.pages)]; contractor == "" || page.contractor == contractor {
			return page.path
		}
	}
	return ""
}

type story func(ctx context.Context, d *trio) error

// stories are what people do, each as often as its weight among all.
var stories = []struct {
	weight int
	play   story
}{
	{30, accepted}, {8, rejected}, {8, withdrawn}, {10, contested}, {8, undone}, {10, byHand}, {6, askedAgain}, {16, ordered}, {4, kept},
}

// story is what to play next.
func (d *trio) story() story {
	sum := 0
	for _, s := range stories {
		sum += s.weight
	}
	n := d.rnd.IntN(sum)
	for _, s := range stories {
		if n -= s.weight; n < 0 {
			return s.play
		}
	}
	panic("no story")
}

// amount is one by which the gateway behaves well, or in one of its ways.
func (d *trio) amount() string {
	cents := 0
	if d.rnd.IntN(3) == 0 {
		cents = 1 + d.rnd.IntN(19)
	}
	return fmt.Sprintf("%d.%02d", 10+d.rnd.IntN(400), cents)
}

const (
	automatic = "Automatic, once accepted"
	manual    = "By a manager, after a hold"
)

// request asks for a payment and returns its id.
func (d *trio) request(ctx context.Context, capture string) (id string, err error) {
	form, err := d.open(ctx, d.contractor, "/payments/new")
	if err != nil {
		return "", err
	}
	id = form.URL.Query().Get("id")
	n := d.load.payments.Add(1)
	_, err = d.press(ctx, d.contractor, of("request", payment.TypeRequested, id), form, "Request payment",
		"Amount", d.amount(), "Currency", "EUR", "Description", fmt.Sprintf("Work %d", n), "Capture", capture)
	if err == nil {
		d.load.known.add("/payments/"+id, d.contractor)
	}
	return id, err
}

// pageOf is a payment's page where somebody can press a button.
func (d *trio) pageOf(ctx context.Context, who somebody, id, button string) (*formclient.Page, error) {
	return d.openWhen(ctx, who, "/payments/"+id, func(p *formclient.Page) bool { return p.Has(button) })
}

// decide has somebody press a button on a payment's page.
func (d *trio) decide(ctx context.Context, who somebody, id, kind, event, button string) error {
	page, err := d.pageOf(ctx, who, id, button)
	if err == nil {
		_, err = d.press(ctx, who, of(kind, event, id), page, button)
	}
	return err
}

func (d *trio) accept(ctx context.Context, who somebody, id string) error {
	return d.decide(ctx, who, id, "accept", payment.TypeAccepted, "Accept")
}

func (d *trio) reject(ctx context.Context, who somebody, id string) error {
	page, err := d.open(ctx, who, "/payments/"+id+"/reject")
	if err == nil {
		_, err = d.press(ctx, who, of("reject", payment.TypeRejected, id), page, "Reject payment", "Reason", "No invoice")
	}
	return err
}

func accepted(ctx context.Context, d *trio) error {
	id, err := d.request(ctx, automatic)
	if err == nil {
		err = d.accept(ctx, d.managers[0], id)
	}
	return err
}

func rejected(ctx context.Context, d *trio) error {
	id, err := d.request(ctx, automatic)
	if err == nil {
		if _, err = d.pageOf(ctx, d.managers[1], id, "Accept"); err == nil {
			err = d.reject(ctx, d.managers[1], id)
		}
	}
	return err
}

func withdrawn(ctx context.Context, d *trio) error {
	id, err := d.request(ctx, automatic)
	if err == nil {
		err = d.decide(ctx, d.contractor, id, "withdraw", payment.TypeWithdrawn, "Withdraw")
	}
	return err
}

// contested is a payment about which three people press a button at once.
func contested(ctx context.Context, d *trio) error {
	id, err := d.request(ctx, automatic)
	if err != nil {
		return err
	}
	open := make([]*formclient.Page, 3)
	for i, of := range []struct {
		who    somebody
		path   string
		button string
	}{
		{d.contractor, "/payments/" + id, "Withdraw"}, {d.managers[0], "/payments/" + id, "Accept"}, {d.managers[1], "/payments/" + id, "Accept"},
	} {
		if open[i], err = d.pageOf(ctx, of.who, id, of.button); err != nil {
			return err
		}
	}
	var presses sync.WaitGroup
	var done atomic.Int32
	press := func(who somebody, page *formclient.Page, kind, event, button string) {
		presses.Go(func() {
			other := *d // each with luck of its own
			other.rnd = newLuck(d.load.seed, id, who.id)
			if _, err := other.press(ctx, who, of(kind, event, id), page, button); err == nil {
				done.Add(1)
			}
		})
	}
	press(d.contractor, open[0], "withdraw", payment.TypeWithdrawn, "Withdraw")
	press(d.managers[0], open[1], "accept", payment.TypeAccepted, "Accept")
	press(d.managers[1], open[2], "accept", payment.TypeAccepted, "Accept")
	presses.Wait()
	if done.Load() == 0 {
		return errors.Join(errGivenUp, errors.New("nobody has decided"))
	}
	return nil
}

// undone is an acceptance that is taken back, and then a rejection.
func undone(ctx context.Context, d *trio) error {
	id, err := d.request(ctx, automatic)
	if err == nil {
		err = d.accept(ctx, d.managers[0], id)
	}
	if err != nil {
		return err
	}
	// payments-core has to have received it, and the money must not have moved yet: it works, or it is refused.
	page, err := d.pageOf(ctx, d.managers[1], id, "Undo")
	if err == nil {
		_, err = d.press(ctx, d.managers[1], of("undo", payment.TypeReopened, id), page, "Undo")
	}
	if err != nil {
		return err
	}
	if _, err = d.pageOf(ctx, d.managers[1], id, "Accept"); err == nil {
		err = d.reject(ctx, d.managers[1], id)
	}
	return err
}

// byHand is money on hold that a manager captures or releases.
func byHand(ctx context.Context, d *trio) error {
	id, err := d.request(ctx, manual)
	if err == nil {
		err = d.accept(ctx, d.managers[0], id)
	}
	if err != nil {
		return err
	}
	page, err := d.pageOf(ctx, d.managers[1], id, "Capture")
	if err != nil {
		return err // declined, perhaps
	}
	kind := "Capture"
	if d.rnd.IntN(2) == 0 {
		kind = "Release"
	}
	_, err = d.press(ctx, d.managers[1], keyed(strings.ToLower(kind), operation+strings.ToLower(kind), id), page, kind)
	return err
}

// operation begins the effect of what a manager asks for about a hold: payments-core has such an operation at
// the gateway, once it is done.
const operation = "operation "

// askedAgain is a rejected payment that is asked for again.
func askedAgain(ctx context.Context, d *trio) error {
	id, err := d.request(ctx, automatic)
	if err == nil {
		if _, err = d.pageOf(ctx, d.managers[0], id, "Accept"); err == nil {
			err = d.reject(ctx, d.managers[0], id)
		}
	}
	if err != nil {
		return err
	}
	page, err := d.pageOf(ctx, d.contractor, id, "Ask again")
	if err != nil {
		return err
	}
	form, err := page.Press("Ask again")
	if err != nil || !form.Has("Request payment") {
		return fmt.Errorf("%w: %w", errGivenUp, err)
	}
	again := form.URL.Query().Get("id")
	d.load.payments.Add(1)
	if _, err = d.press(ctx, d.contractor, of("ask again", payment.TypeRequested, again), form, "Request payment"); err != nil {
		return err
	}
	return d.accept(ctx, d.managers[1], again)
}
