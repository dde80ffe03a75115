package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"countersign.example/deploy/formclient"
	"countersign.example/pkg/wait"
	"countersign.example/test/faultrun/ledger"
	"countersign.example/test/testsystem"
)

// somebody is a person at an app.
type somebody struct {
	*formclient.Client
	id, name string
}

var (
	contractors = [][2]string{{"ada-nowak", "Ada Nowak"}, {"jon-park", "Jon Park"}, {"sara-lind", "Sara Lind"}}
	managers    = [][2]string{{"mia-weber", "Mia Weber"}, {"tom-berg", "Tom Berg"}}
)

// patience is how long people try to get a page, before they give a story up.
const patience = 20 * time.Second

// errGivenUp ends a story: what it needed could not be had, or its last command has no clear answer.
var errGivenUp = errors.New("given up")

// trio is a contractor and two managers, who play one story after the other.
type trio struct {
	load       *load
	rnd        *rand.Rand
	contractor somebody
	managers   [2]somebody
}

// load is everybody at work.
type load struct {
	ledger    *ledger.Ledger
	known     *known
	offered   offered
	seed      uint64
	most      int64 // payments
	payments  atomic.Int64
	stories   atomic.Int64
	givenUp   atomic.Int64
	unwelcome unwelcome
	cancel    context.CancelFunc
	working   sync.WaitGroup
}

// unwelcome are answers that nobody should get, whatever is broken, such as a 500.
type unwelcome struct {
	mu   sync.Mutex
	list []string
	n    int
}

func (u *unwelcome) add(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	const most = 20
	if u.n++; len(u.list) < most {
		u.list = append(u.list, fmt.Sprintf(format, args...))
	}
}

// startLoad signs everybody in and has them work until it is stopped.
func startLoad(o *testsystem.Outside, sys *system, seed uint64, trios int, most int64, k *known, has offered) *load {
	ctx, cancel := context.WithCancel(o.Context())
	l := &load{ledger: ledger.New(), known: k, offered: has, seed: seed, most: most, cancel: cancel}
	o.Cleanup(l.stop)
	for i := range trios {
		d := &trio{load: l, rnd: rand.New(rand.NewPCG(seed, uint64(i)+1))}
		d.contractor = signIn(o, sys, testsystem.Contractor, contractors[i%len(contractors)])
		for j := range d.managers {
			d.managers[j] = signIn(o, sys, testsystem.Manager, managers[(i+j)%len(managers)])
		}
		l.working.Go(func() { d.work(ctx) })
	}
	return l
}

func signIn(o *testsystem.Outside, sys *system, app string, who [2]string) somebody {
	return somebody{sys.SignIn(o, app, who[1]), who[0], who[1]}
}

// stop returns when nobody is at work.
func (l *load) stop() {
	l.cancel()
	l.working.Wait()
}

func (d *trio) work(ctx context.Context) {
	for ctx.Err() == nil && (d.load.most == 0 || d.load.payments.Load() < d.load.most) {
		play := d.story()
		if err := play(ctx, d); err != nil {
			d.load.givenUp.Add(1)
			wait.Sleep(ctx, 200*time.Millisecond)
		}
		d.load.stories.Add(1)
	}
}

// open gets a page, again and again while there is none.
func (d *trio) open(ctx context.Context, who somebody, path string) (*formclient.Page, error) {
	return d.openWhen(ctx, who, path, func(*formclient.Page) bool { return true })
}

// openWhen gets a page again and again until it is as wanted.
func (d *trio) openWhen(ctx context.Context, who somebody, path string, wanted func(*formclient.Page) bool) (*formclient.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pause := 20 * time.Millisecond
	for {
		page, err := who.Open(path)
		if err == nil && wanted(page) {
			return page, nil
		}
		d.judge(path, err)
		if !wait.Sleep(ctx, pause) {
			return nil, fmt.Errorf("%w: %s", errGivenUp, path)
		}
		pause = min(2*pause, time.Second)
	}
}

// judge notes an answer that no fault excuses.
func (d *trio) judge(what string, err error) {
	if status := new(formclient.StatusError); errors.As(err, &status) && status.Status == http.StatusInternalServerError {
		d.load.unwelcome.add("%s: %v", what, status)
	}
}

// outcomeOf is what a person is told. A form that was sent before says nothing where all is well, and neither
// does one that changes a draft.
func outcomeOf(c ledger.Command, name string, page *formclient.Page, err error, again bool) ledger.Outcome {
	if status := new(formclient.StatusError); errors.As(err, &status) {
		if strings.Contains(status.Text, "Nothing was changed") || status.Status < http.StatusInternalServerError {
			return ledger.Refused
		}
		return ledger.Unknown
	}
	if err != nil {
		return ledger.Unknown
	}
	messages := page.Messages()
	switch {
	case len(messages) == 0 && (again || c.Keyed):
		return ledger.Done
	case len(messages) != 1: // lost on its way, or one more of a press before
		return ledger.Unknown
	case messages[0].Tone == "warning" || messages[0].Tone == "bad":
		return ledger.Refused
	case messages[0].Tone == "info" && !c.Keyed && (!again || !strings.Contains(messages[0].Text, name)):
		return ledger.Refused // somebody else had decided so
	}
	return ledger.Done
}

// press sends a command, and notes what becomes of it. Without a clear answer some people press again, and
// others leave it. It returns the page, and errGivenUp unless it is done.
func (d *trio) press(ctx context.Context, who somebody, c ledger.Command, page *formclient.Page, button string, fields ...string) (*formclient.Page, error) {
	if !page.Has(button) {
		return nil, fmt.Errorf("%w: no button %q", errGivenUp, button)
	}
	if !strings.HasPrefix(c.Type, operation) {
		c.Actor = who.id
	}
	// A page that is sent again is the same form, with the same key.
	send := func(again bool) (ledger.Outcome, *formclient.Page) {
		answer, err := page.Press(button, fields...)
		d.judge(c.Kind, err)
		return outcomeOf(c, who.name, answer, err, again), answer
	}
	outcome, answer := send(false)
	wasUnknown, tries := outcome == ledger.Unknown, 0
	if d.rnd.IntN(2) == 0 {
		tries = 3
	}
	for ; outcome == ledger.Unknown; tries-- {
		if l := d.load.ledger; tries <= 0 && !l.Full() || ctx.Err() != nil {
			l.Keep(c, func() ledger.Outcome { o, _ := send(true); return o })
			return nil, fmt.Errorf("%w: %s", errGivenUp, c.Kind)
		}
		wait.Sleep(ctx, time.Duration(200+d.rnd.IntN(1000))*time.Millisecond)
		outcome, answer = send(true)
	}
	d.load.ledger.Answered(c, outcome, wasUnknown)
	if outcome != ledger.Done {
		return answer, fmt.Errorf("%w: %s is refused", errGivenUp, c.Kind)
	}
	return answer, nil
}

// of is a command by what it writes.
func of(kind, event, subject string) ledger.Command {
	return ledger.Command{Kind: kind, Effect: ledger.Effect{Subject: subject, Type: event}}
}

// keyed is one that is answered the same however often it is sent.
func keyed(kind, event, subject string) ledger.Command {
	c := of(kind, event, subject)
	c.Keyed = true
	return c
}
