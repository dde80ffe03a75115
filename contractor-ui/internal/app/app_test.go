package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/contractor-ui/internal/app"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/service"
	"countersign.example/pkg/service/servicetest"
)

// patience is for a machine that builds something else meanwhile.
const patience = 30 * time.Second

// start runs the whole service on parts of its own, and returns its address.
func start(t *testing.T) (addr string, cfg app.Config, keys *kafkatest.Keys, stop func() error) {
	t.Helper()
	broker, err := embedded.Kafka("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	redis, err := embedded.Redis("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Close)
	addr = servicetest.FreeAddr(t)
	cfg.HTTPAddr, cfg.DatabaseURL, cfg.Environment, cfg.ShutdownTimeout = addr, pgtest.NewURL(t), "development", 10*time.Second
	cfg.KafkaBrokers, cfg.RedisURL, cfg.Identity = []string{broker.Addr()}, redis.URL(), "demo"
	cfg.SessionIdle, cfg.SessionLifetime = time.Hour, time.Hour
	keys = kafkatest.NewKeys(t)
	keys.Configure(&cfg.KafkaConfig, "contractor-ui")
	cfg.OrderingCoreURL, cfg.OrderingCoreToken = "http://127.0.0.1:1", "secret" // nobody is there
	if err := app.Program().Migrate(t.Context(), &cfg, servicetest.Log()); err != nil {
		t.Fatal(err)
	}
	stop = servicetest.Run(app.Program(), cfg, service.All)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	servicetest.Eventually(t, "ready", func() bool {
		response, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return string(text) == "ready\n"
	})
	return addr, cfg, keys, stop
}

// person is somebody at a browser with an open page.
type person struct {
	t      *testing.T
	addr   string
	client *http.Client
}

func visit(t *testing.T, addr, id string) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t, addr, &http.Client{Jar: jar}}
	p.post("/signed-in-as", url.Values{"person": {id}})
	return p
}

func (p *person) get(path string) string {
	p.t.Helper()
	return p.read(p.client.Get("http://" + p.addr + path))
}

func (p *person) post(path string, values url.Values) string {
	p.t.Helper()
	return p.read(p.client.PostForm("http://"+p.addr+path, values))
}

func (p *person) read(response *http.Response, err error) string {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		p.t.Fatalf("%d, %v: %s", response.StatusCode, err, text)
	}
	return string(text)
}

var (
	cursor = regexp.MustCompile(`cursor="([^"]*)"`)
	number = regexp.MustCompile(`name="payment_id" value="([^"]*)"`)
)

// open opens the socket of the list as the page would, with parameters that a page does not send.
func (p *person) open(more string) *websocket.Conn {
	p.t.Helper()
	since := cursor.FindStringSubmatch(p.get("/"))[1]
	dialer := websocket.Dialer{Jar: p.client.Jar}
	conn, _, err := dialer.Dial("ws://"+p.addr+"/live?since="+url.QueryEscape(since)+more, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	return conn
}

// ask requests a payment and returns its id.
func (p *person) ask(description string) string {
	p.t.Helper()
	id := number.FindStringSubmatch(p.get("/payments/new"))[1]
	p.post("/payments", url.Values{"payment_id": {id}, "amount": {"12.50"}, "currency": {"EUR"}, "description": {description}})
	return id
}

// rowOf reads a socket until it brings a row in which is text, and returns everything it brought.
func rowOf(t *testing.T, conn *websocket.Conn, text string) (all string) {
	t.Helper()
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			t.Fatalf("no row with %q: %v; came: %s", text, err, all)
		}
		all += string(message) + "\n"
		var m struct {
			Row *struct{ HTML string }
		}
		if json.Unmarshal(message, &m) == nil && m.Row != nil && strings.Contains(m.Row.HTML, text) {
			return all
		}
	}
}

func TestSocketsGetTheirOwnPersonsUpdates(t *testing.T) {
	// given Ada's and Jon's open lists; Jon's socket says that it is Ada's
	addr, _, _, _ := start(t)
	ada, jon := visit(t, addr, "ada-nowak"), visit(t, addr, "jon-park")
	adas, jons := ada.open(""), jon.open("&audience=contractor:ada-nowak&person=ada-nowak")

	// when both ask to be paid
	ada.ask(`<script>alert("secret")</script>`)
	jon.ask("Gloves")

	// then each is brought their own row, with script as text
	if rows := rowOf(t, adas, "secret"); strings.Contains(rows, `<script`) || strings.Contains(rows, "\\u003cscript") {
		t.Errorf("script as script: %s", rows)
	}
	if rows := rowOf(t, jons, "Gloves"); strings.Contains(rows, "secret") {
		t.Errorf("Jon sees Ada's: %s", rows)
	}
}

func TestAPaymentGoesOutAndComesBackConfirmed(t *testing.T) {
	// given an open list
	addr, cfg, _, _ := start(t)
	ada := visit(t, addr, "ada-nowak")
	socket := ada.open("")
	// when a payment is asked for
	id := ada.ask("Gloves")
	rowOf(t, socket, "Gloves")
	// then it is in the topic, comes back, and is no longer pending
	db, err := pg.Open(t.Context(), cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	servicetest.Eventually(t, "confirmed", func() bool {
		var confirmed bool
		err := db.Pool().QueryRow(t.Context(), `select not pending and revision = 2 and not exists (select from outbox)
			from payment_rows where id = $1`, id).Scan(&confirmed)
		return err == nil && confirmed
	})
	if page := ada.get("/payments/" + id); strings.Contains(page, "being confirmed") {
		t.Error("still being confirmed")
	}
}

// publish puts events about an order into its topic, as ordering-core does.
func publish(t *testing.T, cfg app.Config, keys *kafkatest.Keys, id, contractor string, bodies ...order.Body) {
	t.Helper()
	writer := &kafkago.Writer{Addr: kafkago.TCP(cfg.KafkaBrokers...), RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafkago.Murmur2Balancer{}}
	defer writer.Close()
	for i, body := range bodies {
		e := order.New("/ordering-core", id, body)
		e.Meta, e.Time, e.Sequence = event.Meta{Actor: contractor, ActorName: contractor}, time.Now(), int64(i+1)
		if err := writer.WriteMessages(t.Context(), keys.Encode(order.Topic, e)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOrdersAreReceivedAndPushedToTheirContractor(t *testing.T) {
	// given Ada's and Jon's open pages
	addr, cfg, keys, _ := start(t)
	ada, jon := visit(t, addr, "ada-nowak"), visit(t, addr, "jon-park")
	adas, jons := ada.open(""), jon.open("")

	// when ordering-core tells of an order of each
	id, other := event.NewID().String(), event.NewID().String()
	publish(t, cfg, keys, id, "ada-nowak", order.Draft(id, "ada-nowak"),
		order.CustomerChosen{CustomerID: event.NewID().String(), Name: "Hofmann & Söhne"})
	publish(t, cfg, keys, other, "jon-park", order.Draft(other, "jon-park"),
		order.CustomerChosen{CustomerID: event.NewID().String(), Name: "Bakery Kranz"})

	// then each is brought their own, and can look at it
	rowOf(t, adas, "Hofmann")
	if rows := rowOf(t, jons, "Kranz"); strings.Contains(rows, "Hofmann") {
		t.Errorf("Jon sees Ada's: %s", rows)
	}
	if page := ada.get("/orders/" + id); !strings.Contains(page, "Draft for Hofmann") {
		t.Error(page)
	}
	// and an ordering-core that is away takes nothing from that
	response, err := ada.client.PostForm("http://"+addr+"/orders/"+id+"/cancel", url.Values{"reason": {"Kept text"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "Nothing was changed") || !strings.Contains(string(text), "Kept text") {
		t.Errorf("%d: %s", response.StatusCode, text)
	}
}

func TestDemoIdentityIsRefusedInProduction(t *testing.T) {
	cfg := app.Config{}
	cfg.HTTPAddr, cfg.DatabaseURL, cfg.Environment, cfg.LogFormat, cfg.ShutdownTimeout = ":0", "postgres://x@y/z", "production", "json", time.Second
	cfg.Identity = "demo"
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "IDENTITY") {
		t.Errorf("%v", err)
	}
}

// A database that is lost is rebuilt from the topic. What was given before is not given again.
func TestAnotherDatabaseGivesNoNumberAgain(t *testing.T) {
	addr, cfg, _, stopFirst := start(t)
	ada := visit(t, addr, "ada-nowak")
	first := ada.ask("Gloves")
	servicetest.Eventually(t, "published", func() bool { return !strings.Contains(ada.get("/payments/"+first), "being confirmed") })
	// given another database in place of the first one, on the same topics
	if err := stopFirst(); err != nil {
		t.Fatal(err)
	}
	cfg.HTTPAddr, cfg.DatabaseURL = servicetest.FreeAddr(t), pgtest.NewURL(t)
	if err := app.Program().Migrate(t.Context(), &cfg, servicetest.Log()); err != nil {
		t.Fatal(err)
	}
	stop := servicetest.Run(app.Program(), cfg, service.Web)
	servicetest.Eventually(t, "serving", func() bool {
		response, err := http.Get("http://" + cfg.HTTPAddr + "/livez")
		return err == nil && response.Body.Close() == nil
	})
	// when it has not received the first payment, then another one has no number
	other := visit(t, cfg.HTTPAddr, "ada-nowak")
	if page := other.get("/payments/" + other.ask("Nobody reads the topic")); !strings.Contains(page, "Payment’s number") {
		t.Error("it has a number:", page)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	// and once it has, the numbers go on after it
	stop = servicetest.Run(app.Program(), cfg, service.All)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	servicetest.Eventually(t, "received", func() bool {
		response, err := other.client.Get("http://" + cfg.HTTPAddr + "/payments/" + first)
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	})
	reference := regexp.MustCompile(`data-copy="P-[0-9]{4}-([0-9]{6})"`)
	servicetest.Eventually(t, "with a number", func() bool {
		number := reference.FindStringSubmatch(other.get("/payments/" + other.ask("Tiles")))
		if number != nil && number[1] <= "000001" {
			t.Error("given again:", number[0])
		}
		return number != nil
	})
}
