package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"countersign.example/pkg/embedded"
	"countersign.example/test/faultrun/brokers"
	"countersign.example/test/faultrun/fault"
	"countersign.example/test/faultrun/network"
	"countersign.example/test/faultrun/postgres"
	"countersign.example/test/faultrun/program"
	"countersign.example/test/faultrun/redis"
	"countersign.example/test/testsystem"
)

// parts are what the services need, each of which breaks, and the links by which each service finds each of
// them.
type parts struct {
	network *network.Network
	kafka   *brokers.Kafka
	redis   *redis.Redis
	// The services' databases are on one server. The gateway's is on another, which does not break: it is
	// somebody else's, and what it has recorded stays.
	postgres *postgres.Postgres
	gateway  *embedded.PostgresServer
	servers  map[string]string // by service
}

// clients are the services that use Kafka.
var clients = []string{testsystem.Core, testsystem.Ordering, testsystem.Contractor, testsystem.Manager}

// startParts starts real ones.
func startParts(ctx context.Context, dir string) (p *parts, err error) {
	p = &parts{network: network.New(), servers: map[string]string{}}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL runs as somebody else
		return nil, err
	}
	p.kafka, err = brokers.Start(ctx, filepath.Join(dir, "kafka"), clients, func(client string, broker int, address string) (string, error) {
		return p.network.Link(client, fmt.Sprint("Kafka ", broker), address)
	})
	if err == nil {
		p.redis, err = redis.Start(ctx, filepath.Join(dir, "redis"))
	}
	if err == nil {
		p.postgres, err = postgres.Start(ctx, filepath.Join(dir, "postgres"))
	}
	if err == nil {
		err = p.startGateways(ctx, filepath.Join(dir, "gateway"))
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// startGateways starts the gateway's PostgreSQL.
func (p *parts) startGateways(ctx context.Context, dir string) error {
	for _, service := range clients {
		p.servers[service] = p.postgres.URL()
	}
	addresses, err := program.FreeAddresses(1)
	if err != nil {
		return err
	}
	_, text, _ := net.SplitHostPort(addresses[0])
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	cfg := embedded.PostgresConfig{Dir: dir, CacheDir: embedded.DefaultCacheDir(), Port: port, Password: "of-the-gateway"}
	p.servers[testsystem.Gateway] = cfg.URL()
	p.gateway, err = embedded.Postgres(ctx, cfg)
	return err
}

// own is how the run itself reaches them, without a link that breaks.
func (p *parts) own() testsystem.Own {
	connection := p.kafka.Connection()
	return testsystem.Own{Kafka: &connection, Redis: "redis://" + p.redis.Address(), Postgres: p.servers}
}

// linked are the variables by which a service finds everything by links.
func (p *parts) linked(sys *testsystem.System, service string) (variables []string, err error) {
	link := func(to, address string) string {
		at, wrong := p.network.Link(service, to, address)
		err = errors.Join(err, wrong)
		return at
	}
	if service == testsystem.Gateway {
		return nil, nil // it is somebody else's
	}
	database, wrong := url.Parse(sys.Serving(service))
	if wrong != nil {
		return nil, wrong
	}
	database.Host = link("PostgreSQL", database.Host)
	variables = []string{"DATABASE_URL=" + database.String()}
	http := func(variable, to string) {
		variables = append(variables, variable+"=http://"+link(to, strings.TrimPrefix(sys.URL(to), "http://")))
	}
	variables = append(variables, "KAFKA_BROKERS="+strings.Join(p.kafka.Addresses(service), ","))
	switch service {
	case testsystem.Core:
		http("GATEWAY_URL", testsystem.Gateway)
	case testsystem.Manager:
		http("PAYMENTS_CORE_URL", testsystem.Core)
		fallthrough
	case testsystem.Contractor:
		http("ORDERING_CORE_URL", testsystem.Ordering)
		variables = append(variables, "REDIS_URL=redis://"+link("Redis", p.redis.Address()))
	}
	return variables, err
}

// faults are those of all parts.
func (p *parts) faults(e *fault.Environment) (list []fault.Fault) {
	for _, part := range p.all() {
		list = append(list, part.Faults(e)...)
	}
	return list
}

func (p *parts) all() (list []fault.Part) {
	if p.kafka != nil {
		list = append(list, p.kafka)
	}
	if p.redis != nil {
		list = append(list, p.redis)
	}
	if p.postgres != nil {
		list = append(list, p.postgres)
	}
	return append(list, p.network)
}

func (p *parts) close() (err error) {
	for _, part := range p.all() {
		err = errors.Join(err, part.Close())
	}
	if p.gateway != nil {
		err = errors.Join(err, p.gateway.Close())
	}
	return err
}
