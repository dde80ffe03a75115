package main

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sync"
	"time"

	"countersign.example/deploy/formclient"
	"countersign.example/pkg/wait"
	"countersign.example/test/testsystem"
)

// probe has one payment after the other requested, accepted and paid out, and so knows how long after a fault
// has healed all works again, from end to end. Other faults may be there meanwhile: that counts, too.
type probe struct {
	contractor, manager *formclient.Client

	mu     sync.Mutex
	healed []healing
	took   map[string][]time.Duration
	last   error
	paid   int
}

type healing struct {
	kind string
	at   time.Time
}

func newProbe(o *testsystem.Outside, sys *system) *probe {
	return &probe{contractor: sys.SignIn(o, testsystem.Contractor, "Ada Nowak"), manager: sys.SignIn(o, testsystem.Manager, "Mia Weber"), took: map[string][]time.Duration{}}
}

// heals notes that a fault has healed.
func (p *probe) heals(kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.healed = append(p.healed, healing{kind, time.Now()})
}

// run probes until ctx ends.
func (p *probe) run(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		if !p.pay(ctx) {
			return
		}
		p.mu.Lock()
		p.paid++
		p.healed = slices.DeleteFunc(p.healed, func(h healing) bool {
			if h.at.After(began) {
				return false
			}
			p.took[h.kind] = append(p.took[h.kind], time.Since(h.at))
			return true
		})
		p.mu.Unlock()
		wait.Sleep(ctx, 100*time.Millisecond)
	}
}

// pay has one payment paid out, however long that takes. It is false when ctx has ended before.
func (p *probe) pay(ctx context.Context) bool {
	var form *formclient.Page
	id := ""
	return p.insist(ctx, func() (err error) {
		form, err = p.contractor.Open("/payments/new")
		return err
	}) && p.insist(ctx, func() error {
		shown, err := form.Press("Request payment", "Amount", "20.00", "Currency", "EUR", "Description", "Probe")
		if err == nil {
			id = path.Base(shown.URL.Path)
		}
		return err
	}) && p.insist(ctx, func() error {
		return p.manager.Decide(id, "Accept", "Accepted")
	}) && p.insist(ctx, func() error {
		page, err := p.contractor.Open("/payments/" + id)
		if err == nil && !page.Shows("Money Paid out") {
			err = fmt.Errorf("not paid out: %.300s", page.Text())
		}
		return err
	})
}

func (p *probe) insist(ctx context.Context, try func() error) bool {
	for {
		err := try()
		if err == nil {
			return true
		}
		p.mu.Lock()
		p.last = err
		p.mu.Unlock()
		if !wait.Sleep(ctx, 50*time.Millisecond) {
			return false
		}
	}
}

// recovery is how long it took after faults of a kind.
type recovery struct {
	P50, Max time.Duration
	N        int
}

func (p *probe) paidSoFar() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paid
}

func (p *probe) recoveries() map[string]recovery {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]recovery{}
	for kind, took := range p.took {
		slices.Sort(took)
		all[kind] = recovery{took[len(took)/2], took[len(took)-1], len(took)}
	}
	return all
}
