package main

import (
	"net"
	"os"
	"strconv"
	"strings"

	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/signing"
)

// service is one of our binaries and where it listens.
type service struct {
	name     string
	source   string // the package of its main
	port     string // by default
	colour   int
	database string // also the name of its role
}

var (
	sandboxGateway = service{name: "sandbox-gateway", source: "./payments-core/cmd/sandbox-gateway", port: "5003", colour: 90, database: "sandbox_gateway"}
	paymentsCore   = service{name: "payments-core", source: "./payments-core", port: "5001", colour: 35, database: "payments_core"}
	orderingCore   = service{name: "ordering-core", source: "./ordering-core", port: "5002", colour: 34, database: "ordering_core"}
	contractorUI   = service{name: "contractor-ui", source: "./contractor-ui", port: "3000", colour: 36, database: "contractor_ui"}
	managerUI      = service{name: "manager-ui", source: "./manager-ui", port: "4000", colour: 33, database: "manager_ui"}
)

// services in the order in which they start.
var services = []service{sandboxGateway, paymentsCore, orderingCore, contractorUI, managerUI}

// variable is the service's name as it stands in variables: CONTRACTOR_UI.
func (s service) variable() string {
	return strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// addr returns where it listens: on 127.0.0.1 only, unless CONTRACTOR_UI_ADDR (and so on) says otherwise,
// since anyone who reaches a development machine could sign in as anyone.
func (s service) addr() string { return fallback(s.variable()+"_ADDR", "127.0.0.1:"+s.port) }

// adminAddr returns the address of its operators' listener: a hundred ports above, on this machine only.
func (s service) adminAddr() string { return s.above(100) }

// apiAddr returns the address of contractor-ui's listener for other services: two hundred ports above.
func (s service) apiAddr() string { return s.above(200) }

func (s service) above(ports int) string {
	_, port, _ := net.SplitHostPort(s.addr()) // checkPorts refuses what is none
	number, err := strconv.Atoi(port)
	if err != nil || number == 0 {
		return "127.0.0.1:0"
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(number+ports))
}

// scheme is what the services speak.
var scheme = "http"

// url returns the address as seen from this machine, under the name that people type. With HTTPS each web app
// has a name of its own: a browser that is told to come to it by HTTPS alone goes on to http://localhost.
func (s service) url() string {
	address := s.local()
	if scheme == "https" && (s == contractorUI || s == managerUI) {
		address = strings.Replace(address, "localhost", s.name+".localhost", 1)
	}
	return address
}

// local is the address for programs of this machine.
func (s service) local() string {
	host, port, err := net.SplitHostPort(s.addr())
	if err != nil {
		return scheme + "://" + s.addr()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// call is who calls whom with a bearer token of its own. Its text is the name under which the token is kept.
type call struct{ from, to string }

func (c call) String() string { return c.from + "-to-" + c.to }

var (
	managerToContractor  = call{managerUI.name, contractorUI.name}
	managerToPayments    = call{managerUI.name, paymentsCore.name}
	paymentsToGateway    = call{paymentsCore.name, "gateway"}
	contractorToOrdering = call{contractorUI.name, orderingCore.name}
	managerToOrdering    = call{managerUI.name, orderingCore.name}
	seedToOrdering       = call{seedName, orderingCore.name}

	calls = []call{managerToContractor, managerToPayments, paymentsToGateway, contractorToOrdering, managerToOrdering, seedToOrdering,
		contractorToIdentity, managerToIdentity}
)

// parts are the addresses of everything that the services need, and their tokens.
type parts struct {
	kafka     connection.Settings
	redis     string
	databases map[string]database // by service name
	tokens    map[call]string
	keys      string   // the folder with the keys that sign events
	secured   *secured // nil where nothing needs to be
	breaks    string   // where manager-ui asks for a part to be broken; "" for nowhere
}

// redisOf is the address of Redis for an app.
func (p parts) redisOf(s service) string {
	if p.secured != nil {
		return p.secured.redis[s.name]
	}
	return p.redis
}

func (p parts) brokers() string { return strings.Join(p.kafka.KafkaBrokers, ",") }

// accepted returns the value of a core's SERVICE_TOKENS.
func (p parts) accepted(by service) string {
	var pairs []string
	for _, c := range calls {
		if c.to == by.name {
			pairs = append(pairs, c.from+"="+p.tokens[c])
		}
	}
	return strings.Join(pairs, ",")
}

// environment returns the variables of one service: the launcher's own, without what is meant for the
// launcher, and its configuration. It holds no other service's database or token.
func (s service) environment(p parts) []string {
	return append(inherited(), s.settings(p)...)
}

// inherited returns the launcher's own environment, without the services' databases.
func inherited() (environment []string) {
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "DATABASE_URL_") && !strings.HasPrefix(pair, "MIGRATE_DATABASE_URL_") {
			environment = append(environment, pair)
		}
	}
	return environment
}

// migration returns what its command migrate is told besides, and no process that serves.
func (s service) migration(p parts) []string {
	list := []string{"MIGRATE_DATABASE_URL=" + p.databases[s.name].owner}
	if p.secured == nil {
		return list
	}
	return p.secured.migration(s, list)
}

// settings returns the configuration of one service, as NAME=value.
func (s service) settings(p parts) []string {
	if p.secured == nil {
		return s.plain(p)
	}
	return p.secured.settings(s, s.plain(p))
}

// plain is settings with the secrets as they are.
func (s service) plain(p parts) (list []string) {
	set := func(name, value string) { list = append(list, name+"="+value) }
	set("ENVIRONMENT", "development")
	set("HTTP_ADDR", s.addr())
	set("ADMIN_ADDR", s.adminAddr())
	set("DATABASE_URL", p.databases[s.name].serving)
	set("LOG_FORMAT", fallback("LOG_FORMAT", "text"))
	if s.name != sandboxGateway.name {
		set("KAFKA_BROKERS", p.brokers())
		set("EVENT_SIGNING_KEY_FILE", signing.KeyFile(p.keys, "/"+s.name))
		set("EVENT_VERIFY_KEYS_FILE", signing.TrustFile(p.keys))
		set("VERIFY_EVENTS", fallback("VERIFY_EVENTS", "required"))
	}
	switch s.name {
	case contractorUI.name:
		s.identity(p, set)
		set("REDIS_URL", p.redisOf(s))
		set("ORDERING_CORE_URL", orderingCore.url())
		set("ORDERING_CORE_TOKEN", p.tokens[contractorToOrdering])
		set("API_ADDR", s.apiAddr())
		set("SERVICE_TOKENS", p.accepted(s))
	case managerUI.name:
		s.identity(p, set)
		set("REDIS_URL", p.redisOf(s))
		set("PAYMENTS_CORE_URL", paymentsCore.url())
		set("PAYMENTS_CORE_TOKEN", p.tokens[managerToPayments])
		set("ORDERING_CORE_URL", orderingCore.url())
		set("ORDERING_CORE_TOKEN", p.tokens[managerToOrdering])
		set("CONTRACTOR_UI_API_URL", scheme+"://"+strings.Replace(contractorUI.apiAddr(), "127.0.0.1", "localhost", 1))
		set("CONTRACTOR_UI_API_TOKEN", p.tokens[managerToContractor])
		if p.breaks != "" {
			set("BREAK_URL", p.breaks)
		}
	case paymentsCore.name:
		set("SERVICE_TOKENS", p.accepted(s))
		set("GATEWAY_URL", sandboxGateway.url())
		set("GATEWAY_TOKEN", p.tokens[paymentsToGateway])
		// The gateway is a sandbox, so nobody needs to wait minutes.
		set("RETRY_DELAYS", fallback("RETRY_DELAYS", "1s,5s,30s"))
	case orderingCore.name:
		set("SERVICE_TOKENS", p.accepted(s))
	case sandboxGateway.name:
		set("GATEWAY_TOKEN", p.tokens[paymentsToGateway])
	}
	return list
}

func fallback(variable, value string) string {
	if set := os.Getenv(variable); set != "" {
		return set
	}
	return value
}
