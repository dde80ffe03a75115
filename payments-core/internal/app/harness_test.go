package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/internal/app"
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/api/apitest"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/service"
	"countersign.example/pkg/service/servicetest"
)

const (
	gatewayToken    = "token-of-the-gateway"
	callerToken     = "token-of-manager-ui-0123456789"
	contractorToken = "token-of-contractor-ui-0123456789"
	// patience is for a machine that builds something else meanwhile.
	patience = 30 * time.Second
)

// harness is the real parts around a payments-core: PostgreSQL, a broker, and the sandbox gateway.
type harness struct {
	t       *testing.T
	broker  *embedded.KafkaBroker
	keys    *kafkatest.Keys
	cfg     app.Config
	db      *pg.DB // the core's, to look into
	gateway *gateway.Client
	sandbox *sandbox.Server
	http    *http.Client // holds everything against the API's document
	stop    func() error
}

func newHarness(t *testing.T, options sandbox.Options) *harness {
	t.Helper()
	h := &harness{t: t}
	h.http = &http.Client{Transport: apitest.Load(t, "../../../docs/openapi/payments-core.yaml").Transport(t, http.DefaultTransport)}
	var err error
	if h.broker, err = embedded.Kafka("", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.broker.Close)

	options.Token = gatewayToken
	if options.SlowDelay == 0 {
		options.SlowDelay = 300 * time.Millisecond
	}
	h.sandbox = sandbox.New(pgtest.New(t, sandbox.Migrations), servicetest.Log(), options)
	server := httptest.NewServer(h.sandbox)
	t.Cleanup(func() { h.sandbox.Stop(); server.Close() })
	if h.gateway, err = gateway.NewClient(gateway.ClientConfig{URL: server.URL, Token: gatewayToken}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.gateway.Close)

	h.cfg = app.Config{
		GatewayURL: server.URL, GatewayToken: gatewayToken, GatewayTimeout: time.Second,
		ServiceTokens:     api.Tokens{"manager-ui": callerToken, "contractor-ui": contractorToken},
		RetryDelays:       []time.Duration{50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond},
		ReconcilePatience: 3 * time.Second,
		Jobs:              operations.Timing{JobTimeout: 3 * time.Second, RescueAfter: 4 * time.Second},
	}
	h.cfg.HTTPAddr, h.cfg.DatabaseURL, h.cfg.ShutdownTimeout = servicetest.FreeAddr(t), pgtest.NewURL(t), 10*time.Second
	h.cfg.AdminAddr = servicetest.FreeAddr(t)
	h.cfg.Environment, h.cfg.KafkaBrokers = "development", []string{h.broker.Addr()}
	h.keys = kafkatest.NewKeys(t)
	h.keys.Configure(&h.cfg.KafkaConfig, "payments-core")
	if err := app.Program().Migrate(t.Context(), &h.cfg, servicetest.Log()); err != nil {
		t.Fatal(err)
	}
	if h.db, err = pg.Open(t.Context(), h.cfg.DatabaseURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.db.Close)
	t.Cleanup(func() {
		if h.stop != nil {
			h.settled()
		}
		// While it runs, so that what a test has published last is received.
		for _, difference := range h.reconcile() {
			t.Error(difference)
		}
		if h.stop != nil {
			if err := h.stop(); err != nil {
				t.Error(err)
			}
		}
		if err := h.sandbox.Audit(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// start runs the core until stop is called or the test ends.
func (h *harness) start() {
	h.t.Helper()
	h.stop = servicetest.Run(app.Program(), h.cfg, service.All)
	servicetest.Ready(h.t, h.cfg.HTTPAddr)
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

// reconcile returns the differences that the command would print.
func (h *harness) reconcile() (differences []string) {
	h.t.Helper()
	if err := app.Reconcile(context.Background(), &h.cfg, func(d string) { differences = append(differences, d) }, nil); err != nil {
		h.t.Errorf("reconcile: %v", err)
	}
	return differences
}

// publish writes events as the web apps do.
func (h *harness) publish(events ...event.Event) {
	h.t.Helper()
	w := &kafkago.Writer{Addr: kafkago.TCP(h.broker.Addr()), Balancer: kafkago.Murmur2Balancer{}, RequiredAcks: kafkago.RequireAll,
		BatchTimeout: time.Millisecond, Transport: &kafkago.Transport{}}
	defer w.Close()
	var messages []kafkago.Message
	for _, e := range events {
		topic := payment.Topic
		if strings.HasPrefix(e.Type, "order_") {
			topic = order.Topic
		}
		messages = append(messages, h.keys.Encode(topic, e))
	}
	if err := w.WriteMessages(h.t.Context(), messages...); err != nil {
		h.t.Fatalf("publish: %v", err)
	}
}

// accepted makes the events of a payment that a manager has accepted.
func accepted(minor int64, method payment.CaptureMethod) (string, []event.Event) {
	id := uuid.NewString()
	requested := payment.New("/contractor-ui", id, payment.Requested{
		PaymentID: id, ContractorID: "ada", Amount: money.Amount{Minor: minor, Currency: "EUR"},
		Description: "A fence", CaptureMethod: method,
	})
	requested.Time, requested.Meta = time.Now(), event.Meta{Actor: "ada", ActorName: "Ada Nowak", CorrelationID: uuid.NewString()}
	yes := payment.New("/manager-ui", id, payment.Accepted{})
	yes.Time, yes.Meta = time.Now(), event.Meta{Actor: "mia", ActorName: "Mia Weber", CorrelationID: uuid.NewString()}
	return id, []event.Event{requested, yes}
}

// story waits until a payment has a confirmed event of type last, and returns its confirmed events.
func (h *harness) story(id, last string) (types []string) {
	h.t.Helper()
	h.eventually(last+" of "+id, func() bool {
		types = h.confirmed(id)
		return slices.Contains(types, last)
	})
	return types
}

// confirmed are the types of a payment's events that the log has, in its order.
func (h *harness) confirmed(id string) []string {
	h.t.Helper()
	rows, err := h.db.Pool().Query(h.t.Context(),
		"select type from journal where stream = $1 and log is not null order by log", payment.Stream(id))
	if err != nil {
		h.t.Fatal(err)
	}
	types, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return types
}

// agree holds our operations against the gateway's records.
func (h *harness) agree(id string) {
	h.t.Helper()
	state := strings.NewReplacer("approved", "succeeded", "refused", "failed")
	var theirs []string
	for _, record := range h.records(id) {
		theirs = append(theirs, state.Replace(record))
	}
	ours := h.operations(id)
	slices.Sort(ours)
	if !slices.Equal(ours, theirs) {
		h.t.Errorf("our operations are %v, the gateway's %v", ours, theirs)
	}
}

// records are the gateway's own, of one payment: "key outcome".
func (h *harness) records(id string) []string {
	h.t.Helper()
	var list []string
	for record, err := range h.gateway.Records(h.t.Context(), id) {
		if err != nil {
			h.t.Fatal(err)
		}
		outcome := "approved"
		if !record.Result.Approved() {
			outcome = "refused"
		}
		list = append(list, strings.TrimPrefix(record.Key, id+":")+" "+outcome)
	}
	return list
}

// operations are ours, of one payment: "key state".
func (h *harness) operations(id string) []string {
	h.t.Helper()
	histories, err := operations.Histories(h.t.Context(), h.db.Pool(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	var list []string
	for _, o := range histories[id] {
		list = append(list, strings.TrimPrefix(o.Key, id+":")+" "+string(o.State))
	}
	return list
}

// answer is what the API said.
type answer struct {
	status   int
	body     map[string]any
	text     string
	location string
	media    string
}

func (h *harness) post(path, key, body string) answer {
	h.t.Helper()
	return h.call(http.MethodPost, path, body, map[string]string{
		"Authorization": "Bearer " + callerToken, "Idempotency-Key": key, "Content-Type": "application/json",
	})
}

func (h *harness) get(path string) answer {
	h.t.Helper()
	return h.call(http.MethodGet, path, "", map[string]string{"Authorization": "Bearer " + callerToken})
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

// eventually polls until the condition holds.
func (h *harness) eventually(what string, condition func() bool) {
	h.t.Helper()
	servicetest.Eventually(h.t, what, condition)
}
