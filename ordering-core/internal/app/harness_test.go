package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/ordering-core/internal/app"
	"countersign.example/pkg/api"
	"countersign.example/pkg/api/apitest"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/service"
	"countersign.example/pkg/service/servicetest"
)

// Who calls, and for whom.
const (
	contractorUI = "contractor-ui"
	managerUI    = "manager-ui"
	seed         = "seed"

	ada = `{"id":"ada","name":"Ada Nowak"}`
	ben = `{"id":"ben","name":"Ben Okoro"}`
	mia = `{"id":"mia","name":"Mia Weber"}`
)

var tokens = api.Tokens{
	contractorUI: "token-of-contractor-ui-0123456789", managerUI: "token-of-manager-ui-0123456789", seed: "token-of-seed-0123456789",
}

// harness is the real parts around an ordering-core: PostgreSQL and a broker.
type harness struct {
	t        *testing.T
	broker   *embedded.KafkaBroker
	keys     *kafkatest.Keys
	cfg      app.Config
	db       *pg.DB // the core's, to look into
	document *apitest.Document
	http     *http.Client // holds everything against the document
	stop     func() error
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{t: t, document: apitest.Load(t, "../../../docs/openapi/ordering-core.yaml")}
	h.http = &http.Client{Transport: h.document.Transport(t, http.DefaultTransport)}
	var err error
	if h.broker, err = embedded.Kafka("", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.broker.Close)
	h.cfg = app.Config{ServiceTokens: tokens, OrderTTL: 24 * time.Hour, DraftTTL: 30 * 24 * time.Hour, TimeZone: "Europe/Berlin"}
	h.cfg.HTTPAddr, h.cfg.DatabaseURL, h.cfg.ShutdownTimeout = servicetest.FreeAddr(t), pgtest.NewURL(t), 10*time.Second
	h.cfg.Environment, h.cfg.KafkaBrokers = "development", []string{h.broker.Addr()}
	h.keys = kafkatest.NewKeys(t)
	h.keys.Configure(&h.cfg.KafkaConfig, "ordering-core")
	if err := app.Program().Migrate(t.Context(), &h.cfg, servicetest.Log()); err != nil {
		t.Fatal(err)
	}
	if h.db, err = pg.Open(t.Context(), h.cfg.DatabaseURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.db.Close)
	t.Cleanup(func() {
		if h.stop != nil {
			if err := h.stop(); err != nil {
				t.Error(err)
			}
		}
	})
	return h
}

// start runs the core until stop is called or the test ends.
func (h *harness) start() {
	h.t.Helper()
	h.stop = h.another(h.cfg.HTTPAddr)
}

// another runs a core at an address, and returns what stops it.
func (h *harness) another(addr string) func() error {
	h.t.Helper()
	cfg := h.cfg
	cfg.HTTPAddr = addr
	stop := servicetest.Run(app.Program(), cfg, service.All)
	servicetest.Ready(h.t, addr)
	return stop
}

// publish writes events to a topic as the other services do.
func (h *harness) publish(topic string, events ...event.Event) {
	h.t.Helper()
	w := &kafkago.Writer{Addr: kafkago.TCP(h.broker.Addr()), Balancer: kafkago.Murmur2Balancer{}, RequiredAcks: kafkago.RequireAll,
		BatchTimeout: time.Millisecond, AllowAutoTopicCreation: true, Transport: &kafkago.Transport{}}
	defer w.Close()
	var messages []kafkago.Message
	for _, e := range events {
		messages = append(messages, h.keys.Encode(topic, e))
	}
	h.eventually("published", func() bool { return w.WriteMessages(h.t.Context(), messages...) == nil })
}

// settled waits until everything written has come back.
func (h *harness) settled() {
	h.t.Helper()
	h.eventually("everything confirmed", func() bool {
		var pending int
		err := h.db.Pool().QueryRow(context.Background(), "select count(*) from journal where log is null").Scan(&pending)
		return err == nil && pending == 0
	})
}

// answer is what the API said.
type answer struct {
	status   int
	body     map[string]any
	text     string
	location string
	media    string
}

func (a answer) sequence() int64 {
	n, _ := a.body["sequence"].(float64)
	return int64(n)
}

func (a answer) code() string {
	code, _ := a.body["code"].(string)
	return code
}

// send is a command of a person through a service; fields are members of its body besides the actor.
func (h *harness) send(service, actor, path, fields string) answer {
	h.t.Helper()
	return h.sendAs(uuid.NewString(), service, actor, path, fields)
}

func (h *harness) sendAs(key, service, actor, path, fields string) answer {
	h.t.Helper()
	if fields != "" {
		fields = "," + fields
	}
	return h.call(http.MethodPost, path, `{"actor":`+actor+fields+`}`, map[string]string{
		"Authorization": "Bearer " + tokens[service], "Idempotency-Key": key, "Content-Type": "application/json",
	})
}

// must is send for what has to be done.
func (h *harness) must(service, actor, path, fields string) answer {
	h.t.Helper()
	a := h.send(service, actor, path, fields)
	if a.status >= http.StatusBadRequest {
		h.t.Fatalf("%s: %d %s", path, a.status, a.text)
	}
	return a
}

func (h *harness) get(path string) answer {
	h.t.Helper()
	return h.call(http.MethodGet, path, "", map[string]string{"Authorization": "Bearer " + tokens[managerUI]})
}

func (h *harness) call(method, path, body string, headers map[string]string) answer {
	request, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.cfg.HTTPAddr+path, strings.NewReader(body))
	if err != nil {
		h.t.Error(err)
		return answer{}
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := h.http.Do(request)
	if err != nil {
		h.t.Error(err)
		return answer{}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	a := answer{status: response.StatusCode, text: string(text), location: response.Header.Get("Location"), media: response.Header.Get("Content-Type")}
	_ = json.Unmarshal(text, &a.body)
	return a
}

// product adds a product of so many cents to the catalog.
func (h *harness) product(sku string, cents int64) string {
	h.t.Helper()
	id := uuid.NewString()
	price, _ := json.Marshal(map[string]any{"amount": cents, "currency": "EUR"})
	h.must(managerUI, mia, "/products", `"product_id":"`+id+`","sku":"`+sku+`","name":"`+sku+` of oak","price":`+string(price))
	return id
}

func (h *harness) customer(name string) string {
	h.t.Helper()
	id := uuid.NewString()
	h.must(managerUI, mia, "/customers", `"customer_id":"`+id+`","name":"`+name+`","email":"`+uuid.NewString()+`@example.com"`)
	return id
}

// draft is an order of Ada's with two of a product, for a customer.
func (h *harness) draft(product, customer string) string {
	h.t.Helper()
	id := uuid.NewString()
	h.must(contractorUI, ada, "/orders", `"order_id":"`+id+`"`)
	h.must(contractorUI, ada, "/orders/"+id+"/items", `"product_id":"`+product+`","quantity":2`)
	h.must(contractorUI, ada, "/orders/"+id+"/customer", `"customer_id":"`+customer+`"`)
	return id
}

// eventually polls until the condition holds.
func (h *harness) eventually(what string, condition func() bool) {
	h.t.Helper()
	servicetest.Eventually(h.t, what, condition)
}
