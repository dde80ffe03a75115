package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/contractor-ui/internal/app"
	"countersign.example/manager-ui/people"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service/servicetest"
)

// publishPeople puts an event into the topic, as a service writes and signs it.
func publishPeople(t *testing.T, cfg app.Config, keys *kafkatest.Keys, source string, body people.Body) {
	t.Helper()
	writer := &kafkago.Writer{Addr: kafkago.TCP(cfg.KafkaBrokers...), RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafkago.Murmur2Balancer{}}
	defer writer.Close()
	e := people.New(source, body)
	e.Meta, e.Time = event.Meta{Actor: "lena-roth", ActorName: "Lena Roth"}, time.Now()
	if err := writer.WriteMessages(t.Context(), keys.Encode(people.Topic, e)); err != nil {
		t.Fatal(err)
	}
}

func TestWhoIsBlockedLosesAllTabsOnEveryReplica(t *testing.T) {
	addr, cfg, keys, _ := start(t)
	elsewhere := replica(t, cfg)
	db, err := pg.Open(t.Context(), cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := func(query string) (n int) {
		if err := db.Pool().QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	// given Jon with twenty open tabs at two replicas, and Ada with one
	jon, ada := visit(t, addr, "jon-park"), visit(t, addr, "ada-nowak")
	there := &person{t, elsewhere, jon.client}
	adas := ada.open("&as=ada-nowak")
	var sockets []*websocket.Conn
	for range 10 {
		sockets = append(sockets, jon.open("&as=jon-park"), there.open("&as=jon-park"))
	}
	// of whom it is said once that he is here
	servicetest.Eventually(t, "published", func() bool { return count("select count(*) from outbox") == 0 })
	if n := count("select count(*) from journal where type = 'person_seen_by_contractor_ui' and data ->> 'person_id' = 'jon-park'"); n != 1 {
		t.Errorf("that he is here is said %d times", n)
	}

	// when another than manager-ui says that he is blocked, then nothing happens
	block := people.Blocked{PersonID: "jon-park", Reason: "Left."}
	publishPeople(t, cfg, keys, "/contractor-ui", block)
	servicetest.Eventually(t, "refused", func() bool { return count("select count(*) from dead_letters where kind = 'refused'") == 1 })
	jon.get("/")

	// and when manager-ui does, then he is out within two seconds, in all tabs
	watch := servicetest.StartStopwatch(t)
	publishPeople(t, cfg, keys, "/manager-ui", block)
	for _, socket := range sockets {
		for err = nil; err == nil; {
			_, _, err = socket.ReadMessage()
		}
		if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
			t.Errorf("closed with %v", err)
		}
	}
	if took := watch.Took(); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	for _, at := range []string{addr, elsewhere} {
		response, err := jon.client.Get("http://" + at + "/")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden || !strings.Contains(string(text), "Lena Roth has blocked you") {
			t.Errorf("%d: %s", response.StatusCode, text)
		}
	}
	// and nobody else is
	ada.ask("Gloves")
	rowOf(t, adas, "Gloves")

	// and unblocked, he is in again
	publishPeople(t, cfg, keys, "/manager-ui", people.Unblocked(block))
	servicetest.Eventually(t, "in again", func() bool {
		response, err := jon.client.Get("http://" + addr + "/")
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	})
}
