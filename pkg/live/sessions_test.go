package live_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service/servicetest"
)

// signedIn is a store of sessions in a table, which counts how often it is asked.
type signedIn struct {
	db    *pg.DB
	asked atomic.Int64
	hangs atomic.Bool
	fails atomic.Int64 // how many questions more
	over  <-chan struct{}
}

func (s *signedIn) Ended(ctx context.Context, sessions []string) (ended []string, err error) {
	s.asked.Add(1)
	if s.hangs.Load() {
		select {
		case <-ctx.Done():
		case <-s.over:
		}
		return nil, errors.New("no answer")
	}
	if s.fails.Add(-1) >= 0 {
		return nil, errors.New("no connection is free")
	}
	err = s.db.Pool().QueryRow(ctx, `select coalesce(array_agg(asked), '{}') from unnest($1::text[]) asked
		where not exists (select from signed_in where token = asked)`, sessions).Scan(&ended)
	return ended, err
}

func (s *signedIn) OnEnd(ctx context.Context, notify func()) { s.db.Listen(ctx, "ended", notify) }

func newSignedIn(a *app, tokens ...string) *signedIn {
	a.exec("create table signed_in (token text primary key)")
	for _, token := range tokens {
		a.exec("insert into signed_in values ($1)", token)
	}
	return &signedIn{db: a.db, over: a.tb.Context().Done()}
}

func TestSocketsOfAnEndedSessionCloseOnEveryReplica(t *testing.T) {
	// given sockets of two sessions and one without, on two replicas
	a := newApp(t)
	a.push()
	sessions := newSignedIn(a, "gone", "stays")
	other := live.NewHub(a.db, a.redis, "test", quiet)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		other.Serve(w, r, "all", r.URL.Query().Get("session"), "")
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = other.Close(context.Background()) })
	a.run(other.Run)
	for _, hub := range []*live.Hub{a.hub, other} {
		a.run(func(ctx context.Context) error { return hub.Watch(ctx, sessions) })
	}
	eventually(t, "the other replica reads", other.Healthy)
	var ended, stay []*websocket.Conn
	for _, url := range []string{a.url, "ws" + strings.TrimPrefix(server.URL, "http")} {
		ended = append(ended, dial(t, url+"?session=gone"), dial(t, url+"?session=gone"))
		stay = append(stay, dial(t, url+"?session=stays"), dial(t, url))
	}
	eventually(t, "all are open", func() bool { return a.hub.Sockets()+other.Sockets() == 8 })

	// when the session is deleted, and told of
	a.exec("delete from signed_in where token = 'gone'")
	a.exec("notify ended")
	watch := servicetest.StartStopwatch(t)

	// then its sockets are closed within a second
	for _, conn := range ended {
		if err := drain(conn); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
			t.Errorf("closed with %v", err)
		}
	}
	if took := watch.Took(); took > time.Second {
		t.Errorf("it took %s", took)
	}
	// and the others go on
	a.change("doc")
	for _, conn := range stay {
		for m := first(t, conn); m.Row == nil; m = first(t, conn) {
		}
	}
}

func TestAllSocketsOfAReplicaAreAskedAfterAtOnce(t *testing.T) {
	// given a hundred sockets of as many sessions
	a := newApp(t)
	var tokens []string
	for n := range 100 {
		tokens = append(tokens, fmt.Sprint("s", n))
	}
	sessions := newSignedIn(a, tokens...)
	a.run(func(ctx context.Context) error { return a.hub.Watch(ctx, sessions) })
	var conns []*websocket.Conn
	for _, token := range tokens {
		conns = append(conns, dial(t, a.url+"?session="+token))
	}
	eventually(t, "all are open", func() bool { return a.hub.Sockets() == 100 })

	// when all end, one by one
	before := sessions.asked.Load()
	began := time.Now()
	for _, token := range tokens {
		a.exec("delete from signed_in where token = $1", token)
		a.exec("notify ended")
	}
	for _, conn := range conns {
		if err := drain(conn); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
			t.Fatalf("closed with %v", err)
		}
	}

	// then few questions were enough
	if asked, most := sessions.asked.Load()-before, 2+int64(time.Since(began)/(200*time.Millisecond)); asked > most {
		t.Errorf("asked %d times, more than %d", asked, most)
	}
}

func TestASessionThatEndsWhileItsSocketOpensIsNoticed(t *testing.T) {
	// given a page whose session ended between its request and the socket's joining, told of before
	a := newApp(t)
	sessions := newSignedIn(a)
	a.run(func(ctx context.Context) error { return a.hub.Watch(ctx, sessions) })

	conn := dial(t, a.url+"?session=gone")

	if err := drain(conn); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("closed with %v", err)
	}
}

func TestAStoreThatHangsClosesNothingAndHoldsUpNothing(t *testing.T) {
	// given a store that does not answer
	a := newApp(t)
	a.push()
	sessions := newSignedIn(a, "stays")
	sessions.hangs.Store(true)
	stop := a.run(func(ctx context.Context) error { return a.hub.Watch(ctx, sessions) })
	conn := dial(t, a.url+"?session=stays")
	eventually(t, "it is asked", func() bool { return sessions.asked.Load() > 0 })

	// when something changes, then the socket has it
	a.change("doc")
	for m := first(t, conn); m.Row == nil; m = first(t, conn) {
	}
	// and stopping waits for no answer
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	select {
	case <-stopped:
	case <-time.After(3 * time.Second):
		t.Fatal("it waits for the answer")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := a.hub.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestAStoreThatFailedIsAskedAgainSoon(t *testing.T) {
	// given a socket that was asked after
	a := newApp(t)
	sessions := newSignedIn(a, "gone")
	a.run(func(ctx context.Context) error { return a.hub.Watch(ctx, sessions) })
	conn := dial(t, a.url+"?session=gone")
	eventually(t, "it is asked", func() bool { return sessions.asked.Load() > 0 })

	// when its session ends while the store fails
	sessions.fails.Store(3) // more than it is told
	a.exec("delete from signed_in where token = 'gone'")
	a.exec("notify ended")
	began := time.Now()

	// then it is closed, and not only with the next heartbeat
	if err := drain(conn); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("closed with %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestARefusedSocketIsToldWhy(t *testing.T) {
	a := newApp(t)
	server := httptest.NewServer(http.HandlerFunc(a.hub.Refuse))
	t.Cleanup(server.Close)
	conn := dial(t, "ws"+strings.TrimPrefix(server.URL, "http"))
	if err := drain(conn); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("closed with %v", err)
	}
}

func TestASessionHasSoManySocketsAndOthersHaveTheirs(t *testing.T) {
	a := newApp(t)
	a.push()
	a.hub.Limit(2, 4)
	open := func(session string) *websocket.Conn {
		conn, _, err := websocket.DefaultDialer.Dial(a.url+"?session="+session, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	// outcome is the code by which a socket is closed, or 0 when it is served.
	outcome := func(conn *websocket.Conn) int {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, _, err := conn.ReadMessage()
		closed := &websocket.CloseError{}
		if errors.As(err, &closed) {
			return closed.Code
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	}
	first := open("one")
	for i, c := range []struct {
		session string
		code    int
	}{{"one", 0}, {"one", websocket.CloseTryAgainLater}, {"two", 0}, {"", 0}, {"three", websocket.CloseTryAgainLater}} {
		if code := outcome(open(c.session)); code != c.code {
			t.Errorf("socket %d of %q: %d", i, c.session, code)
		}
	}
	if code := outcome(first); code != 0 {
		t.Fatal(code)
	}
	// A socket that closes makes room.
	_ = first.Close()
	for deadline := time.Now().Add(10 * time.Second); outcome(open("one")) != 0; {
		if time.Now().After(deadline) {
			t.Fatal("the place of a closed socket is not given again")
		}
	}
}
