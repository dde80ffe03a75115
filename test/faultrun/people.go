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

	"golang.org/x/sync/errgroup"

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
	pace      pace
	people    int
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

// pace lets one story begin after the other.
type pace struct {
	every time.Duration

	mu   sync.Mutex
	next time.Time
}

// catchUp is how much of what faults have held up is made up for at once.
const catchUp = time.Second

// turn waits until the next story may begin. It is false when ctx has ended before.
func (p *pace) turn(ctx context.Context) bool {
	p.mu.Lock()
	if earliest := time.Now().Add(-catchUp); p.next.Before(earliest) {
		p.next = earliest
	}
	at := p.next
	p.next = at.Add(p.every)
	p.mu.Unlock()
	return wait.Sleep(ctx, time.Until(at))
}

// storyTakes is how long a story takes while things are broken, about: so many seconds' stories are under way
// at once.
const storyTakes = 8

// startLoad signs everybody in and has them work until it is stopped.
func startLoad(o *testsystem.Outside, sys *system, cfg settings, k *known, has offered) (*load, error) {
	ctx, cancel := context.WithCancel(o.Context())
	l := &load{ledger: ledger.New(), known: k, offered: has, seed: cfg.seed, pace: pace{every: time.Second / time.Duration(cfg.rate)}, cancel: cancel}
	o.Cleanup(l.stop)
	trios := make([]*trio, storyTakes*cfg.rate)
	var signing errgroup.Group
	signing.SetLimit(8)
	for i := range trios {
		d := &trio{load: l, rnd: rand.New(rand.NewPCG(cfg.seed, uint64(i)+1))}
		trios[i] = d
		signing.Go(func() (err error) {
			d.contractor, err = signIn(sys, testsystem.Contractor, contractors[i%len(contractors)])
			for j := range d.managers {
				if err == nil {
					d.managers[j], err = signIn(sys, testsystem.Manager, managers[(i+j)%len(managers)])
				}
			}
			return err
		})
	}
	if err := signing.Wait(); err != nil {
		return nil, err
	}
	for _, d := range trios {
		l.people += 1 + len(d.managers)
		l.working.Go(func() { d.work(ctx) })
	}
	return l, nil
}

func signIn(sys *system, app string, who [2]string) (somebody, error) {
	client := formclient.New(sys.URL(app))
	return somebody{client, who[0], who[1]}, client.SignIn(who[1])
}

// stop returns when nobody is at work.
func (l *load) stop() {
	l.cancel()
	l.working.Wait()
}

func (d *trio) work(ctx context.Context) {
	for d.load.pace.turn(ctx) {
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
	form, err := page.Fill(button, fields...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errGivenUp, err)
	}
	if !strings.HasPrefix(c.Type, operation) {
		c.Actor = who.id
	}
	// What is sent again is the same form, with the same key.
	send := func(again bool) (ledger.Outcome, *formclient.Page) {
		answer, err := form.Send()
		d.judge(c.Kind, err)
		return outcomeOf(c, who.name, answer, err, again), answer
	}
	began := time.Now()
	outcome, answer := send(false)
	wasUnknown, tries := outcome == ledger.Unknown, 0
	if d.rnd.IntN(2) == 0 {
		tries = 3
	}
	for ; outcome == ledger.Unknown; tries-- {
		if l := d.load.ledger; tries <= 0 && !l.Full() || ctx.Err() != nil {
			l.Keep(c, began, who.Client, func() ledger.Outcome { o, _ := send(true); return o })
			return nil, fmt.Errorf("%w: %s", errGivenUp, c.Kind)
		}
		wait.Sleep(ctx, time.Duration(200+d.rnd.IntN(1000))*time.Millisecond)
		outcome, answer = send(true)
	}
	d.load.ledger.Answered(c, outcome, wasUnknown, began)
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
