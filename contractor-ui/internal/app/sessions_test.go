package app_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"countersign.example/contractor-ui/internal/app"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
	"countersign.example/pkg/service/servicetest"
)

// replica runs a second web process on the same database, and returns its address.
func replica(t *testing.T, cfg app.Config) (addr string) {
	t.Helper()
	cfg.HTTPAddr = servicetest.FreeAddr(t)
	stop := servicetest.Run(app.Program(), cfg, service.Web)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	servicetest.Ready(t, cfg.HTTPAddr)
	return cfg.HTTPAddr
}

func TestSocketsEndWithTheirSessionOnEveryReplica(t *testing.T) {
	addr, cfg, _, _ := start(t)
	elsewhere := replica(t, cfg)
	db, err := pg.Open(t.Context(), cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, end := range map[string]func(jon *person){
		"deleted by hand": func(*person) {
			if _, err := db.Pool().Exec(t.Context(), "delete from sessions"); err != nil {
				t.Fatal(err)
			}
		},
		"lain idle too long": func(*person) { // which the heartbeat's question finds; this one asks at once
			if _, err := db.Pool().Exec(t.Context(), "update sessions set expiry = now()"); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Pool().Exec(t.Context(), "notify sessions_ended"); err != nil {
				t.Fatal(err)
			}
		},
		"signed out everywhere":      func(jon *person) { jon.post("/sessions/end", nil) },
		"switched to another person": func(jon *person) { jon.post("/signed-in-as", url.Values{"person": {"ada-nowak"}}) },
	} {
		t.Run(name, func(t *testing.T) {
			// given Jon's open lists, at two replicas
			jon := visit(t, addr, "jon-park")
			sockets := []*websocket.Conn{jon.open("&as=jon-park"), (&person{t, elsewhere, jon.client}).open("&as=jon-park")}
			jon.ask("Before")
			for _, socket := range sockets {
				rowOf(t, socket, "Before")
			}

			// when his session ends, and something of his happens
			end(jon)
			watch := servicetest.StartStopwatch(t)
			visit(t, addr, "jon-park").ask("After")

			// then his sockets are closed within a second
			for _, socket := range sockets {
				for err == nil {
					_, _, err = socket.ReadMessage()
				}
				if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
					t.Errorf("closed with %v", err)
				}
				err = nil
			}
			if took := watch.Took(); took > time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	// and a page whose session had ended before it was fetched keeps its socket: it is the next person's, by the
	// session it has now
	if _, err := db.Pool().Exec(t.Context(), "delete from sessions"); err != nil {
		t.Fatal(err)
	}
	ada := visit(t, addr, "ada-nowak")
	if _, err := db.Pool().Exec(t.Context(), "delete from sessions"); err != nil {
		t.Fatal(err)
	}
	socket := ada.open("")
	ada.ask("Without a session")
	rowOf(t, socket, "Without a session")
}
