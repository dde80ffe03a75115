package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"countersign.example/test/faultrun/brokers"
	"countersign.example/test/faultrun/fault"
	"countersign.example/test/faultrun/network"
	"countersign.example/test/faultrun/redis"
	"countersign.example/test/testsystem"
)

// parts are what the services need, each of which breaks, and the links by which each service finds each of them.
type parts struct {
	network *network.Network
	kafka   *brokers.Kafka
	redis   *redis.Redis
}

// clients are the services that use Kafka.
var clients = []string{testsystem.Core, testsystem.Ordering, testsystem.Contractor, testsystem.Manager}

// startParts starts real ones.
func startParts(ctx context.Context, dir string) (p *parts, err error) {
	p = &parts{network: network.New()}
	p.kafka, err = brokers.Start(ctx, filepath.Join(dir, "kafka"), clients, func(client string, broker int, address string) (string, error) {
		return p.network.Link(client, fmt.Sprint("Kafka ", broker), address)
	})
	if err == nil {
		p.redis, err = redis.Start(ctx, filepath.Join(dir, "redis"))
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// own is how the run itself reaches them, without a link that breaks.
func (p *parts) own() testsystem.Own {
	connection := p.kafka.Connection()
	return testsystem.Own{Kafka: &connection, Redis: "redis://" + p.redis.Address()}
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
	return append(list, p.network)
}

func (p *parts) close() (err error) {
	for _, part := range p.all() {
		err = errors.Join(err, part.Close())
	}
	return err
}
