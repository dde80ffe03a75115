package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"countersign.example/deploy/keys/keyring"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/embedded/devca"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	config "countersign.example/pkg/service"
)

// productionLikeFolder is that of its data, below .local.
const productionLikeFolder = "production-like"

// productionLikeSettings are those that differ from `make run`, so that both run side by side. What is set
// already stays.
var productionLikeSettings = map[string]string{
	"IDENTITY":           "oidc",
	"CONTRACTOR_UI_ADDR": "127.0.0.1:3443", "MANAGER_UI_ADDR": "127.0.0.1:4443", "PAYMENTS_CORE_ADDR": "127.0.0.1:5441",
	"ORDERING_CORE_ADDR": "127.0.0.1:5442", "SANDBOX_GATEWAY_ADDR": "127.0.0.1:5443", "IDENTITY_ADDR": "127.0.0.1:5444",
	"KAFKA_PORT": "9492", "KAFKA_CONTROLLER_PORT": "9493", "KAFKA_MTLS_PORT": "9494", "REDIS_PORT": "63793", "POSTGRES_PORT": "54323",
}

// secured is what services need whose settings are those of production: certificates, users, secrets in
// files.
type secured struct {
	caFile       string
	certificates map[string]devca.Pair // by service, and of the parts
	kafkaSecrets string                // the CA and the users' passwords, of deploy/kafka/run.sh
	secrets      string                // the folder of the services' own, one for each
	redis        map[string]string     // each app's address of Redis
}

// productionLike runs everything with production's settings, until it is stopped or the command has ended.
func (l *launcher) productionLike(ctx context.Context, command []string) error {
	for name, value := range productionLikeSettings {
		if os.Getenv(name) == "" {
			if err := os.Setenv(name, value); err != nil {
				return err
			}
		}
	}
	scheme = "https"
	l.folder, l.command = productionLikeFolder, command
	return l.run(ctx)
}

// startSecuredParts starts Kafka, PostgreSQL and Redis as production has them: by TLS, each user with rights
// of their own.
func (l *launcher) startSecuredParts(ctx context.Context, running *stack) (p parts, err error) {
	p = parts{databases: map[string]database{}}
	if p.tokens, err = l.tokens(); err != nil {
		return p, err
	}
	if p.secured, err = l.certify(); err != nil {
		return p, err
	}
	broker, err := l.startSecuredKafka(running)
	if err != nil {
		return p, err
	}
	pair := p.secured.certificates["postgres"]
	how := "sslmode=verify-full&sslrootcert=" + p.secured.caFile
	if p.databases, err = l.startPostgres(ctx, services, running, pair, how); err != nil {
		return p, err
	}
	if err := l.startSecuredRedis(ctx, running, p.secured); err != nil {
		return p, err
	}
	if err := broker.until(ctx, readyPatience, kafkaAddr(), func(ctx context.Context) bool { return listens(ctx, kafkaAddr()) }); err != nil {
		return p, err
	}
	p.kafka = connection.Settings{
		KafkaBrokers: []string{kafkaAddr()}, KafkaTLS: true, KafkaCAFile: filepath.Join(p.secured.kafkaSecrets, "ca.pem"),
		KafkaSASL: connection.ScramSHA512, KafkaUsername: "admin", KafkaPasswordFile: p.secured.password("admin"),
	}
	p.keys = l.data("keys")
	return p, keyring.Prepare(ctx, p.keys, p.kafka)
}

// certify issues a certificate for everything that listens, by the CA of this checkout, and trusts it.
func (l *launcher) certify() (*secured, error) {
	ca, err := devca.Open(l.data("ca"))
	if err != nil {
		return nil, err
	}
	x := &secured{
		caFile: ca.CertFile(), certificates: map[string]devca.Pair{}, redis: map[string]string{},
		kafkaSecrets: l.data("kafka", "secrets"), secrets: l.data("secrets"),
	}
	names := []string{"postgres", "redis", identityProvider.name}
	for _, s := range services {
		names = append(names, s.name)
	}
	for _, name := range names {
		if x.certificates[name], err = ca.Issue(devca.Leaf{Name: name, Hosts: []string{"localhost", "127.0.0.1", name + ".localhost"}}); err != nil {
			return nil, err
		}
	}
	return x, config.Trust(x.caFile)
}

func (l *launcher) startSecuredKafka(running *stack) (*process, error) {
	environment := append(os.Environ(), "KAFKA_SECURED=yes", "KAFKA_DATA="+l.data("kafka"))
	child, err := l.start("kafka", 37, environment, l.path("deploy", "kafka", "run.sh"))
	if err != nil {
		return nil, err
	}
	running.push("Kafka", child.ended, func() { child.stop(stopGrace) })
	return child, nil
}

func (l *launcher) startSecuredRedis(ctx context.Context, running *stack, x *secured) error {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return usageError{"redis-server is missing: install Redis 7 or newer (Debian: apt-get install redis-server)"}
	}
	_, portText, _ := net.SplitHostPort(redisAddr())
	port, err := strconv.Atoi(portText)
	if err != nil {
		return usageError{fmt.Sprintf("REDIS_PORT is %q: use a number", portText)}
	}
	pair, passwords := x.certificates["redis"], map[string]string{}
	for _, s := range []service{contractorUI, managerUI} {
		if passwords[s.name], err = l.secret("redis-" + s.name); err != nil {
			return err
		}
		x.redis[s.name] = fmt.Sprintf("rediss://%s:%s@%s", s.name, passwords[s.name], redisAddr())
	}
	arguments, err := embedded.SecuredRedis{
		Dir: l.data("redis"), Port: port, CertFile: pair.CertFile, KeyFile: pair.KeyFile, CAFile: x.caFile,
		UsersFile: l.path("deploy", "redis", "users.acl"), Passwords: passwords,
	}.Arguments()
	if err != nil {
		return err
	}
	child, err := l.start("redis", 37, os.Environ(), program, arguments...)
	if err != nil {
		return err
	}
	running.push("Redis", child.ended, func() { child.stop(stopGrace) })
	return child.until(ctx, readyPatience, redisAddr(), func(ctx context.Context) bool { return listens(ctx, redisAddr()) })
}

func listens(ctx context.Context, addr string) bool {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// allowKafka gives each user of Kafka the rights that the services declare.
func (l *launcher) allowKafka(ctx context.Context, p parts) error {
	environment := append(os.Environ(), p.secured.kafka("admin")...)
	environment = append(environment, "KAFKA_BROKERS="+p.brokers())
	child, err := l.start("kafka", 37, environment, l.path("deploy", "kafka", "acls.sh"), "--apply")
	if err != nil {
		return err
	}
	return child.finish(ctx)
}

// secure gives services and users of Kafka what they need before anything of theirs starts.
func (l *launcher) secure(ctx context.Context, p parts) error {
	for _, s := range services {
		if err := p.secured.keep(s, append(s.plain(p), "MIGRATE_DATABASE_URL="+p.databases[s.name].owner)); err != nil {
			return err
		}
	}
	return l.allowKafka(ctx, p)
}

// migration are the settings that only migrate has.
func (x *secured) migration(s service, list []string) []string {
	list = x.files(s, list)
	if slices.Contains(keyring.Services, s.name) {
		list = append(list, x.kafka(kafka.OwnerUser)...)
	}
	return list
}

func (x *secured) password(user string) string {
	return filepath.Join(x.kafkaSecrets, user+".password")
}

// kafka are the settings of a user of Kafka.
func (x *secured) kafka(user string) []string {
	return []string{"KAFKA_TLS=true", "KAFKA_CA_FILE=" + filepath.Join(x.kafkaSecrets, "ca.pem"), "KAFKA_SASL=" + string(connection.ScramSHA512),
		"KAFKA_USERNAME=" + user, "KAFKA_PASSWORD_FILE=" + x.password(user)}
}

// settings turns the settings of `make run` into those of production.
func (x *secured) settings(s service, list []string) []string {
	secure := x.files(s, list)
	if i := slices.Index(secure, "ENVIRONMENT=development"); i >= 0 && s != sandboxGateway { // which refuses production
		secure[i] = "ENVIRONMENT=production"
	}
	pair := x.certificates[s.name]
	secure = append(secure, "TLS_CERT_FILE="+pair.CertFile, "TLS_KEY_FILE="+pair.KeyFile, "HTTP_CA_FILE="+x.caFile)
	if slices.Contains(keyring.Services, s.name) {
		secure = append(secure, x.kafka(s.name)...)
	}
	if x.redis[s.name] != "" {
		secure = append(secure, "REDIS_CA_FILE="+x.caFile)
	}
	return secure
}

// files names the files of secrets, which keep has written.
func (x *secured) files(s service, list []string) []string {
	var named []string
	for _, pair := range list {
		if name, _, _ := strings.Cut(pair, "="); isSecret(name) {
			pair = name + "_FILE=" + filepath.Join(x.secrets, s.name, name)
		}
		named = append(named, pair)
	}
	return named
}

// keep writes a service's secrets into files of its own.
func (x *secured) keep(s service, list []string) error {
	if err := os.MkdirAll(filepath.Join(x.secrets, s.name), 0o700); err != nil {
		return err
	}
	var errs []error
	for _, pair := range list {
		if name, value, _ := strings.Cut(pair, "="); isSecret(name) {
			errs = append(errs, os.WriteFile(filepath.Join(x.secrets, s.name, name), []byte(value+"\n"), 0o600))
		}
	}
	return errors.Join(errs...)
}

func isSecret(variable string) bool {
	return slices.ContainsFunc([]string{"DATABASE_URL", "REDIS_URL", "_TOKEN", "_TOKENS", "_SECRET"}, func(end string) bool { return strings.HasSuffix(variable, end) })
}

// test is what a command is told that looks at the running system.
func (x *secured) test() []string {
	var shown []string
	for _, s := range []service{contractorUI, managerUI, identityProvider} {
		shown = append(shown, x.certificates[s.name].CertFile)
	}
	return []string{"TEST_CONTRACTOR_UI_URL=" + contractorUI.url(), "TEST_MANAGER_UI_URL=" + managerUI.url(), "TEST_TRUSTED_CERTS=" + strings.Join(shown, ",")}
}
