package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"strconv"

	"countersign.example/deploy/keys/keyring"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/embedded/devca"
	"countersign.example/pkg/kafka/connection"
	config "countersign.example/pkg/service" // service is one of ours here
)

// Where the embedded parts listen, and the variables that move them.
func kafkaAddr() string { return net.JoinHostPort("127.0.0.1", fallback("KAFKA_PORT", "9092")) }
func redisAddr() string { return net.JoinHostPort("127.0.0.1", fallback("REDIS_PORT", "63790")) }
func postgresAddr() string {
	return net.JoinHostPort("127.0.0.1", fallback("POSTGRES_PORT", "54320"))
}

// withoutDatabase are the services that nobody gave a database.
func withoutDatabase() (list []service) {
	for _, s := range services {
		if os.Getenv("DATABASE_URL_"+s.variable()) == "" {
			list = append(list, s)
		}
	}
	return list
}

// claims lists every address that this run will listen on.
func claims() []claim {
	var list []claim
	for _, s := range services {
		list = append(list, claim{s.name, s.addr(), s.variable() + "_ADDR"})
		list = append(list, claim{s.name + "'s admin listener", s.adminAddr(), s.variable() + "_ADDR (100 below it)"})
	}
	list = append(list, claim{"contractor-ui's listener for services", contractorUI.apiAddr(), contractorUI.variable() + "_ADDR (200 below it)"})
	if withProvider() {
		list = append(list, claim{identityProvider.name, identityProvider.addr(), identityProvider.variable() + "_ADDR"})
	}
	if os.Getenv("KAFKA_BROKERS") == "" {
		list = append(list, claim{"the embedded Kafka", kafkaAddr(), "KAFKA_PORT (or KAFKA_BROKERS to use the one there)"})
	}
	if os.Getenv("REDIS_URL") == "" {
		list = append(list, claim{"the embedded Redis", redisAddr(), "REDIS_PORT (or REDIS_URL to use the one there)"})
	}
	if len(withoutDatabase()) > 0 {
		list = append(list, claim{"the embedded PostgreSQL", postgresAddr(), "POSTGRES_PORT (or DATABASE_URL_* to use the one there)"})
	}
	if scheme == "https" {
		list = append(list, claim{"Kafka's controller", "127.0.0.1:" + os.Getenv("KAFKA_CONTROLLER_PORT"), "KAFKA_CONTROLLER_PORT"},
			claim{"Kafka's mTLS listener", "127.0.0.1:" + os.Getenv("KAFKA_MTLS_PORT"), "KAFKA_MTLS_PORT"})
	}
	return list
}

// startParts starts what no variable names, and adds what it started to running.
func (l *launcher) startParts(ctx context.Context, running *stack) (parts, error) {
	p := parts{redis: os.Getenv("REDIS_URL"), databases: map[string]database{}}
	var err error
	if p.tokens, err = l.tokens(); err != nil {
		return p, err
	}
	for _, s := range services {
		p.databases[s.name] = database{serving: os.Getenv("DATABASE_URL_" + s.variable()), owner: os.Getenv("MIGRATE_DATABASE_URL_" + s.variable())}
	}
	if wanted := withoutDatabase(); len(wanted) > 0 {
		made, err := l.startPostgres(ctx, wanted, running, devca.Pair{}, "sslmode=disable")
		if err != nil {
			return p, err
		}
		maps.Copy(p.databases, made)
	}
	if os.Getenv("KAFKA_BROKERS") == "" {
		broker, err := embedded.Kafka(l.data("kafka"), kafkaAddr())
		if err != nil {
			return p, err
		}
		running.push("Kafka", nil, broker.Close)
		p.kafka = connection.Plaintext(broker.Addr())
	} else if err := config.Parse(&p.kafka); err != nil {
		return p, err
	}
	if p.redis == "" {
		server, err := embedded.Redis(redisAddr())
		if err != nil {
			return p, err
		}
		running.push("Redis", nil, server.Close)
		p.redis = server.URL()
	}
	p.keys = l.data("keys")
	return p, keyring.Prepare(ctx, p.keys, p.kafka)
}

// tokens are those with which services call each other.
func (l *launcher) tokens() (map[call]string, error) {
	tokens := map[call]string{}
	for _, c := range calls {
		token, err := l.secret(c.String())
		if err != nil {
			return nil, err
		}
		tokens[c] = token
	}
	return tokens, nil
}

// startPostgres starts the embedded PostgreSQL, with TLS where it has a certificate; how says how services
// connect.
func (l *launcher) startPostgres(ctx context.Context, wanted []service, running *stack, tls devca.Pair, how string) (map[string]database, error) {
	_, portText, _ := net.SplitHostPort(postgresAddr())
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, usageError{fmt.Sprintf("POSTGRES_PORT is %q: use a number", portText)}
	}
	dir := l.postgresDir()
	if err := l.removeStray(dir); err != nil {
		return nil, err
	}
	password, err := l.secret("postgres")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		l.out.print("creating the PostgreSQL database in %s (its program is fetched once, about 12 MB)", dir)
	}
	cfg := embedded.PostgresConfig{
		Dir: dir, CacheDir: embedded.DefaultCacheDir(), Port: port, Password: password,
		Settings: map[string]string{"max_connections": "200"}, CertFile: tls.CertFile, KeyFile: tls.KeyFile,
	}
	server, err := embedded.Postgres(ctx, cfg)
	if err != nil {
		return nil, err
	}
	running.push("PostgreSQL", server.Ended(), func() {
		if err := server.Close(); err != nil {
			l.out.print("PostgreSQL did not stop well: %v", err)
		}
	})
	return l.createDatabases(ctx, cfg.URL(), port, wanted, how)
}

// removeStray removes a database outside .local/ whose .local/ somebody has deleted: its password is gone,
// and its journal would not fit a new Kafka.
func (l *launcher) removeStray(dir string) error {
	_, err := os.Stat(l.data("secrets", "postgres"))
	if dir == l.data("postgres") || !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return os.RemoveAll(dir)
}
