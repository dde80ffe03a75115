package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"countersign.example/pkg/tcp"
)

// breakLasts is how long a part stays broken.
const breakLasts = 20 * time.Second

// fault is a way to break a part. Begin breaks it and returns what heals it; nothing has to be healed where
// that is nil.
type fault struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Text  string `json:"text"`
	begin func(ctx context.Context) (heal func() error, err error)
}

// breaks breaks parts of what runs, one at a time, for a while each, when manager-ui's page Flow asks for it.
// It listens on this machine alone, at an address that nobody can guess.
type breaks struct {
	out    *output
	lasts  time.Duration
	url    string
	server *http.Server
	links  []*tcp.Link

	mu     sync.Mutex
	faults []fault
	broken string // the name of what is broken; "" for nothing
	until  time.Time
	heal   func() error
	timer  *time.Timer
}

// newBreaks listens. It knows nothing to break yet.
func newBreaks(out *output, secret string, lasts time.Duration) (*breaks, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &breaks{out: out, lasts: lasts, url: "http://" + listener.Addr().String() + "/" + secret}
	mux := http.NewServeMux()
	known := func(handler http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if subtle.ConstantTimeCompare([]byte(r.PathValue("secret")), []byte(secret)) != 1 {
				http.NotFound(w, r)
				return
			}
			handler(w, r)
		}
	}
	mux.HandleFunc("GET /{secret}", known(b.show))
	mux.HandleFunc("POST /{secret}/{name}", known(b.begin))
	b.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.server.Serve(listener) }()
	return b, nil
}

// add makes something breakable.
func (b *breaks) add(f fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, f)
}

// close heals what is broken, so that it can stop. Nothing is broken any more.
func (b *breaks) close() {
	_ = b.server.Close()
	b.mend()
}

// closeLinks ends all links, when nobody needs them.
func (b *breaks) closeLinks() {
	for _, l := range b.links {
		_ = l.Close()
	}
}

// state is what Flow shows.
type state struct {
	Faults []fault   `json:"faults"`
	Broken string    `json:"broken"`
	Until  time.Time `json:"until"`
}

func (b *breaks) show(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(state{b.faults, b.broken, b.until})
}

// begin breaks a part, unless another one is broken.
func (b *breaks) begin(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		if f.Name != r.PathValue("name") {
			continue
		}
		if b.broken != "" {
			http.Error(w, "something is broken already: wait until it has healed", http.StatusConflict)
			return
		}
		heal, err := f.begin(r.Context())
		if err != nil {
			b.out.print("could not do %q: %v", f.Title, err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		b.out.print("broken on purpose: %s", f.Title)
		if heal != nil {
			b.broken, b.until, b.heal = f.Name, time.Now().Add(b.lasts), heal
			b.timer = time.AfterFunc(b.lasts, b.mend)
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	http.NotFound(w, r)
}

// mend heals what is broken.
func (b *breaks) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken == "" {
		return
	}
	b.timer.Stop()
	if err := b.heal(); err != nil {
		b.out.print("%s does not heal: %v", b.broken, err)
	} else {
		b.out.print("healed: %s", b.broken)
	}
	b.broken, b.heal = "", nil
}

// link has what is at an address go through a link, and returns the address with the link's place.
func (b *breaks) link(address string) (*tcp.Link, string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", errors.New("the address cannot be read") // without it: it holds a password
	}
	l, err := tcp.NewLink("127.0.0.1:0", u.Host)
	if err != nil {
		return nil, "", err
	}
	b.links = append(b.links, l)
	u.Host = l.Addr()
	return l, u.String(), nil
}

// prepareBreaks lets parts be broken: those that the launcher runs itself, which are no production's. What
// heals them at the end is closed before the services are.
func (l *launcher) prepareBreaks(p *parts, running *stack) (closes func(), err error) {
	if p.secured != nil {
		return func() {}, nil
	}
	secret, err := l.secret("breaks")
	if err != nil {
		return nil, err
	}
	b, err := newBreaks(l.out, secret, breakLasts)
	if err != nil {
		return nil, fmt.Errorf("listen for what is to be broken: %w", err)
	}
	p.breaks = b.url
	running.push("links", nil, b.closeLinks)
	b.add(fault{Name: "consumer", Title: "Stop payments-core for 20 s",
		Text: "It answers nobody and receives nothing: what is for it waits in the topics. Then it goes on where it was.", begin: suspending(running, paymentsCore.name)})
	if os.Getenv("REDIS_URL") == "" {
		link, address, err := b.link(p.redis)
		if err != nil {
			return nil, fmt.Errorf("link to Redis: %w", err)
		}
		p.redis = address
		b.add(fault{Name: "redis", Title: "Cut Redis for 20 s", Text: "Open pages of both apps get no updates, and say so. Then they show what they have missed.",
			begin: func(context.Context) (func() error, error) { return link.Listen, link.Refuse() }})
	}
	if os.Getenv("DATABASE_URL_"+paymentsCore.variable()) == "" {
		database := p.databases[paymentsCore.name]
		link, address, err := b.link(database.serving)
		if err != nil {
			return nil, fmt.Errorf("link to PostgreSQL: %w", err)
		}
		database.serving = address
		p.databases[paymentsCore.name] = database
		b.add(fault{Name: "postgres", Title: "Swallow packets to PostgreSQL for 20 s", Text: "payments-core's database takes what it is sent, and says nothing. payments-core gives up in time; then it goes on.",
			begin: func(context.Context) (func() error, error) {
				link.Become(tcp.Condition{Still: true})
				return func() error { link.Become(tcp.Condition{}); return nil }, nil
			}})
	}
	b.add(fault{Name: "gateway", Title: "Have the gateway not answer for 20 s",
		Text: "What payments-core asks of it has no answer. It is asked again with the same key, so that nothing is done twice.", begin: suspending(running, sandboxGateway.name)})
	if !p.kafka.KafkaTLS && p.kafka.KafkaSASL == "" {
		keys, settings := p.keys, p.kafka
		b.add(fault{Name: "poison", Title: "Poison a message",
			Text:  "An event whose data cannot be used is published to people. Both web apps set it aside as a dead letter, which stays until somebody discards it.",
			begin: func(ctx context.Context) (func() error, error) { return nil, poison(ctx, keys, settings.KafkaBrokers) }})
	}
	return b.close, nil
}

// suspending stops a process of ours as it is, and lets it go on.
func suspending(running *stack, name string) func(context.Context) (func() error, error) {
	return func(context.Context) (func() error, error) {
		p := running.process(name)
		if p == nil {
			return nil, fmt.Errorf("%s does not run", name)
		}
		return func() error { return p.cmd.Process.Signal(syscall.SIGCONT) }, p.cmd.Process.Signal(syscall.SIGSTOP)
	}
}
